//! `success()`, `failure()` and `cancelled()`, as GitHub answers them.

use super::{Contexts, Frame};
use crate::expression::Status;
use crate::record::Conclusion;
use crate::state::{Stage, State, StepState};

impl Contexts<'_> {
    pub(super) fn status_here(&self) -> Status {
        let Some(frame) = self.frame else { return self.status_of_needs() };
        match frame.parent {
            // The steps of a composite action look at each other only.
            Some(_) if frame.stage != Stage::Post => self.status_among(frame, frame.parent),
            _ => self.job_status(),
        }
    }

    /// How the leg's steps have gone so far.
    pub(super) fn job_status(&self) -> Status {
        match self.frame {
            Some(frame) => self.status_among(frame, None),
            None => self.status_of_needs(),
        }
    }

    fn status_among(&self, frame: Frame<'_>, parent: Option<usize>) -> Status {
        let siblings = frame.leg.steps.iter().filter(|step| step.sequence() == parent);
        let before = siblings.filter(|step| frame.sees(step) && step.stage != Stage::Undo);
        let ends: Vec<Option<Conclusion>> = before.map(StepState::conclusion).collect();
        let failure = ends.contains(&Some(Conclusion::Failure));
        let interrupted = ends.contains(&Some(Conclusion::Cancelled));
        let stopping = frame.leg.is_stopping_inside(parent) || interrupted;
        let cancelled = self.cancelled.unwrap_or(stopping);
        Status { success: !failure && !cancelled, failure, cancelled }
    }

    /// Over the whole chain of jobs that the job needs: one that was skipped is no success.
    fn status_of_needs(&self) -> Status {
        let cancelled = self.cancelled.unwrap_or_else(|| is_stopping(self.state, self.scope));
        let Some(job) = self.job else {
            return Status { success: !cancelled, failure: false, cancelled };
        };
        let conclusions = || {
            let jobs = &self.state.scope_at(self.scope).jobs;
            ancestors(self.state, self.scope, job).into_iter().map(|job| jobs[job].conclusion())
        };
        let failure = conclusions().any(|conclusion| conclusion == Some(Conclusion::Failure));
        let good = conclusions().all(|conclusion| conclusion == Some(Conclusion::Success));
        Status { success: good && !cancelled, failure, cancelled }
    }
}

/// Whether a workflow is being cancelled: with its run, or with the leg that calls it.
pub(crate) fn is_stopping(state: &State, scope: usize) -> bool {
    match state.scope_at(scope).caller {
        None => state.cancel_requested_by.is_some(),
        Some(caller) => state.leg_at(caller).stopping.is_some(),
    }
}

/// Every job that a job needs, directly or not; jobs stand after what they need.
pub(crate) fn ancestors(state: &State, scope: usize, job: usize) -> Vec<usize> {
    let jobs = &state.workflow(scope).jobs;
    let mut wanted = vec![false; job + 1];
    wanted[job] = true;
    for index in (0..=job).rev() {
        if !wanted[index] {
            continue;
        }
        for (other, candidate) in jobs.iter().enumerate().take(index) {
            wanted[other] |= jobs[index].needs.contains(&candidate.key);
        }
    }
    (0..job).filter(|&index| wanted[index]).collect()
}
