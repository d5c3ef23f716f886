//! Stopping: a run, a leg, a step. What is under way is told to end; what has not begun is not, unless its condition
//! says that it runs all the same.

use std::collections::BTreeMap;

use types::{Actor, RunStatus};

use super::Decision;
use super::jobs::holds;
use crate::contexts::Contexts;
use crate::input::{Produced, Refused};
use crate::record::{Conclusion, Record, Stop};
use crate::state::{LegPhase, Stage, StepPhase};

impl Decision {
    /// A second one forces.
    pub(super) fn cancel(&mut self, by: &Actor) -> Result<(), Refused> {
        if self.state.forced {
            return Err(Refused::CancelRequested);
        }
        self.push(Record::CancelRequested { by: by.clone() });
        if self.state.status == RunStatus::Queued {
            return Ok(());
        }
        if self.state.forced {
            self.end_all();
            return Ok(());
        }
        // Legs of called workflows come after those that call.
        for leg in 0..self.state.legs().count() {
            if !self.goes_on_when_cancelled(leg) {
                self.stop_leg(leg, Stop::Cancel);
            }
        }
        Ok(())
    }

    /// GitHub asks the conditions of running jobs again: `if: always()` keeps one running.
    fn goes_on_when_cancelled(&self, leg: usize) -> bool {
        let leg = self.state.leg_at(leg);
        let condition = self.state.job_of(leg).condition.as_ref();
        let here = Contexts::of_job(&self.state, leg.scope, leg.job).supposing_cancelled(true);
        condition.is_some() && holds(condition, &here) == Ok(true)
    }

    /// Nothing is waited for any more.
    fn end_all(&mut self) {
        if self.state.undoing {
            return self.finish(RunStatus::Failed, None);
        }
        for leg in (0..self.state.legs().count()).rev() {
            let state = self.state.leg_at(leg);
            if !state.has_ended() {
                let leg = state.path.clone();
                self.push(cancelled(leg));
            }
        }
        self.finish(RunStatus::Cancelled, None);
    }

    /// A newer member of its concurrency group takes its place.
    pub(super) fn displaced(&mut self, job: Option<&str>) -> Result<(), Refused> {
        match job {
            None if self.state.group.is_some() && self.state.cancel_requested_by.is_none() => {
                self.cancel(&Actor::System)
            }
            None => Err(Refused::Stale),
            Some(job) => {
                let leg = self.leg_index(job)?;
                let state = self.state.leg_at(leg);
                if state.group.is_none() || state.has_ended() || state.stopping.is_some() {
                    return Err(Refused::Stale);
                }
                self.stop_leg(leg, Stop::Displaced);
                Ok(())
            }
        }
    }

    pub(super) fn stop_leg(&mut self, leg: usize, why: Stop) {
        let state = self.state.leg_at(leg);
        let path = state.path.clone();
        match state.phase {
            LegPhase::Done { .. } => {}
            LegPhase::Pending => {
                self.push(cancelled(path));
                self.again = true;
            }
            LegPhase::Running if state.stopping.is_some() => {}
            LegPhase::Running => {
                let (callee, steps) = (state.callee, state.steps.len());
                let inside = if why == Stop::Timeout { Stop::JobTimeout } else { why };
                self.push(Record::LegStopping { leg: path, why });
                self.again = true;
                match callee {
                    Some(callee) => self.stop_scope(callee, inside),
                    None => (0..steps).for_each(|step| self.stop_step_unless(leg, step, inside)),
                }
            }
        }
    }

    fn stop_scope(&mut self, scope: usize, why: Stop) {
        let jobs = self.state.scope_at(scope).jobs.iter();
        let legs: Vec<usize> = jobs.flat_map(|job| job.legs.iter().copied()).collect();
        for leg in legs {
            if !self.goes_on_when_cancelled(leg) {
                self.stop_leg(leg, why);
            }
        }
    }

    /// Unless its condition says that it runs also when the job is stopped.
    fn stop_step_unless(&mut self, leg: usize, step: usize, why: Stop) {
        let state = self.state.leg_at(leg);
        let definition = self.state.definition_of(state, &state.steps[step]);
        let condition = definition.condition.as_ref();
        let here = Contexts::of_step(&self.state, state, step).supposing_cancelled(true);
        let goes_on = match state.steps[step].stage {
            Stage::Post | Stage::Undo => true,
            Stage::Pre => false,
            // One that is late was begun without knowing: it stops.
            Stage::Main => condition.is_some() && holds(condition, &here) == Ok(true),
        };
        let composite = state.steps[step].phase == StepPhase::Entered;
        if !goes_on && !composite {
            self.stop_step(leg, step, why);
        }
    }

    /// Stops what is open of a step; of a composite action, of all its steps.
    pub(super) fn stop_step(&mut self, leg: usize, step: usize, why: Stop) {
        let (job, path) = self.paths(leg, step);
        let state = &self.state.leg_at(leg).steps[step];
        let attempt = state.attempt;
        match state.phase {
            StepPhase::Running if state.stopping.is_none() => {
                self.push(Record::StepStopping { job, step: path, attempt, why });
            }
            StepPhase::BackingOff { .. } | StepPhase::Waiting { .. } => {
                let produced = Produced::default();
                self.push(Record::StepCancelled { job, step: path, attempt, produced });
            }
            StepPhase::Entered => {
                self.push(Record::StepStopping { job, step: path, attempt, why });
                let leg_state = self.state.leg_at(leg);
                let inner: Vec<usize> =
                    leg_state.children(Some(step)).map(|(index, _)| index).collect();
                for step in inner {
                    self.stop_step(leg, step, why);
                }
            }
            _ => {}
        }
    }
}

fn cancelled(leg: String) -> Record {
    Record::LegFinished {
        leg,
        outcome: Conclusion::Cancelled,
        conclusion: Conclusion::Cancelled,
        outputs: BTreeMap::new(),
        url: None,
        failure: None,
    }
}
