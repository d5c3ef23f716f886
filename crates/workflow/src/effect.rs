use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Record, State};

/// What a record asks of the world outside. Stored in an outbox by the same transaction as its record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "effect")]
pub enum Effect {
    /// Carry out one attempt of a step, and report.
    Perform(StepTask),
    /// Send [`crate::Input::BackoffElapsed`] at this time.
    WakeAt { at: Timestamp, job: String, step: String, attempt: u32 },
}

/// One attempt of a step: (run, job, step) is the key under which its outside effects are known, the
/// same for every attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepTask {
    pub job: String,
    pub step: String,
    pub attempt: u32,
    pub uses: String,
    pub with: BTreeMap<String, String>,
}

impl Effect {
    /// What `record` asks for in a run whose state is `state`.
    #[must_use]
    pub fn of(record: &Record, state: &State) -> Option<Self> {
        match record {
            Record::StepScheduled { job, step, attempt, with } => {
                let uses = state.step_definition(job, step)?.uses.clone();
                Some(Self::Perform(StepTask {
                    job: job.clone(),
                    step: step.clone(),
                    attempt: *attempt,
                    uses,
                    with: with.clone(),
                }))
            }
            Record::StepDelayed { job, step, attempt, until } => Some(Self::WakeAt {
                at: *until,
                job: job.clone(),
                step: step.clone(),
                attempt: *attempt,
            }),
            _ => None,
        }
    }
}
