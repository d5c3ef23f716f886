use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::workflow_checks::{FileMistake, SentFiles};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlanWorkflow {
    /// The path of the workflow; the file is one of `files`.
    #[schema(example = ".solum/workflows/deliver.yml")]
    pub workflow: String,
    /// Files by their paths from the root of the repository; null for a path without a file.
    pub files: SentFiles,
    pub event: PlannedEvent,
}

/// The event to plan for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PlannedEvent {
    #[schema(example = "push")]
    pub name: String,
    /// Which kind of it, as in `opened` of a `pull_request`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activity: Option<String>,
    /// A branch, or a whole name like `refs/tags/v1`; `main` if not said.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// The paths that changed. Not said: path filters let it pass.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<Vec<String>>,
    /// Of `workflow_dispatch` its inputs; of others fields of `github.event`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub inputs: BTreeMap<String, String>,
}

/// A plan, or what is in its way.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WorkflowPlan {
    /// Files that it leads to and that were not sent. Send the same with them, or with null for those that there are not:
    /// nothing else is answered before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wanted: Vec<String>,
    /// Of the workflow, which has no plan then.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mistakes: Vec<FileMistake>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub plan: Option<Plan>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Plan {
    /// What the workflow calls itself.
    #[schema(example = "deliver")]
    pub workflow: String,
    /// Whether the event starts it.
    pub runs: bool,
    #[schema(example = "branch 'main' fits 'main'")]
    pub why: String,
    /// Each after everything that it needs; none if it does not run.
    pub jobs: Vec<PlannedJob>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PlannedJob {
    /// With the jobs that call before it: `call/build`.
    #[schema(example = "build")]
    pub job: String,
    pub needs: Vec<String>,
    /// As it is written where it is known only later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    /// One for each combination of its matrix; none where that is known only later.
    pub legs: Vec<String>,
    pub verdict: PlanVerdict,
    #[schema(example = "once `test` has succeeded")]
    pub why: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PlanVerdict {
    /// If what it needs succeeds.
    Runs,
    Skipped,
    /// On what is known only later.
    Depends,
}
