use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use types::{Actor, RunStatus};

use crate::input::Failure;

/// One line of a run's journal: something that has been decided, and stays so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "record")]
pub enum Record {
    Started,
    JobStarted {
        job: String,
    },
    JobSkipped {
        job: String,
        why: String,
    },
    StepScheduled {
        job: String,
        step: String,
        attempt: u32,
        with: BTreeMap<String, String>,
    },
    StepSucceeded {
        job: String,
        step: String,
        attempt: u32,
        outputs: BTreeMap<String, String>,
    },
    StepFailed {
        job: String,
        step: String,
        attempt: u32,
        failure: Failure,
    },
    StepCancelled {
        job: String,
        step: String,
        attempt: u32,
    },
    /// The next attempt is due at `until`.
    StepDelayed {
        job: String,
        step: String,
        attempt: u32,
        until: Timestamp,
    },
    JobFinished {
        job: String,
        conclusion: Conclusion,
        outputs: BTreeMap<String, String>,
    },
    CancelRequested {
        by: Actor,
    },
    /// It never started.
    Refused {
        failure: Failure,
    },
    Finished {
        status: RunStatus,
    },
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
}
