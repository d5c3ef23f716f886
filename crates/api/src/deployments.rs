use serde::{Deserialize, Serialize};
use types::{AppName, DeploymentId, DeploymentState, Digest, EnvironmentName, RunId, Timestamp};
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

/// Back to what a release and config revision that were deployed before had. Without a release: the pair before the
/// current one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RollBack {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "v2")]
    pub to: Option<ReleaseVersion>,
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
    pub config_revision: u64,
    #[schema(value_type = String, example = "succeeded")]
    pub state: DeploymentState,
    /// Why it failed or was cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished_at: Option<Timestamp>,
    pub created_by: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub run_id: Option<RunId>,
}
