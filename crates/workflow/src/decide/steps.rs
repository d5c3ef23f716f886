//! Steps: which comes next in a leg, and how one begins.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Decision;
use super::jobs::{holds, names_status};
use super::terms;
use super::waits::APPROVE;
use crate::contexts::Contexts;
use crate::expression::{Form, Function, Scope as _, references};
use crate::input::{Failure, Produced};
use crate::language::{Action, Step, Template};
use crate::record::{Conclusion, Record, Stop};
use crate::state::{LegState, Stage, StepPhase, StepState};

/// What a leg does next.
pub(super) enum Next {
    /// Somebody else has to do something first.
    Busy,
    Begin(usize),
    /// All steps of a composite action have ended.
    Close(usize),
    /// The `post` part of a step.
    Post(usize),
    End,
}

/// Whether a step is carried out.
enum Verdict {
    Runs,
    /// Whoever carries it out finds out.
    Late,
    Skipped {
        why: String,
    },
    /// It would have run, had the leg not been stopped.
    Cancelled,
    Failed {
        failure: Failure,
    },
}

/// What a step is begun with.
pub(super) struct StepTerms {
    pub(super) deadline: Option<Timestamp>,
    tolerated: bool,
}

impl Decision {
    /// Takes a leg one step on; `false` once it cannot move by itself any more.
    pub(super) fn take_step(&mut self, leg: usize) -> bool {
        match next(self, leg) {
            Next::Busy => return false,
            Next::Begin(step) => self.begin(leg, step),
            Next::Close(composite) => self.close(leg, composite),
            Next::Post(step) => self.begin_post(leg, step),
            Next::End => {
                self.finish_steps(leg);
                return false;
            }
        }
        true
    }

    /// The next of a sequence of steps: the job's own, or those of a composite action.
    fn next_in(&self, leg: &LegState, parent: Option<usize>) -> Option<Next> {
        let (index, step) = leg.children(parent).find(|(_, step)| step.outcome().is_none())?;
        Some(self.next_of(leg, index, step))
    }

    pub(super) fn next_of(&self, leg: &LegState, index: usize, step: &StepState) -> Next {
        match step.phase {
            StepPhase::Pending => Next::Begin(index),
            StepPhase::Entered => self.next_in(leg, Some(index)).unwrap_or(Next::Close(index)),
            _ => Next::Busy,
        }
    }

    pub(super) fn begin(&mut self, leg: usize, step: usize) {
        let (job, path) = self.paths(leg, step);
        match self.verdict_on(leg, step) {
            Verdict::Runs => self.carry_out(leg, step, false),
            Verdict::Late => self.carry_out(leg, step, true),
            Verdict::Skipped { why } => self.push(Record::StepSkipped { job, step: path, why }),
            Verdict::Cancelled => {
                let produced = Produced::default();
                self.push(Record::StepCancelled { job, step: path, attempt: 0, produced });
            }
            Verdict::Failed { failure } => self.fail_step(leg, step, failure),
        }
    }

    fn verdict_on(&self, leg: usize, step: usize) -> Verdict {
        let leg = self.state.leg_at(leg);
        let here = Contexts::of_step(&self.state, leg, step);
        let state = &leg.steps[step];
        let definition = self.state.definition_of(leg, state);
        if let Some(verdict) = self.verdict_of_gate(leg, definition) {
            return verdict;
        }
        let always = Template { text: "always()".to_owned(), at: definition.at };
        let condition = match (state.stage, &definition.action) {
            (Stage::Pre, Action::JavaScript { action, .. }) => {
                Some(action.pre_if.as_ref().unwrap_or(&always))
            }
            _ => definition.condition.as_ref(),
        };
        judge(condition, &here)
    }

    /// Of a gate, and of what comes after one that was not passed.
    fn verdict_of_gate(&self, leg: &LegState, definition: &Step) -> Option<Verdict> {
        if let Some(environment) = &definition.gate {
            return Some(match leg.terms.environment.as_ref() == Some(environment) {
                true if leg.stopping.is_some() => Verdict::Cancelled,
                true => Verdict::Runs,
                false => Verdict::Skipped { why: format!("the job is not for {environment}") },
            });
        }
        let kept_out = leg.steps.iter().find_map(|step| {
            let ended = step.outcome().is_some_and(|outcome| {
                !matches!(outcome, Conclusion::Success | Conclusion::Skipped)
            });
            self.state.definition_of(leg, step).gate.as_ref().filter(|_| ended)
        });
        let environment = kept_out?;
        Some(Verdict::Skipped { why: format!("the job was not let into {environment}") })
    }

    /// Begins the first attempt of a step, whatever its condition.
    pub(super) fn carry_out(&mut self, leg: usize, step: usize, check_condition: bool) {
        let (job, path) = self.paths(leg, step);
        let state = self.state.leg_at(leg);
        let action = self.state.action_of(state, &state.steps[step]);
        if let Action::Verb { verb, with } = action
            && verb == APPROVE
        {
            return match self.wait_of(leg, step, with) {
                Ok(wait) => self.open_wait(job, path, wait),
                Err(failure) => self.fail_step(leg, step, failure),
            };
        }
        let composite = matches!(action, Action::Composite { .. });
        let StepTerms { deadline, tolerated } = match self.step_terms(leg, step) {
            Ok(terms) => terms,
            Err(failure) => return self.fail_step(leg, step, failure),
        };
        let record = if composite {
            Record::StepEntered { job, step: path, deadline, tolerated }
        } else {
            let attempt = 1;
            Record::StepScheduled { job, step: path, attempt, deadline, check_condition, tolerated }
        };
        self.push(record);
    }

    pub(super) fn step_terms(&self, leg: usize, step: usize) -> Result<StepTerms, Failure> {
        let leg = self.state.leg_at(leg);
        let here = Contexts::of_step(&self.state, leg, step);
        let definition = self.state.definition_of(leg, &leg.steps[step]);
        let time = definition.timeout_minutes.as_ref();
        let time = time.map(|template| terms::minutes(template, &here)).transpose()?;
        let tolerated = terms::switch(definition.continue_on_error.as_ref(), &here)?;
        let deadline = time.map(|time| terms::later(self.now, time));
        Ok(StepTerms { deadline, tolerated })
    }

    /// The next attempt of a step whose time has come.
    pub(super) fn begin_again(&mut self, leg: usize, step: usize, attempt: u32) {
        let (job, path) = self.paths(leg, step);
        match self.step_terms(leg, step) {
            Ok(StepTerms { deadline, tolerated }) => self.push(Record::StepScheduled {
                job,
                step: path,
                attempt,
                deadline,
                check_condition: false,
                tolerated,
            }),
            Err(failure) => self.fail_step(leg, step, failure),
        }
    }

    pub(super) fn fail_step(&mut self, leg: usize, step: usize, failure: Failure) {
        let (job, path) = self.paths(leg, step);
        let attempt = self.state.leg_at(leg).steps[step].attempt.max(1);
        let produced = Produced::default();
        self.push(Record::StepFailed { job, step: path, attempt, failure, produced });
    }

    /// Ends a composite action whose steps have all ended.
    pub(super) fn close(&mut self, leg: usize, composite: usize) {
        let (job, step) = self.paths(leg, composite);
        let state = self.state.leg_at(leg);
        let inner: Vec<&StepState> =
            state.children(Some(composite)).map(|(_, step)| step).collect();
        let ended = |wanted| inner.iter().find(|step| step.conclusion() == Some(wanted)).copied();
        let (failed, cancelled) = (ended(Conclusion::Failure), ended(Conclusion::Cancelled));
        let timed_out = state.steps[composite].stopping == Some(Stop::Timeout);
        let (outputs, mistake) = match self.composite_outputs(leg, composite) {
            Ok(outputs) => (outputs, None),
            Err(failure) => (BTreeMap::new(), Some(failure)),
        };
        let produced = Produced { outputs, ..Produced::default() };
        let attempt = 1;
        let failure = match failed {
            _ if timed_out => Some(out_of_time()),
            Some(failed) => Some(failure_inside(failed)),
            None => mistake,
        };
        self.push(match failure {
            None if cancelled.is_some() => Record::StepCancelled { job, step, attempt, produced },
            None => Record::StepSucceeded { job, step, attempt, produced },
            Some(failure) => Record::StepFailed { job, step, attempt, failure, produced },
        });
    }

    fn composite_outputs(
        &self,
        leg: usize,
        composite: usize,
    ) -> Result<BTreeMap<String, String>, Failure> {
        let leg = self.state.leg_at(leg);
        let Action::Composite { action, .. } = self.state.action_of(leg, &leg.steps[composite])
        else {
            return Ok(BTreeMap::new());
        };
        let here = Contexts::inside(&self.state, leg, composite);
        let mut outputs = BTreeMap::new();
        for output in &action.outputs {
            // One that has a secret in it is left out: it would stand in the journal.
            let hashes = references(&output.value, Form::Text)
                .is_ok_and(|found| found.calls(Function::HashFiles));
            if !hashes && here.is_late(&output.value, Form::Text) {
                continue;
            }
            outputs.insert(output.name.clone(), terms::text(&output.value, &here)?);
        }
        Ok(outputs)
    }

    fn begin_post(&mut self, leg: usize, step: usize) {
        let state = self.state.leg_at(leg);
        let job = state.path.clone();
        let path = format!("{}:post", state.steps[step].path);
        let definition = self.state.definition_of(state, &state.steps[step]);
        let default = default_post_condition(&definition.action);
        let default = Template { text: default.to_owned(), at: definition.at };
        let condition = match &definition.action {
            Action::JavaScript { action, .. } => action.post_if.as_ref(),
            _ => None,
        };
        let here = Contexts::of_post(&self.state, state, step);
        let record = match judge(Some(condition.unwrap_or(&default)), &here) {
            Verdict::Skipped { why } => Record::StepSkipped { job, step: path, why },
            Verdict::Cancelled => {
                let why = "the job was cancelled".to_owned();
                Record::StepSkipped { job, step: path, why }
            }
            Verdict::Failed { failure } => {
                let produced = Produced::default();
                Record::StepFailed { job, step: path, attempt: 1, failure, produced }
            }
            Verdict::Runs => scheduled(job, path, false),
            Verdict::Late => scheduled(job, path, true),
        };
        self.push(record);
    }

    pub(super) fn paths(&self, leg: usize, step: usize) -> (String, String) {
        let leg = self.state.leg_at(leg);
        (leg.path.clone(), leg.steps[step].path.clone())
    }
}

fn next(decision: &Decision, leg: usize) -> Next {
    let state = decision.state.leg_at(leg);
    if let Some(next) = decision.next_in(state, None) {
        return next;
    }
    // The last that began has its `post` part first.
    let mut begun: Vec<(usize, &StepState)> = state.steps.iter().enumerate().collect();
    begun.retain(|(_, step)| {
        let definition = decision.state.definition_of(state, step);
        step.stage == Stage::Main && step.begun > 0 && has_post(&definition.action)
    });
    begun.sort_by_key(|(_, step)| std::cmp::Reverse(step.begun));
    for (index, step) in begun {
        match state.step(&format!("{}:post", step.path)) {
            None => return Next::Post(index),
            Some(post) if post.outcome().is_none() => return Next::Busy,
            Some(_) => {}
        }
    }
    Next::End
}

/// Whether a step's condition holds, here and now.
fn judge(condition: Option<&Template>, here: &Contexts<'_>) -> Verdict {
    let uncancelled = here.clone().supposing_cancelled(false);
    if let Some(condition) = condition
        && here.is_late(condition, Form::Condition)
    {
        let succeeds = |here: &Contexts<'_>| here.status().is_none_or(|status| status.success);
        return match names_status(condition) || succeeds(here) {
            true => Verdict::Late,
            false if succeeds(&uncancelled) => Verdict::Cancelled,
            false => Verdict::Skipped { why: why_not(None) },
        };
    }
    match holds(condition, here) {
        Ok(true) => Verdict::Runs,
        Ok(false) if holds(condition, &uncancelled) == Ok(true) => Verdict::Cancelled,
        Ok(false) => Verdict::Skipped { why: why_not(condition) },
        Err(failure) => Verdict::Failed { failure },
    }
}

fn why_not(condition: Option<&Template>) -> String {
    match condition {
        None => "a step before it failed".to_owned(),
        Some(condition) => {
            let text = condition.text.split_whitespace().collect::<Vec<_>>().join(" ");
            format!("its condition does not hold: {text}")
        }
    }
}

fn scheduled(job: String, step: String, check_condition: bool) -> Record {
    let (deadline, tolerated) = (None, false);
    Record::StepScheduled { job, step, attempt: 1, deadline, check_condition, tolerated }
}

/// Of those that Solum brings, `cache` saves at the end what it did not find.
fn has_post(action: &Action) -> bool {
    match action {
        Action::JavaScript { action, .. } => action.post.is_some(),
        Action::BuiltIn { name, .. } => name == "actions/cache",
        Action::Run { .. } | Action::Verb { .. } | Action::Composite { .. } => false,
    }
}

fn default_post_condition(action: &Action) -> &'static str {
    match action {
        Action::BuiltIn { .. } => "success()",
        _ => "always()",
    }
}

pub(super) fn out_of_time() -> Failure {
    Failure { retryable: true, ..Failure::lasting("timeout", "it took longer than its time limit") }
}

/// A composite action failed because of one of its steps.
fn failure_inside(step: &StepState) -> Failure {
    match &step.phase {
        StepPhase::Failed { failure } => {
            let message = format!("step `{}` failed: {}", step.path, failure.message);
            Failure { message, ..failure.clone() }
        }
        _ => Failure::lasting("step_failed", format!("step `{}` failed", step.path)),
    }
}
