//! Jobs: when one comes up, why one is skipped, and how its legs add up.

use types::Transition as _;

use super::Decision;
use crate::contexts::{Contexts, ancestors};
use crate::expression::{Form, Function, Scope as _, condition, references};
use crate::input::Failure;
use crate::language::{Job, Template};
use crate::record::{Conclusion, Record};
use crate::state::{JobPhase, LegPhase};

/// What becomes of a job whose needs have ended.
enum Verdict {
    Runs,
    Skipped {
        why: String,
    },
    /// It would have run, had the run not been cancelled.
    Cancelled,
    Failed {
        failure: Failure,
    },
}

impl Decision {
    pub(super) fn settle_scope(&mut self, scope: usize) {
        for job in 0..self.state.scope_at(scope).jobs.len() {
            if self.is_spent() || self.state.status.is_terminal() {
                return;
            }
            match self.state.scope_at(scope).jobs[job].phase {
                JobPhase::Pending => self.settle_pending(scope, job),
                JobPhase::Running => self.settle_running(scope, job),
                JobPhase::Skipped { .. } | JobPhase::Done { .. } => {}
            }
        }
    }

    fn settle_pending(&mut self, scope: usize, job: usize) {
        if !self.needs_have_ended(scope, job) {
            return;
        }
        let path = self.state.job_path(scope, job);
        let record = match self.verdict(scope, job) {
            Verdict::Runs => match self.expand(scope, job) {
                Ok(expanded) => expanded,
                Err(failure) => failed(path, failure),
            },
            Verdict::Skipped { why } => Record::JobSkipped { job: path, why },
            Verdict::Cancelled => {
                Record::JobFinished { job: path, conclusion: Conclusion::Cancelled, failure: None }
            }
            Verdict::Failed { failure } => failed(path, failure),
        };
        let expanded = matches!(record, Record::JobExpanded { .. });
        self.push(record);
        self.again = true;
        if expanded {
            self.settle_running(scope, job);
        }
    }

    fn needs_have_ended(&self, scope: usize, job: usize) -> bool {
        let jobs = &self.state.workflow(scope).jobs;
        let states = &self.state.scope_at(scope).jobs;
        let ended = |key: &String| {
            let needed = jobs.iter().position(|job| job.key == *key);
            needed.is_some_and(|needed| states[needed].conclusion().is_some())
        };
        jobs[job].needs.iter().all(ended)
    }

    fn verdict(&self, scope: usize, job: usize) -> Verdict {
        let (definition, _) = self.state.job_at(scope, job);
        let here = Contexts::of_job(&self.state, scope, job);
        match holds(definition.condition.as_ref(), &here) {
            Ok(true) => Verdict::Runs,
            Ok(false) => {
                let uncancelled = here.clone().supposing_cancelled(false);
                match holds(definition.condition.as_ref(), &uncancelled) {
                    Ok(true) => Verdict::Cancelled,
                    _ => Verdict::Skipped { why: self.why_not(scope, job, definition) },
                }
            }
            Err(failure) => Verdict::Failed { failure },
        }
    }

    /// In words, why a job is skipped.
    fn why_not(&self, scope: usize, job: usize, definition: &Job) -> String {
        let asks_itself = definition.condition.as_ref().is_some_and(names_status);
        let jobs = &self.state.workflow(scope).jobs;
        let states = &self.state.scope_at(scope).jobs;
        let mut chain = ancestors(&self.state, scope, job);
        // The nearest first.
        chain.sort_by_key(|&other| !definition.needs.contains(&jobs[other].key));
        let bad = chain.into_iter().find_map(|other| {
            let conclusion = states[other].conclusion()?;
            (conclusion != Conclusion::Success).then_some((&jobs[other].key, conclusion))
        });
        match (bad, &definition.condition) {
            (Some((key, conclusion)), _) if !asks_itself => {
                let direct = definition.needs.contains(key);
                let how =
                    if direct { "which it needs" } else { "which comes before what it needs" };
                format!("`{key}`, {how}, {}", conclusion.past())
            }
            (_, Some(condition)) => {
                let text = condition.text.split_whitespace().collect::<Vec<_>>().join(" ");
                format!("its condition does not hold: {text}")
            }
            _ => "it was not to run".to_owned(),
        }
    }

    fn settle_running(&mut self, scope: usize, job: usize) {
        let legs = self.state.scope_at(scope).jobs[job].legs.clone();
        for &leg in &legs {
            if self.is_spent() {
                return;
            }
            match self.state.leg_at(leg).phase {
                LegPhase::Pending => self.try_start(leg),
                LegPhase::Running => self.advance(leg),
                LegPhase::Done { .. } => {}
            }
        }
        let ends: Option<Vec<Conclusion>> =
            legs.iter().map(|&leg| self.state.leg_at(leg).conclusion()).collect();
        if let Some(ends) = ends {
            let conclusion = overall(&ends);
            let job = self.state.job_path(scope, job);
            self.push(Record::JobFinished { job, conclusion, failure: None });
            self.again = true;
        }
    }
}

/// Without a condition it is `success()`.
pub(super) fn holds(template: Option<&Template>, here: &Contexts<'_>) -> Result<bool, Failure> {
    match template {
        None => Ok(here.status().is_none_or(|status| status.success)),
        Some(template) => condition(template, here).map_err(|error| here.failure(&error)),
    }
}

/// Whether a condition asks itself how things stand.
pub(super) fn names_status(condition: &Template) -> bool {
    const STATUS: [Function; 4] =
        [Function::Success, Function::Failure, Function::Always, Function::Cancelled];
    references(condition, Form::Condition)
        .is_ok_and(|found| STATUS.iter().any(|&function| found.calls(function)))
}

fn failed(job: String, failure: Failure) -> Record {
    Record::JobFinished { job, conclusion: Conclusion::Failure, failure: Some(failure) }
}

/// How several ends add up; those that were skipped say nothing where others were not.
pub(super) fn overall(ends: &[Conclusion]) -> Conclusion {
    use Conclusion::{Cancelled, Failure, Skipped, Success};
    let any = |wanted| ends.contains(&wanted);
    match () {
        () if any(Failure) => Failure,
        () if any(Cancelled) => Cancelled,
        () if any(Success) || ends.is_empty() => Success,
        () => Skipped,
    }
}
