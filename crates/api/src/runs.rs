use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use types::{AppName, ChangeState, CommitId, EnvironmentName, RunId, RunStatus, Timestamp};
use utoipa::ToSchema;

use crate::approvals::Wait;

/// One execution of a workflow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Run {
    #[schema(value_type = String)]
    pub id: RunId,
    #[schema(value_type = String, example = "shop")]
    pub app: AppName,
    /// The name of the workflow: `deliver`, `rollback`, …
    #[schema(example = "deliver")]
    pub workflow: String,
    /// What it is about: a commit's subject, `roll back to v3`.
    pub title: String,
    #[schema(value_type = String, example = "succeeded")]
    pub status: RunStatus,
    #[schema(value_type = Option<String>)]
    pub commit: Option<CommitId>,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub started_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished_at: Option<Timestamp>,
    pub created_by: String,
    /// From 1, over all runs that try the same one again.
    #[serde(default = "first")]
    pub attempt: u32,
    /// The run that it tries again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub retry_of: Option<RunId>,
}

const fn first() -> u32 {
    1
}

/// Which part of a run is done again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Retry {
    /// What succeeded, and leans on nothing that did not, is not done again.
    #[serde(default)]
    pub failed_only: bool,
}

/// A run with what it is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RunDetail {
    #[serde(flatten)]
    pub run: Run,
    /// Why it was refused or failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// The push that it carries out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Change>,
    /// Who asked for its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancelled_by: Option<String>,
    pub jobs: Vec<Job>,
}

/// A commit that asks to become a branch's next state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Change {
    /// `refs/changes/NUMBER/head` has its commit once nobody waits for it.
    pub number: u64,
    #[schema(example = "main")]
    pub branch: String,
    /// `queued`, `active`, `landed` or `refused`.
    #[schema(value_type = String, example = "landed")]
    pub state: ChangeState,
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Failure {
    /// For programs to decide by.
    #[schema(example = "health_check_failed")]
    pub code: String,
    pub message: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Job {
    /// By which it is asked for.
    #[schema(example = "build.1")]
    pub name: String,
    /// As people read it.
    #[serde(default)]
    #[schema(example = "build (linux, 18)")]
    pub title: String,
    /// The jobs that it waits for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "dev")]
    pub environment: Option<EnvironmentName>,
    pub status: WorkStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conclusion: Option<Conclusion>,
    /// Why it was skipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub started_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished_at: Option<Timestamp>,
    pub steps: Vec<Step>,
}

impl Job {
    /// A server that is older than titles has names only.
    #[must_use]
    pub fn title(&self) -> &str {
        if self.title.is_empty() { &self.name } else { &self.title }
    }
}

impl Step {
    /// As of a job.
    #[must_use]
    pub fn title(&self) -> &str {
        if self.title.is_empty() { &self.name } else { &self.title }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Step {
    /// By which it is asked for.
    #[schema(example = "__run")]
    pub name: String,
    /// As people read it.
    #[serde(default)]
    #[schema(example = "Run make test")]
    pub title: String,
    #[schema(example = "solum/build")]
    pub uses: String,
    pub status: WorkStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conclusion: Option<Conclusion>,
    /// The attempt that is under way or that counted, from 1; 0 before the first.
    pub attempt: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// What it hands on.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub outputs: BTreeMap<String, String>,
    /// What it waits for, while it waits for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<Wait>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub started_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished_at: Option<Timestamp>,
}

/// Where a job or a step stands. Once it is `completed`, its conclusion says how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WorkStatus {
    Queued,
    Running,
    Waiting,
    Completed,
}

impl WorkStatus {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Completed => "completed",
        }
    }
}

/// GitHub Actions' words for how a job or step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
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

/// Data of a `log` event of a watched run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RunLog {
    /// The next lines of its transcript, without the last newline.
    pub text: String,
}
