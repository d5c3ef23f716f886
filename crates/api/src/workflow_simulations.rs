use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::workflow_checks::{FileMistake, SentFiles};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SimulateWorkflow {
    /// The path of the scenario; the file is one of `files`.
    #[schema(example = ".solum/workflows/deliver.scenario")]
    pub scenario: String,
    /// The path of the workflow, instead of the one that the scenario names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workflow: Option<String>,
    /// Files by their paths from the root of the repository; null for a path without a file.
    pub files: SentFiles,
}

/// What came of a scenario, or what is in its way.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WorkflowSimulation {
    /// Files that it leads to and that were not sent. Send the same with them, or with null for those that there are not:
    /// nothing else is answered before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wanted: Vec<String>,
    /// Of the scenario or the workflow, which is not played then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mistakes: Vec<FileMistake>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rehearsal: Option<Rehearsal>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Rehearsal {
    /// Expectations that held.
    pub held: usize,
    /// The virtual time that passed.
    pub elapsed_ms: u64,
    /// What happened, a line each.
    pub story: Vec<String>,
    /// What did not hold; nothing after it was played.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub broken: Option<BrokenExpectation>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BrokenExpectation {
    /// Of the scenario.
    pub line: usize,
    #[schema(example = "expected run succeeded, and it failed")]
    pub message: String,
    /// What had happened before, the latest last.
    pub last: Vec<String>,
}
