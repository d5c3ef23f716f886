use serde::{Deserialize, Serialize};
use types::{AppName, EnvironmentName, InstanceId, ProcessType, Timestamp};
use utoipa::ToSchema;

use crate::ReleaseVersion;

/// One running copy of a process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Instance {
    #[schema(value_type = String)]
    pub id: InstanceId,
    /// The process and its number: what people call it.
    #[schema(example = "web.1")]
    pub name: String,
    #[schema(value_type = String, example = "shop")]
    pub app: AppName,
    #[schema(value_type = String, example = "dev")]
    pub environment: EnvironmentName,
    #[schema(value_type = String, example = "web")]
    pub process: ProcessType,
    #[schema(value_type = String, example = "v3")]
    pub release: ReleaseVersion,
    pub status: InstanceStatus,
    /// What a status needs to be understood: how it ended, when it starts again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// How often it was started again after it ended.
    pub restarts: u32,
    /// Of the program on the machine that runs it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
    /// Where the router finds it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "127.0.0.1:20017")]
    pub address: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub started_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum InstanceStatus {
    /// Started, not yet trusted with traffic.
    Starting,
    Running,
    /// It ended by itself; it starts again after a while.
    Restarting,
    /// It gets no new requests; those in flight may end.
    Draining,
    Stopping,
    Stopped,
    /// It ended and is not started again.
    Exited,
    /// Nobody knows: whoever watched it is gone.
    Lost,
}

impl InstanceStatus {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Restarting => "restarting",
            Self::Draining => "draining",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Exited => "exited",
            Self::Lost => "lost",
        }
    }
}
