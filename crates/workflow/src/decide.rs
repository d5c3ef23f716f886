//! The decisions: one input in, the records that follow from it out.

mod end;
mod expand;
mod jobs;
mod legs;
mod reports;
mod steps;
mod stops;
mod terms;
mod undo;
mod waits;

use jiff::Timestamp;
use types::{RunStatus, Transition as _};

use crate::contexts::Contexts;
use crate::effect::Claim;
use crate::input::{Failure, Input, Refused};
use crate::limits::{MAX_JOURNAL_BYTES, MAX_RECORDS};
use crate::record::Record;
use crate::state::State;

/// What follows from `input` in a run that stands at `state`, at the time `now`.
///
/// The records come in the order in which they have to be applied; an input that is accepted always
/// has at least one. Nothing but `now` and the arguments is looked at: the same call gives the same
/// answer on every machine.
pub fn decide(state: &State, input: &Input, now: Timestamp) -> Result<Vec<Record>, Refused> {
    if state.status.is_terminal() {
        return Err(Refused::Ended { status: state.status });
    }
    // What is in a state is shared with its copies, so this one costs little.
    let mut decision = Decision { state: state.clone(), records: Vec::new(), now, again: false };
    match input {
        Input::Start => decision.start()?,
        Input::Refuse { failure } => decision.refuse(failure)?,
        Input::Cancel { by } => decision.cancel(by)?,
        Input::Granted { job } => decision.granted(job.as_deref())?,
        Input::Displaced { job } => decision.displaced(job.as_deref())?,
        Input::Signal(signal) => decision.signal(signal)?,
        Input::TimerFired { job, step, attempt, kind } => {
            decision.timer_fired(job, step.as_deref(), *attempt, *kind)?;
        }
        Input::Report { job, step, attempt, result } => {
            decision.report(job, step, *attempt, result)?;
        }
    }
    decision.settle();
    Ok(decision.records)
}

/// A state that runs ahead of the stored one while the records that lead to it are collected.
struct Decision {
    state: State,
    records: Vec<Record>,
    now: Timestamp,
    /// Something has happened that jobs or legs looked at before may have waited for.
    again: bool,
}

impl Decision {
    fn push(&mut self, record: Record) {
        self.state.apply(&record);
        self.records.push(record);
    }

    /// The run has cost more than one may. What is being looked at is left, and the run ends.
    fn is_spent(&self) -> bool {
        let spent = self.state.spent();
        spent.records >= MAX_RECORDS || spent.bytes >= MAX_JOURNAL_BYTES
    }

    fn start(&mut self) -> Result<(), Refused> {
        if self.state.status != RunStatus::Queued {
            return Err(Refused::Started);
        }
        self.push(Record::Started);
        let Some(concurrency) = &self.state.definition().concurrency else { return Ok(()) };
        match terms::group(concurrency, &Contexts::of_workflow(&self.state, 0)) {
            Ok(Some((group, cancel_in_progress))) => {
                let claim =
                    Claim { job: None, group, cancel_in_progress, queue: concurrency.queue };
                self.push(Record::GroupAsked { claim });
            }
            Ok(None) => {}
            Err(failure) => self.finish(RunStatus::Failed, Some(failure)),
        }
        Ok(())
    }

    fn refuse(&mut self, failure: &Failure) -> Result<(), Refused> {
        if self.state.status != RunStatus::Queued {
            return Err(Refused::Started);
        }
        self.push(Record::Refused { failure: failure.clone() });
        self.finish(RunStatus::Failed, None);
        Ok(())
    }

    fn granted(&mut self, job: Option<&str>) -> Result<(), Refused> {
        let waits = match job {
            None => self.state.group.is_some() && !self.state.admitted,
            Some(leg) => {
                let leg = self.leg_index(leg)?;
                let leg = self.state.leg_at(leg);
                leg.group.is_some() && !leg.granted && !leg.has_ended()
            }
        };
        if !waits {
            return Err(Refused::Stale);
        }
        self.push(Record::GroupGranted { job: job.map(str::to_owned) });
        Ok(())
    }

    fn finish(&mut self, status: RunStatus, failure: Option<Failure>) {
        self.push(Record::Finished { status, failure });
    }

    fn leg_index(&self, leg: &str) -> Result<usize, Refused> {
        self.state.leg_index(leg).ok_or_else(|| Refused::UnknownJob { job: leg.to_owned() })
    }

    /// Draws every consequence, until nothing follows any more.
    fn settle(&mut self) {
        if self.state.status == RunStatus::Queued {
            if self.state.cancel_requested_by.is_some() {
                self.finish(RunStatus::Cancelled, None);
            }
            return;
        }
        if self.state.admitted && !self.state.undoing {
            self.settle_scopes();
        }
        self.end();
    }

    /// Each workflow, and those that are called meanwhile; once more when something has ended.
    fn settle_scopes(&mut self) {
        loop {
            self.again = false;
            let mut scope = 0;
            while scope < self.state.scopes().count() {
                self.settle_scope(scope);
                scope += 1;
            }
            if !self.again || self.is_spent() || self.state.status.is_terminal() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests;
