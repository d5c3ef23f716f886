//! What a record asks of the world outside.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::language::{Action, Queue};
use crate::state::{StepPhase, StepState};
use crate::{Record, State};

/// Stored in an outbox by the same transaction as its record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "effect")]
pub enum Effect {
    /// Carry out one attempt of a step, and report.
    Perform(StepTask),
    /// Stop what is under way of it. It still reports; if by force, nobody waits for that.
    Stop(StopTask),
    /// Send [`crate::Input::TimerFired`] at this time.
    WakeAt(Timer),
    /// Ask a concurrency group for a place; it answers with [`crate::Input::Granted`], or one day
    /// [`crate::Input::Displaced`].
    Acquire(Claim),
    /// Give the place back, or the claim on one.
    Release { job: Option<String> },
}

/// One attempt of a step: (run, job, step) is the key under which its outside effects are known, the
/// same for every attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepTask {
    /// The leg's path: `build`, `build.2` for a leg of a matrix, `call/build` inside a called workflow.
    pub job: String,
    /// The step's path: `deploy`, `setup/install` inside a composite action, and `cache:post`, `tool:pre`, `ship:undo`.
    pub step: String,
    pub attempt: u32,
    /// What it is, in a word: `solum/deploy`, `actions/checkout`, `run`, or an action's directory.
    pub uses: String,
    pub class: EffectClass,
    /// Its condition uses what only whoever carries it out has. If it does not hold, that is reported as
    /// [`crate::StepResult::Skipped`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub check_condition: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopTask {
    pub job: String,
    pub step: String,
    pub attempt: u32,
    pub force: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Timer {
    pub at: Timestamp,
    pub job: String,
    /// None for a job's own.
    pub step: Option<String>,
    pub attempt: u32,
    pub kind: TimerKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimerKind {
    /// The next attempt of a step is due.
    Backoff,
    /// A step, a wait or a job has had its time.
    Deadline,
}

impl TimerKind {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Backoff => "backoff",
            Self::Deadline => "deadline",
        }
    }
}

/// A place in a concurrency group that is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// None for the run itself.
    pub job: Option<String>,
    /// Case does not matter in it.
    pub group: String,
    /// Whoever holds the place is to stop.
    pub cancel_in_progress: bool,
    pub queue: Queue,
}

/// What may be done about an attempt whose end nobody saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EffectClass {
    /// It changes nothing outside: do it again.
    Pure,
    /// Its effect is keyed by (run, job, step): do it again, and it finds what was begun.
    Idempotent,
    /// What became of it can be asked: ask, and do it again only if nothing is known to have begun.
    Queryable,
    /// It may not be done twice: without an answer it is [`crate::Failure::indeterminate`].
    Once,
}

impl EffectClass {
    /// What is known of an action.
    #[must_use]
    pub fn of(action: &Action) -> Self {
        match action {
            // A box's shim keeps how its process ended.
            Action::Run { .. } | Action::JavaScript { .. } => Self::Queryable,
            Action::BuiltIn { .. } | Action::Composite { .. } => Self::Idempotent,
            Action::Verb { verb, .. } => match verb.as_str() {
                "solum/smoke" => Self::Pure,
                "solum/http" | "solum/notify" => Self::Once,
                _ => Self::Idempotent,
            },
        }
    }
}

impl Effect {
    /// What `record` asks for in a run whose state, with the record in it, is `state`.
    #[must_use]
    pub fn of(record: &Record, state: &State) -> Vec<Self> {
        match record {
            Record::StepScheduled { job, step, attempt, deadline, check_condition, .. } => {
                let task = state.action(job, step).map(|action| {
                    Self::Perform(StepTask {
                        job: job.clone(),
                        step: step.clone(),
                        attempt: *attempt,
                        uses: uses(action),
                        class: EffectClass::of(action),
                        check_condition: *check_condition,
                    })
                });
                let wake =
                    deadline.map(|at| wake(at, job, Some(step), *attempt, TimerKind::Deadline));
                task.into_iter().chain(wake).collect()
            }
            Record::StepDelayed { job, step, attempt, until } => {
                vec![wake(*until, job, Some(step), *attempt, TimerKind::Backoff)]
            }
            Record::StepWaiting { job, step, wait } => {
                vec![wake(wait.deadline, job, Some(step), 1, TimerKind::Deadline)]
            }
            Record::LegStarted { leg, deadline: Some(deadline), .. } => {
                vec![wake(*deadline, leg, None, 1, TimerKind::Deadline)]
            }
            Record::StepEntered { job, step, deadline: Some(at), .. } => {
                vec![wake(*at, job, Some(step), 1, TimerKind::Deadline)]
            }
            Record::StepStopping { job, step, attempt, .. } => {
                let leg = state.leg(job).and_then(|leg| leg.step(step));
                let under_way = leg.is_some_and(StepState::is_under_way);
                under_way.then(|| stop(job, step, *attempt, false)).into_iter().collect()
            }
            Record::GroupAsked { claim } => vec![Self::Acquire(claim.clone())],
            Record::LegFinished { leg, .. }
                if state.leg(leg).is_some_and(|leg| leg.group.is_some()) =>
            {
                vec![Self::Release { job: Some(leg.clone()) }]
            }
            Record::Finished { .. } => at_the_end(state),
            _ => Vec::new(),
        }
    }
}

/// Whoever still works is told, and all places are given back.
fn at_the_end(state: &State) -> Vec<Effect> {
    let mut effects = Vec::new();
    for leg in state.legs() {
        let under_way = |step: &&StepState| step.phase == StepPhase::Running;
        effects.extend(
            leg.steps.iter().filter(under_way).map(|s| stop(&leg.path, &s.path, s.attempt, true)),
        );
        if leg.group.is_some() && !leg.has_ended() {
            effects.push(Effect::Release { job: Some(leg.path.clone()) });
        }
    }
    if state.group.is_some() {
        effects.push(Effect::Release { job: None });
    }
    effects
}

fn stop(job: &str, step: &str, attempt: u32, force: bool) -> Effect {
    Effect::Stop(StopTask { job: job.to_owned(), step: step.to_owned(), attempt, force })
}

fn wake(at: Timestamp, job: &str, step: Option<&String>, attempt: u32, kind: TimerKind) -> Effect {
    Effect::WakeAt(Timer { at, job: job.to_owned(), step: step.cloned(), attempt, kind })
}

/// What an action is, in a word.
#[must_use]
pub fn uses(action: &Action) -> String {
    match action {
        Action::Run { .. } => "run".to_owned(),
        Action::Verb { verb, .. } => verb.clone(),
        Action::BuiltIn { name, .. } => name.clone(),
        Action::Composite { action, .. } => action.origin.named(directory(&action.file)),
        Action::JavaScript { action, .. } => action.origin.named(&action.directory),
    }
}

pub(crate) fn directory(file: &str) -> &str {
    file.rsplit_once('/').map_or(".", |(directory, _)| directory)
}
