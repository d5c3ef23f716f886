//! Which steps wait for people, or may still come to: what is said before one does is kept for it, and what none will ever
//! hear is refused.

use super::APPROVE;
use crate::input::{Refused, WaitTarget};
use crate::language::{Action, Definition, Job, Step, Work};
use crate::state::{LegState, State};

/// A step that has not been decided.
struct Ahead {
    /// The leg's path; its job's, where that has not come up.
    job: String,
    step: String,
}

/// Nothing if a word for `target`, or for any step without one, may still be heard.
pub(super) fn check(state: &State, target: Option<&WaitTarget>) -> Result<(), Refused> {
    let mut ahead = Vec::new();
    if !state.undoing {
        gather(state, state.definition(), "", &mut ahead);
    }
    if ahead.iter().any(|ahead| target.is_none_or(|target| ahead.may_be(target))) {
        return Ok(());
    }
    let waits = match target {
        None => waits_somewhere(state.definition()),
        Some(target) => {
            let job = named(state.definition(), &target.job);
            any_in(job.ok_or_else(|| Refused::UnknownJob { job: target.job.clone() })?)
        }
    };
    Err(if waits { Refused::Stale } else { Refused::NothingToApprove })
}

impl Ahead {
    /// A job that has not come up may come to have the leg that is meant.
    fn may_be(&self, target: &WaitTarget) -> bool {
        let leg_to_come =
            WaitTarget { job: self.job.clone(), step: None }.is(&target.job, &self.step);
        let step = target.step.as_ref().is_none_or(|step| *step == self.step);
        target.is(&self.job, &self.step) || (leg_to_come && step)
    }
}

fn gather(state: &State, workflow: &Definition, prefix: &str, ahead: &mut Vec<Ahead>) {
    for job in &workflow.jobs {
        let path = format!("{prefix}{}", job.key);
        let known = state.job_index(&path).map(|(scope, job)| state.job_at(scope, job).1);
        if known.is_some_and(|known| known.conclusion().is_some()) {
            continue;
        }
        let legs: Vec<_> = known.into_iter().flat_map(|known| state.legs_of(known)).collect();
        if legs.is_empty() {
            gather_in(state, job, &path, None, ahead);
        }
        for leg in legs.into_iter().filter(|leg| !leg.has_ended()) {
            gather_in(state, job, &leg.path, Some(leg), ahead);
        }
    }
}

fn gather_in(state: &State, job: &Job, path: &str, leg: Option<&LegState>, ahead: &mut Vec<Ahead>) {
    match &job.work {
        Work::Call(call) => gather(state, &call.workflow, &format!("{path}/"), ahead),
        Work::Steps { steps, .. } => gather_steps(steps, "", path, leg, ahead),
    }
}

fn gather_steps(
    steps: &[Step],
    prefix: &str,
    job: &str,
    leg: Option<&LegState>,
    ahead: &mut Vec<Ahead>,
) {
    for step in steps {
        let path = format!("{prefix}{}", step.key);
        if leg.and_then(|leg| leg.step(&path)).is_some_and(|step| step.outcome().is_some()) {
            continue;
        }
        match &step.action {
            Action::Verb { verb, .. } if verb == APPROVE => {
                ahead.push(Ahead { job: job.to_owned(), step: path });
            }
            Action::Composite { action, .. } => {
                gather_steps(&action.steps, &format!("{path}/"), job, leg, ahead);
            }
            _ => {}
        }
    }
}

/// The job that a path names: `prod`, a leg of it (`prod.2`), or one in a called workflow (`ship/prod`).
fn named<'d>(definition: &'d Definition, path: &str) -> Option<&'d Job> {
    let (first, rest) =
        path.split_once('/').map_or((path, None), |(first, rest)| (first, Some(rest)));
    let key = first.split_once('.').map_or(first, |(key, _)| key);
    let job = definition.jobs.iter().find(|job| job.key == key)?;
    match (rest, &job.work) {
        (None, _) => Some(job),
        (Some(rest), Work::Call(call)) => named(&call.workflow, rest),
        (Some(_), Work::Steps { .. }) => None,
    }
}

/// Whether any of its steps, called workflows and actions included, waits for people.
fn waits_somewhere(definition: &Definition) -> bool {
    definition.jobs.iter().any(any_in)
}

fn any_in(job: &Job) -> bool {
    match &job.work {
        Work::Steps { steps, .. } => any_of(steps),
        Work::Call(call) => waits_somewhere(&call.workflow),
    }
}

fn any_of(steps: &[Step]) -> bool {
    steps.iter().any(|step| match &step.action {
        Action::Verb { verb, .. } => verb == APPROVE,
        Action::Composite { action, .. } => any_of(&action.steps),
        _ => false,
    })
}
