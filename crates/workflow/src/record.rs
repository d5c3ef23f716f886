//! The lines of a run's journal.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use types::{Actor, RunStatus};

use crate::effect::Claim;
use crate::expression::Value;
use crate::input::{Failure, Produced, Signal};

/// One line of a run's journal: something that has been decided, and stays so. What had to be evaluated for it stands in
/// it, evaluated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "record")]
pub enum Record {
    /// Carried over from the run that this one tries again.
    Reused(Reused),
    Started,
    /// A concurrency group is asked for a place.
    GroupAsked {
        claim: Claim,
    },
    /// There is a place; `None` is for the run, whose jobs may be looked at now.
    GroupGranted {
        job: Option<String>,
    },
    /// A job has come up, and this is what is to be done of it.
    JobExpanded {
        job: String,
        legs: Vec<LegPlan>,
        fail_fast: bool,
        max_parallel: Option<usize>,
    },
    JobSkipped {
        job: String,
        why: String,
    },
    /// All its legs have ended, or it had none because of `failure`.
    JobFinished {
        job: String,
        conclusion: Conclusion,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failure: Option<Failure>,
    },
    LegStarted {
        leg: String,
        terms: Terms,
        deadline: Option<Timestamp>,
    },
    /// It is to stop; what is not under way of it will not be, unless its condition says otherwise.
    LegStopping {
        leg: String,
        why: Stop,
    },
    LegFinished {
        leg: String,
        /// How it went.
        outcome: Conclusion,
        /// What counts: an allowed failure is a success.
        conclusion: Conclusion,
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        outputs: BTreeMap<String, String>,
        /// Where its environment is to be seen.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        url: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failure: Option<Failure>,
    },
    StepScheduled {
        job: String,
        step: String,
        attempt: u32,
        deadline: Option<Timestamp>,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        check_condition: bool,
        /// Its failure is allowed.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        tolerated: bool,
    },
    /// A composite action begins: its steps come next.
    StepEntered {
        job: String,
        step: String,
        deadline: Option<Timestamp>,
        tolerated: bool,
    },
    StepSkipped {
        job: String,
        step: String,
        why: String,
    },
    /// It waits for people.
    StepWaiting {
        job: String,
        step: String,
        wait: Wait,
    },
    /// Somebody whose word counts has approved.
    Approved {
        job: String,
        step: String,
        signal: String,
        by: Actor,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        comment: Option<String>,
    },
    /// It came before anything waited for it, and is kept.
    SignalParked {
        signal: Signal,
    },
    /// A parked one was looked at.
    SignalTaken {
        signal: String,
        /// Why it does not count.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        refused: Option<String>,
    },
    /// What is under way of it has been told to stop.
    StepStopping {
        job: String,
        step: String,
        attempt: u32,
        why: Stop,
    },
    StepSucceeded {
        job: String,
        step: String,
        attempt: u32,
        #[serde(default, skip_serializing_if = "Produced::is_empty")]
        produced: Produced,
    },
    StepFailed {
        job: String,
        step: String,
        attempt: u32,
        failure: Failure,
        #[serde(default, skip_serializing_if = "Produced::is_empty")]
        produced: Produced,
    },
    StepCancelled {
        job: String,
        step: String,
        attempt: u32,
        #[serde(default, skip_serializing_if = "Produced::is_empty")]
        produced: Produced,
    },
    /// The next attempt is due at `until`.
    StepDelayed {
        job: String,
        step: String,
        attempt: u32,
        until: Timestamp,
    },
    CancelRequested {
        by: Actor,
    },
    /// Nothing goes on until somebody outside says so.
    Paused,
    Resumed,
    /// The run has failed: what it did is taken back, in reverse order of completion.
    Undoing,
    /// It never started.
    Refused {
        failure: Failure,
    },
    Finished {
        status: RunStatus,
        /// What ended it, where that was none of its jobs.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        failure: Option<Failure>,
    },
}

/// One execution of a job: one for each combination of its matrix, one if it has none.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LegPlan {
    /// As GitHub prints it: `build (linux, 18)`.
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matrix: Option<Value>,
}

/// What a leg was started with.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Terms {
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub runs_on: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub continue_on_error: bool,
    /// What a called workflow is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Value>,
}

/// Why something is to stop before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// The run was cancelled.
    Cancel,
    /// It has had its time.
    Timeout,
    /// Its job has had its time.
    JobTimeout,
    /// Another leg of the matrix has failed.
    FailFast,
    /// A newer member of its concurrency group takes its place.
    Displaced,
}

/// What a step that waits for people waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    /// Who may decide: `role:operator`, or somebody's name. Anybody if it is empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub from: Vec<String>,
    /// How many have to approve.
    pub count: u32,
    /// Whether whoever started the run counts.
    pub allow_author: bool,
    pub deadline: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
}

/// What a leg of an earlier attempt of the run gave.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reused {
    pub leg: String,
    /// It is not reused where this has become another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matrix: Option<Value>,
    pub outcome: Conclusion,
    pub conclusion: Conclusion,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub outputs: BTreeMap<String, String>,
}

/// How a job or a step ended, in GitHub's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Conclusion {
    Success,
    Failure,
    Cancelled,
    Skipped,
}

impl Conclusion {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Failure => "failure",
            Self::Cancelled => "cancelled",
            Self::Skipped => "skipped",
        }
    }

    /// For `…, which it needs, failed`.
    pub(crate) const fn past(self) -> &'static str {
        match self {
            Self::Success => "succeeded",
            Self::Failure => "failed",
            Self::Cancelled => "was cancelled",
            Self::Skipped => "was skipped",
        }
    }
}

impl Record {
    /// About how many bytes it has as text, without making that.
    pub(crate) fn weight(&self) -> usize {
        /// What the names of a record and its fields take.
        const FRAME: usize = 96;
        let words = match self {
            Self::Reused(reused) => {
                reused.leg.len() + texts(&reused.outputs) + matrix(&reused.matrix)
            }
            Self::JobExpanded { legs, .. } => {
                legs.iter().map(|leg| leg.name.len() + matrix(&leg.matrix) + 24).sum()
            }
            Self::LegFinished { outputs, .. } => texts(outputs),
            Self::LegStarted { terms, .. } => matrix(&terms.inputs),
            Self::StepSucceeded { produced, .. } | Self::StepCancelled { produced, .. } => {
                produced.weight()
            }
            Self::StepFailed { failure, produced, .. } => failure.weight() + produced.weight(),
            Self::SignalParked { signal } => {
                signal.comment.as_ref().map_or(0, String::len)
                    + signal.roles.iter().map(String::len).sum::<usize>()
            }
            Self::Approved { comment: Some(comment), .. } => comment.len(),
            Self::Refused { failure } | Self::Finished { failure: Some(failure), .. } => {
                failure.weight()
            }
            _ => 0,
        };
        FRAME + words
    }
}

fn texts(texts: &BTreeMap<String, String>) -> usize {
    texts.iter().map(|(name, text)| name.len() + text.len() + 6).sum()
}

fn matrix(matrix: &Option<Value>) -> usize {
    matrix.as_ref().map_or(0, json)
}

fn json(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len() + 2,
        Value::Array(items) => items.iter().map(|item| json(item) + 1).sum(),
        Value::Object(entries) => {
            entries.iter().map(|(name, value)| name.len() + json(value) + 6).sum()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => 8,
    }
}
