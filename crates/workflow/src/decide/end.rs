//! How a run ends, and when it only waits.

use types::{RunStatus, Transition as _};

use super::Decision;
use crate::input::Failure;
use crate::limits::{MAX_JOURNAL_BYTES, MAX_RECORDS};
use crate::record::{Conclusion, Record, Stop};
use crate::state::{LegPhase, LegState, State, StepPhase};

impl Decision {
    /// Ends the run if nothing is left to do in it; otherwise says whether anything is under way.
    pub(super) fn end(&mut self) {
        if self.state.status.is_terminal() {
            return;
        }
        if !self.state.admitted && self.state.cancel_requested_by.is_some() {
            return self.finish(RunStatus::Cancelled, None);
        }
        if !self.is_spent() && self.state.root_has_ended() {
            let status = final_status(&self.state);
            if status == RunStatus::Failed && !self.state.undoing && self.has_undo() {
                self.push(Record::Undoing);
            }
            if !(self.state.undoing && self.undo()) {
                return self.finish(status, None);
            }
        }
        if self.is_spent() {
            return self.finish(RunStatus::Failed, Some(too_long()));
        }
        let waits = !is_under_way(&self.state);
        if waits != self.state.paused {
            self.push(if waits { Record::Paused } else { Record::Resumed });
        }
    }
}

impl State {
    fn root_has_ended(&self) -> bool {
        self.admitted && self.scope_at(0).has_ended()
    }
}

/// A run that was asked to stop but had nothing left to stop has succeeded.
fn final_status(state: &State) -> RunStatus {
    let any = |wanted| state.scope_at(0).jobs.iter().any(|job| job.conclusion() == Some(wanted));
    let timed_out = state.legs().any(|leg| matches!(leg.stopping, Some(Stop::Timeout)));
    if any(Conclusion::Failure) {
        RunStatus::Failed
    } else if any(Conclusion::Cancelled) {
        // Nobody asked for what ended because its time was over.
        let asked = state.cancel_requested_by.is_some() || !timed_out;
        if asked { RunStatus::Cancelled } else { RunStatus::Failed }
    } else {
        RunStatus::Succeeded
    }
}

/// Whether anything goes on by itself: otherwise people or other runs are waited for.
fn is_under_way(state: &State) -> bool {
    let works = |leg: &LegState| {
        leg.steps
            .iter()
            .any(|step| matches!(step.phase, StepPhase::Running | StepPhase::BackingOff { .. }))
    };
    let mut legs = state.legs();
    state.undoing || legs.any(|leg| leg.phase == LegPhase::Running && works(leg))
}

fn too_long() -> Failure {
    let message = format!(
        "the run has more than {MAX_RECORDS} records or {} MiB in its journal",
        MAX_JOURNAL_BYTES >> 20
    );
    Failure {
        hint: Some("split the workflow: fewer jobs and steps, smaller outputs".to_owned()),
        ..Failure::lasting("journal_too_long", message)
    }
}
