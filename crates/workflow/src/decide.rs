//! The decisions: one input in, the records that follow from it out.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use types::{Actor, RunStatus, Transition as _};

use crate::definition::{Job, Retry, Value};
use crate::input::{Failure, Input, Refused, StepResult};
use crate::record::{Conclusion, Record};
use crate::state::{JobPhase, JobState, State, StepPhase};

/// What follows from `input` in a run that stands at `state`, at the time `now`.
///
/// The records come in the order in which they have to be applied; an input that is accepted always
/// has at least one. Nothing but `now` and the arguments is looked at: the same call gives the same
/// answer on every machine.
pub fn decide(state: &State, input: &Input, now: Timestamp) -> Result<Vec<Record>, Refused> {
    if state.status.is_terminal() {
        return Err(Refused::Ended { status: state.status });
    }
    let mut decision = Decision { state: state.clone(), records: Vec::new() };
    match input {
        Input::Start => decision.start()?,
        Input::Refuse { failure } => decision.refuse(failure)?,
        Input::Cancel { by } => decision.cancel(by)?,
        Input::Report { job, step, attempt, result } => {
            decision.expect_phase(job, step, *attempt, |phase| *phase == StepPhase::Running)?;
            decision.report(job, step, *attempt, result, now);
        }
        Input::BackoffElapsed { job, step, attempt } => {
            decision.expect_phase(job, step, *attempt, |phase| {
                matches!(phase, StepPhase::BackingOff { .. })
            })?;
            decision.schedule(job, step, *attempt);
        }
    }
    decision.settle();
    Ok(decision.records)
}

/// A state that runs ahead of the stored one while the records that lead to it are collected.
struct Decision {
    state: State,
    records: Vec<Record>,
}

impl Decision {
    fn push(&mut self, record: Record) {
        self.state.apply(&record);
        self.records.push(record);
    }

    fn start(&mut self) -> Result<(), Refused> {
        if self.state.status != RunStatus::Queued {
            return Err(Refused::Started);
        }
        self.push(Record::Started);
        Ok(())
    }

    fn refuse(&mut self, failure: &Failure) -> Result<(), Refused> {
        if self.state.status != RunStatus::Queued {
            return Err(Refused::Started);
        }
        self.push(Record::Refused { failure: failure.clone() });
        self.push(Record::Finished { status: RunStatus::Failed });
        Ok(())
    }

    fn cancel(&mut self, by: &Actor) -> Result<(), Refused> {
        if self.state.cancel_requested_by.is_some() {
            return Err(Refused::CancelRequested);
        }
        self.push(Record::CancelRequested { by: by.clone() });
        for (job, step, attempt) in self.steps_backing_off() {
            self.push(Record::StepCancelled { job, step, attempt });
        }
        Ok(())
    }

    fn steps_backing_off(&self) -> Vec<(String, String, u32)> {
        let mut found = Vec::new();
        for (job, state) in self.state.jobs() {
            for (step, step_state) in job.steps.iter().zip(&state.steps) {
                if matches!(step_state.phase, StepPhase::BackingOff { .. }) {
                    found.push((job.key.clone(), step.key.clone(), step_state.attempt));
                }
            }
        }
        found
    }

    fn expect_phase(
        &self,
        job: &str,
        step: &str,
        attempt: u32,
        fits: impl FnOnce(&StepPhase) -> bool,
    ) -> Result<(), Refused> {
        if self.state.status == RunStatus::Queued {
            return Err(Refused::NotStarted);
        }
        let current = self.state.job(job).and_then(|(definition, state)| {
            let index = definition.steps.iter().position(|candidate| candidate.key == step)?;
            Some(&state.steps[index])
        });
        let Some(current) = current else {
            return Err(Refused::UnknownStep { job: job.to_owned(), step: step.to_owned() });
        };
        if current.attempt == attempt && fits(&current.phase) {
            Ok(())
        } else {
            Err(Refused::StaleAttempt { job: job.to_owned(), step: step.to_owned(), attempt })
        }
    }

    fn report(&mut self, job: &str, step: &str, attempt: u32, result: &StepResult, now: Timestamp) {
        let (job, step) = (job.to_owned(), step.to_owned());
        match result {
            StepResult::Succeeded { outputs } => {
                self.push(Record::StepSucceeded { job, step, attempt, outputs: outputs.clone() });
            }
            StepResult::Cancelled => self.push(Record::StepCancelled { job, step, attempt }),
            StepResult::Failed { failure } => {
                let retry = self.retry(&job, &step);
                self.push(Record::StepFailed {
                    job: job.clone(),
                    step: step.clone(),
                    attempt,
                    failure: failure.clone(),
                });
                let again = failure.retryable
                    && attempt < retry.attempts
                    && self.state.cancel_requested_by.is_none();
                if again {
                    let until = delay(now, retry, attempt);
                    self.push(Record::StepDelayed { job, step, attempt: attempt + 1, until });
                }
            }
        }
    }

    fn retry(&self, job: &str, step: &str) -> Retry {
        self.state.step_definition(job, step).map(|step| step.retry).unwrap_or_default()
    }

    fn schedule(&mut self, job: &str, step: &str, attempt: u32) {
        let with = self.inputs(job, step);
        self.push(Record::StepScheduled {
            job: job.to_owned(),
            step: step.to_owned(),
            attempt,
            with,
        });
    }

    fn inputs(&self, job: &str, step: &str) -> BTreeMap<String, String> {
        let Some(definition) = self.state.step_definition(job, step) else {
            return BTreeMap::new();
        };
        let values = definition.with.iter();
        values.map(|(name, value)| (name.clone(), self.value(job, value))).collect()
    }

    /// An output that was never set is empty, as on GitHub.
    fn value(&self, job: &str, value: &Value) -> String {
        match value {
            Value::Literal(text) => Some(text.clone()),
            Value::Job { job, output } => {
                self.state.job(job).and_then(|(_, state)| state.outputs.get(output).cloned())
            }
            Value::Step { step, output } => self.state.job(job).and_then(|(definition, state)| {
                let index = definition.steps.iter().position(|candidate| candidate.key == *step)?;
                match &state.steps[index].phase {
                    StepPhase::Succeeded { outputs } => outputs.get(output).cloned(),
                    _ => None,
                }
            }),
        }
        .unwrap_or_default()
    }

    /// Draws every consequence: the next steps, the jobs that have become possible or impossible, and
    /// the end. One pass is enough for a job's successors, because jobs stand behind what they need.
    fn settle(&mut self) {
        if self.state.status == RunStatus::Queued {
            if self.state.cancel_requested_by.is_some() {
                self.push(Record::Finished { status: RunStatus::Cancelled });
            }
            return;
        }
        if self.state.status.is_terminal() {
            return;
        }
        for index in 0..self.state.jobs.len() {
            let job = self.state.definition().jobs[index].clone();
            match self.state.jobs[index].phase {
                JobPhase::Pending => self.settle_pending(&job),
                JobPhase::Running => self.advance(index, &job),
                JobPhase::Skipped { .. } | JobPhase::Done { .. } => {}
            }
        }
        if self.state.jobs.iter().all(|job| job.conclusion().is_some()) {
            let status = final_status(&self.state);
            self.push(Record::Finished { status });
        }
    }

    fn settle_pending(&mut self, job: &Job) {
        let readiness = if self.state.cancel_requested_by.is_some() {
            Readiness::Never("the run was cancelled".to_owned())
        } else {
            readiness(&self.state, job)
        };
        match readiness {
            Readiness::NotYet => {}
            Readiness::Never(why) => self.push(Record::JobSkipped { job: job.key.clone(), why }),
            Readiness::Now => {
                self.push(Record::JobStarted { job: job.key.clone() });
                self.schedule(&job.key, &job.steps[0].key, 1);
            }
        }
    }

    /// Moves a running job on to its next step, or ends it.
    fn advance(&mut self, index: usize, job: &Job) {
        match progress(&self.state.jobs[index], self.state.cancel_requested_by.is_some()) {
            Progress::Busy => {}
            Progress::Next(step) => self.schedule(&job.key, &job.steps[step].key, 1),
            Progress::Ended(conclusion) => {
                let outputs = match conclusion {
                    Conclusion::Success => job
                        .outputs
                        .iter()
                        .map(|(name, value)| (name.clone(), self.value(&job.key, value)))
                        .collect(),
                    _ => BTreeMap::new(),
                };
                self.push(Record::JobFinished { job: job.key.clone(), conclusion, outputs });
            }
        }
    }
}

enum Readiness {
    NotYet,
    Now,
    Never(String),
}

fn readiness(state: &State, job: &Job) -> Readiness {
    let mut all_ended = true;
    for needs in &job.needs {
        let conclusion = state.job(needs).and_then(|(_, needed)| needed.conclusion());
        match conclusion {
            None => all_ended = false,
            Some(Conclusion::Success) => {}
            Some(other) => {
                return Readiness::Never(format!("`{needs}`, which it needs, {}", past(other)));
            }
        }
    }
    if all_ended { Readiness::Now } else { Readiness::NotYet }
}

fn past(conclusion: Conclusion) -> &'static str {
    match conclusion {
        Conclusion::Success => "succeeded",
        Conclusion::Failure => "failed",
        Conclusion::Cancelled => "was cancelled",
        Conclusion::Skipped => "was skipped",
    }
}

enum Progress {
    Busy,
    Next(usize),
    Ended(Conclusion),
}

fn progress(job: &JobState, cancelled: bool) -> Progress {
    for (index, step) in job.steps.iter().enumerate() {
        match &step.phase {
            StepPhase::Succeeded { .. } => {}
            StepPhase::Running | StepPhase::BackingOff { .. } => return Progress::Busy,
            StepPhase::Failed { .. } => return Progress::Ended(Conclusion::Failure),
            StepPhase::Cancelled => return Progress::Ended(Conclusion::Cancelled),
            StepPhase::Pending if cancelled => return Progress::Ended(Conclusion::Cancelled),
            StepPhase::Pending => return Progress::Next(index),
        }
    }
    Progress::Ended(Conclusion::Success)
}

/// A run that was asked to stop but had nothing left to stop has succeeded.
fn final_status(state: &State) -> RunStatus {
    let any = |wanted: Conclusion| state.jobs.iter().any(|job| job.conclusion() == Some(wanted));
    if any(Conclusion::Failure) {
        RunStatus::Failed
    } else if any(Conclusion::Cancelled)
        || (state.cancel_requested_by.is_some() && any(Conclusion::Skipped))
    {
        RunStatus::Cancelled
    } else {
        RunStatus::Succeeded
    }
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

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
