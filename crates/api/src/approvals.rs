use serde::{Deserialize, Serialize};
use types::Timestamp;
use utoipa::ToSchema;

use crate::runs::Run;

/// A word on a run that waits for people, or will.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Decide {
    pub decision: Decision,
    /// The job that waits, as the run shows it; may be left out where only one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "prod")]
    pub job: Option<String>,
    /// The step of the job; any that waits without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// For whoever reads of it later; 4,096 bytes at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    Approve,
    Reject,
}

/// What came of a word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Decided {
    pub outcome: Outcome,
    /// Which step was decided on; the one that was named, if it is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// How many more have to approve, where it is `counted`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<u32>,
    pub run: Run,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was the last one that was waited for: the run goes on.
    Approved,
    /// It counts, and others have to approve too.
    Counted,
    /// The step has failed.
    Rejected,
    /// Nothing waits for it yet: it is kept until something does, and looked at then.
    Kept,
}

/// What a step that waits for people waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Wait {
    /// Who may decide: `role:operator`, or somebody's name. Anybody if it is empty.
    pub from: Vec<String>,
    /// How many have to approve.
    pub count: u32,
    /// Whether whoever started the run counts.
    pub allow_author: bool,
    /// The step fails then.
    #[schema(value_type = String, format = DateTime)]
    pub deadline: Timestamp,
    /// What they should know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Who has approved.
    pub approved_by: Vec<String>,
}
