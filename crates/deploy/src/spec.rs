use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use types::{
    AppId, AppName, Bundle, EnvironmentName, InstanceId, Limits, ProcessType, VariableName,
};

/// Whose something is, on a target: one unprivileged user per app.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Owner {
    pub app: AppId,
    /// Of the machine, and the group of the same number. Never 0.
    pub uid: u32,
}

/// What happens when an instance's process exits by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Restart {
    /// It is started again, after a pause that grows.
    Always,
    /// The instance has done its work, or failed to: release commands and one-offs.
    Never,
}

/// Everything that a target needs to run one instance.
#[derive(Clone)]
pub struct InstanceSpec {
    pub id: InstanceId,
    pub app: AppName,
    pub environment: EnvironmentName,
    pub process: ProcessType,
    /// Its name: `v3`.
    pub release: String,
    pub owner: Owner,
    pub bundle: Bundle,
    /// A line for `sh -c`.
    pub command: String,
    /// On top of the bundle's. Holds secrets: nothing here ever prints a value.
    pub env: BTreeMap<VariableName, String>,
    /// Whether it serves requests: then it is told by `$PORT` where.
    pub port: bool,
    pub restart: Restart,
    pub limits: Limits,
}

impl fmt::Debug for InstanceSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InstanceSpec")
            .field("id", &self.id)
            .field("app", &self.app)
            .field("environment", &self.environment)
            .field("process", &self.process)
            .field("release", &self.release)
            .field("owner", &self.owner)
            .field("bundle", &self.bundle.digest)
            .field("command", &self.command)
            .field("env", &self.env.keys())
            .field("port", &self.port)
            .field("restart", &self.restart)
            .field("limits", &self.limits)
            .finish()
    }
}
