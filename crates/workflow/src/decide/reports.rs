//! What comes back: results of attempts, and times that have come.

use jiff::{SignedDuration, Timestamp};
use types::RunStatus;

use super::Decision;
use super::steps::out_of_time;
use crate::effect::TimerKind;
use crate::input::{Failure, Produced, Refused, StepResult};
use crate::language::Retry;
use crate::limits::MAX_PRODUCED_BYTES;
use crate::record::{Record, Stop};
use crate::state::{LegPhase, Stage, StepPhase, StepState};

impl Decision {
    pub(super) fn report(
        &mut self,
        job: &str,
        step: &str,
        attempt: u32,
        result: &StepResult,
    ) -> Result<(), Refused> {
        let (leg, step) = self.find(job, step, attempt, StepState::is_under_way)?;
        let timed_out = self.state.leg_at(leg).steps[step].stopping == Some(Stop::Timeout);
        match result {
            StepResult::Succeeded { produced } => match too_large(produced) {
                Some(failure) => self.failed(leg, step, attempt, failure, Produced::default()),
                None => {
                    let (job, step) = self.paths(leg, step);
                    let produced = produced.clone();
                    self.push(Record::StepSucceeded { job, step, attempt, produced });
                }
            },
            StepResult::Failed { failure, produced } => {
                let failure = if timed_out { out_of_time() } else { failure.clone() };
                let produced = bounded(produced);
                self.failed(leg, step, attempt, failure, produced);
            }
            StepResult::Cancelled { produced } if timed_out => {
                self.failed(leg, step, attempt, out_of_time(), bounded(produced));
            }
            StepResult::Cancelled { produced } => {
                let (job, step) = self.paths(leg, step);
                let produced = bounded(produced);
                self.push(Record::StepCancelled { job, step, attempt, produced });
            }
            StepResult::Skipped => {
                let (job, step) = self.paths(leg, step);
                let why = "its condition does not hold".to_owned();
                self.push(Record::StepSkipped { job, step, why });
            }
        }
        Ok(())
    }

    fn failed(
        &mut self,
        leg: usize,
        step: usize,
        attempt: u32,
        failure: Failure,
        produced: Produced,
    ) {
        let state = self.state.leg_at(leg);
        let retry = match state.steps[step].stage {
            Stage::Main | Stage::Undo => self.state.definition_of(state, &state.steps[step]).retry,
            Stage::Pre | Stage::Post => Retry::default(),
        };
        let stopping = state.is_stopping_at(step) || self.state.forced;
        let again = failure.retryable && attempt < retry.attempts && !stopping;
        let (job, step) = self.paths(leg, step);
        let (path, name) = (job.clone(), step.clone());
        self.push(Record::StepFailed { job, step, attempt, failure, produced });
        if again {
            let until = delay(self.now, retry, attempt);
            let attempt = attempt + 1;
            self.push(Record::StepDelayed { job: path, step: name, attempt, until });
        }
    }

    pub(super) fn timer_fired(
        &mut self,
        job: &str,
        step: Option<&str>,
        attempt: u32,
        kind: TimerKind,
    ) -> Result<(), Refused> {
        let Some(step) = step else { return self.leg_out_of_time(job) };
        let (leg, step) = self.find(job, step, attempt, |step| match kind {
            TimerKind::Backoff => matches!(step.phase, StepPhase::BackingOff { .. }),
            TimerKind::Deadline => step.stopping.is_none() && is_open(step),
        })?;
        match (kind, &self.state.leg_at(leg).steps[step].phase) {
            (TimerKind::Backoff, _) => self.begin_again(leg, step, attempt),
            (TimerKind::Deadline, StepPhase::Waiting { .. }) => {
                let message = "nobody who may has decided it in time";
                self.fail_step(leg, step, Failure::lasting("timeout", message));
            }
            (TimerKind::Deadline, _) => self.stop_step(leg, step, Stop::Timeout),
        }
        Ok(())
    }

    fn leg_out_of_time(&mut self, job: &str) -> Result<(), Refused> {
        let leg = self.leg_index(job)?;
        let state = self.state.leg_at(leg);
        if state.phase != LegPhase::Running || state.stopping.is_some() {
            return Err(Refused::Stale);
        }
        self.stop_leg(leg, Stop::Timeout);
        Ok(())
    }

    /// The attempt that an input is about, if it is the one that is there.
    fn find(
        &self,
        job: &str,
        step: &str,
        attempt: u32,
        fits: impl FnOnce(&StepState) -> bool,
    ) -> Result<(usize, usize), Refused> {
        if self.state.status == RunStatus::Queued {
            return Err(Refused::NotStarted);
        }
        let unknown = || Refused::UnknownStep { job: job.to_owned(), step: step.to_owned() };
        let leg = self.state.leg_index(job).ok_or_else(unknown)?;
        let index = self.state.leg_at(leg).step_index(step).ok_or_else(unknown)?;
        let state = &self.state.leg_at(leg).steps[index];
        if state.attempt == attempt && fits(state) {
            return Ok((leg, index));
        }
        Err(Refused::StaleAttempt { job: job.to_owned(), step: step.to_owned(), attempt })
    }
}

fn is_open(step: &StepState) -> bool {
    matches!(step.phase, StepPhase::Running | StepPhase::Entered | StepPhase::Waiting { .. })
}

fn too_large(produced: &Produced) -> Option<Failure> {
    (produced.weight() > MAX_PRODUCED_BYTES).then(|| {
        let message = format!(
            "what the step left for others (outputs, variables, state) is larger than {} MiB",
            MAX_PRODUCED_BYTES >> 20
        );
        Failure::lasting("outputs_too_large", message)
    })
}

/// What a step that did not succeed left; nothing if that is too much.
fn bounded(produced: &Produced) -> Produced {
    if produced.weight() > MAX_PRODUCED_BYTES { Produced::default() } else { produced.clone() }
}

/// Exponential: the declared back-off before the second attempt, twice that before the third, and so
/// on up to an hour.
fn delay(now: Timestamp, retry: Retry, failed_attempt: u32) -> Timestamp {
    let factor = 2_i32.saturating_pow(failed_attempt.saturating_sub(1));
    let backoff = SignedDuration::try_from(retry.backoff)
        .ok()
        .and_then(|backoff| backoff.checked_mul(factor))
        .unwrap_or(SignedDuration::MAX);
    now.checked_add(backoff.min(SignedDuration::from_hours(1))).unwrap_or(now)
}
