//! What reaches a run from outside, and why it may be refused.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use types::Actor;

use crate::effect::TimerKind;

/// What can happen to a run from outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "input")]
pub enum Input {
    /// Its turn has come.
    Start,
    /// An attempt of a step has ended.
    Report { job: String, step: String, attempt: u32, result: StepResult },
    /// A time that was asked for with [`crate::Effect::WakeAt`] has come.
    TimerFired {
        job: String,
        /// None for a job's own.
        step: Option<String>,
        attempt: u32,
        kind: TimerKind,
    },
    /// A concurrency group has admitted the job, or the run if there is none.
    Granted { job: Option<String> },
    /// A newer member of its concurrency group takes the place of the job, or of the run.
    Displaced { job: Option<String> },
    /// Somebody approves or rejects.
    Signal(Signal),
    /// Its turn will not come: what it stands on has changed.
    Refuse { failure: Failure },
    /// A second one forces: nothing is waited for any more.
    Cancel { by: Actor },
}

/// An approval or a rejection, as it came in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signal {
    /// One that comes twice counts once.
    pub id: String,
    pub decision: Decision,
    pub actor: Actor,
    /// The actor's, when the signal came in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<String>,
    /// Which wait it is for; any without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<WaitTarget>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    Approve,
    Reject,
}

/// A step that waits for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitTarget {
    /// A leg's path; a job's means any of its legs.
    pub job: String,
    /// Any of the job's, without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
}

impl WaitTarget {
    pub(crate) fn is(&self, job: &str, step: &str) -> bool {
        let leg = job.strip_prefix(self.job.as_str()).and_then(|rest| rest.strip_prefix('.'));
        let is_leg = leg.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()));
        (self.job == job || is_leg) && self.step.as_deref().is_none_or(|wanted| wanted == step)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "result")]
pub enum StepResult {
    Succeeded {
        #[serde(default, skip_serializing_if = "Produced::is_empty")]
        produced: Produced,
    },
    Failed {
        failure: Failure,
        #[serde(default, skip_serializing_if = "Produced::is_empty")]
        produced: Produced,
    },
    /// The attempt was interrupted because it was to stop.
    Cancelled {
        #[serde(default, skip_serializing_if = "Produced::is_empty")]
        produced: Produced,
    },
    /// Its condition, which was left to whoever carries the step out, did not hold.
    Skipped,
}

impl StepResult {
    /// A success that leaves nothing but these outputs.
    #[must_use]
    pub fn succeeded(outputs: BTreeMap<String, String>) -> Self {
        Self::Succeeded { produced: Produced { outputs, ..Produced::default() } }
    }

    #[must_use]
    pub fn failed(failure: Failure) -> Self {
        Self::Failed { failure, produced: Produced::default() }
    }

    #[must_use]
    pub fn cancelled() -> Self {
        Self::Cancelled { produced: Produced::default() }
    }
}

/// Begins what stands for a value with a secret in it, in what a step leaves. Whoever carries steps out keeps the value, and
/// gives it to the steps of the same job; what a job hands on to others leaves it out.
pub const SEALED: &str = "solum-sealed:";

/// What a step leaves for those after it. No secret may be among it: it stands in the journal.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Produced {
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub outputs: BTreeMap<String, String>,
    /// What it wrote to `GITHUB_ENV`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub env: BTreeMap<String, String>,
    /// What it wrote to `GITHUB_PATH`, the first first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub path: Vec<String>,
    /// What it wrote to `GITHUB_STATE`, for its `post` part.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub state: BTreeMap<String, String>,
}

impl Produced {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.weight() == 0
    }

    /// Bytes of text in it.
    pub(crate) fn weight(&self) -> usize {
        let map = |map: &BTreeMap<String, String>| {
            map.iter().map(|(name, value)| name.len() + value.len() + 6).sum::<usize>()
        };
        let path = self.path.iter().map(|entry| entry.len() + 3).sum::<usize>();
        map(&self.outputs) + map(&self.env) + map(&self.state) + path
    }
}

/// Why a step failed, for a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// One stable word: `health_check_failed`.
    pub code: String,
    pub message: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Whether another attempt could end otherwise.
    pub retryable: bool,
}

impl Failure {
    /// One that another attempt would meet again.
    pub(crate) fn lasting(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into(), hint: None, retryable: false }
    }

    /// What whoever carries steps out reports when it cannot know whether an attempt of a step that may not be done
    /// twice has had its effect.
    #[must_use]
    pub fn indeterminate(message: impl Into<String>) -> Self {
        Self {
            hint: Some("look whether it happened, then retry the run's failed jobs".to_owned()),
            ..Self::lasting("indeterminate", message)
        }
    }

    pub(crate) fn weight(&self) -> usize {
        self.code.len() + self.message.len() + self.hint.as_ref().map_or(0, String::len)
    }
}

/// Why an input changes nothing. The run is as it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("the run has ended: it {status}")]
    Ended { status: types::RunStatus },
    #[error("the run has started already")]
    Started,
    #[error("the run has not started yet")]
    NotStarted,
    #[error("the run is being stopped by force already")]
    CancelRequested,
    #[error("the run has no step `{step}` in a job `{job}`")]
    UnknownStep { job: String, step: String },
    #[error("the run has no job `{job}`")]
    UnknownJob { job: String },
    #[error("attempt {attempt} of step `{step}` in job `{job}` is not the one under way")]
    StaleAttempt { job: String, step: String, attempt: u32 },
    #[error("nothing of the kind is waited for any more")]
    Stale,
    #[error("this was received before")]
    Duplicate,
    #[error("{actor} may not decide this: {why}")]
    NotAllowed { actor: Actor, why: String },
    #[error("{actor} has approved this already")]
    ApprovedAlready { actor: Actor },
    #[error("the run waits for no approval, and has none before it")]
    NothingToApprove,
    #[error("too many approvals came before anything waited for them")]
    InboxFull,
}
