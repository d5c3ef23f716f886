use serde::{Deserialize, Serialize};
use types::{
    AppName, DeploymentId, DeploymentState, Digest, EnvironmentName, FailedPhase, RunId, Timestamp,
};
use utoipa::ToSchema;

use crate::ReleaseVersion;

/// What to deploy: a release that there is, or an artifact that becomes one. Exactly one of the two.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Deploy {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "v3")]
    pub release: Option<ReleaseVersion>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub artifact: Option<Digest>,
}

/// Back to a pair of release and config revision. Without either: the pair that served before the current one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RollBack {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "v2")]
    pub to: Option<ReleaseVersion>,
    /// The config revision to go back to; 0 is none at all. Else the one that the release was last deployed with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = 1)]
    pub config_revision: Option<u64>,
}

/// A release and a config revision on their way into an environment, or there, or turned away.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Deployment {
    #[schema(value_type = String)]
    pub id: DeploymentId,
    #[schema(value_type = String, example = "shop")]
    pub app: AppName,
    #[schema(value_type = String, example = "dev")]
    pub environment: EnvironmentName,
    #[schema(value_type = String, example = "v3")]
    pub release: ReleaseVersion,
    /// The config that it took; absent if there was none, or if it is older than the ledger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_revision: Option<u64>,
    /// Why it was made.
    #[schema(example = "push of 1a2b3c4")]
    pub reason: String,
    #[schema(value_type = String, example = "succeeded")]
    pub state: DeploymentState,
    /// The part of it that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "starting")]
    pub failed_phase: Option<FailedPhase>,
    /// Why it failed or was cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// When it entered each of its states, in order.
    pub phases: Vec<DeploymentPhase>,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished_at: Option<Timestamp>,
    pub created_by: String,
    #[schema(value_type = String)]
    pub run_id: RunId,
}

/// When a deployment entered a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DeploymentPhase {
    #[schema(value_type = String, example = "starting")]
    pub state: DeploymentState,
    #[schema(value_type = String, format = DateTime)]
    pub entered_at: Timestamp,
}
