use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use types::{
    AppName, DeploymentId, EnvironmentName, ProcessType, Promote, Timestamp, VariableName,
};
use utoipa::ToSchema;

use crate::ReleaseVersion;
use crate::deployments::Deployment;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Environment {
    #[schema(value_type = String, example = "shop")]
    pub app: AppName,
    #[schema(value_type = String, example = "dev")]
    pub name: EnvironmentName,
    /// The environment whose releases come here next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "stage")]
    pub after: Option<EnvironmentName>,
    /// Whether they come by themselves (`automatic`) or when somebody promotes them (`manual`); absent of one that is after none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "manual")]
    pub promote: Option<Promote>,
    /// Where it is reached; the first is the one to show.
    pub urls: Vec<String>,
    /// What it serves. Absent until a deployment has succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<Current>,
    /// The config revision that the next deployment takes; absent while nothing was ever set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_revision: Option<u64>,
    #[schema(value_type = BTreeMap<String, ProcessCount>)]
    pub processes: BTreeMap<ProcessType, ProcessCount>,
}

/// The pair that an environment serves, and the deployment that brought it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Current {
    #[schema(value_type = String, example = "v3")]
    pub release: ReleaseVersion,
    /// The config that it was deployed with; absent if there was none, or if it is older than the ledger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_revision: Option<u64>,
    #[schema(value_type = String)]
    pub deployment: DeploymentId,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProcessCount {
    pub desired: u32,
    /// Those that answered their health check, and run.
    pub running: u32,
    /// What keeps others from running: `web.2: …`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub troubles: Vec<String>,
}

/// An environment with its ledger: what was deployed, and how its config came to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EnvironmentDetail {
    #[serde(flatten)]
    pub environment: Environment,
    /// The latest, newest first; at most [`LEDGER_LENGTH`].
    pub deployments: Vec<Deployment>,
    /// The latest, newest first; at most [`LEDGER_LENGTH`].
    pub config_revisions: Vec<ConfigRevision>,
}

/// How far back an environment's ledger goes.
pub const LEDGER_LENGTH: usize = 100;

/// One change of an environment's config. The values are not part of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConfigRevision {
    pub number: u64,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    pub created_by: String,
    /// The names of the variables that were set or unset.
    #[schema(value_type = Vec<String>)]
    pub changed: Vec<VariableName>,
}

/// How many instances of each process there shall be: `{"web": 3}`. Process types that are not named stay as they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(value_type = BTreeMap<String, u32>, example = json!({"web": 3}))]
pub struct Scale(pub BTreeMap<ProcessType, u32>);

/// How many instances of each process there shall be from now on, and how many there are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Scaled {
    #[schema(value_type = BTreeMap<String, ProcessCount>)]
    pub processes: BTreeMap<ProcessType, ProcessCount>,
}
