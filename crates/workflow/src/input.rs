use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use types::Actor;

/// What can happen to a run from outside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "input")]
pub enum Input {
    /// Its turn has come.
    Start,
    /// An attempt of a step has ended.
    Report {
        job: String,
        step: String,
        attempt: u32,
        result: StepResult,
    },
    /// The time for which a step's next attempt was put off has come.
    BackoffElapsed {
        job: String,
        step: String,
        attempt: u32,
    },
    /// Its turn will not come: what it stands on has changed.
    Refuse {
        failure: Failure,
    },
    Cancel {
        by: Actor,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "result")]
pub enum StepResult {
    Succeeded {
        outputs: BTreeMap<String, String>,
    },
    Failed {
        failure: Failure,
    },
    /// The attempt was interrupted because the run was cancelled, and left nothing behind.
    Cancelled,
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

/// Why an input changes nothing. The run is as it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("the run has ended: it {status}")]
    Ended { status: types::RunStatus },
    #[error("the run has started already")]
    Started,
    #[error("the run has not started yet")]
    NotStarted,
    #[error("the run is being cancelled already")]
    CancelRequested,
    #[error("the run has no step `{step}` in a job `{job}`")]
    UnknownStep { job: String, step: String },
    #[error("attempt {attempt} of step `{step}` in job `{job}` is not the one under way")]
    StaleAttempt { job: String, step: String, attempt: u32 },
}
