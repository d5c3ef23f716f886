//! What an app says about itself (`solum.yaml`), in the form in which the rest of Solum meets it:
//! defaults filled in, and after detection with every process that can be started.
//!
//! Reading it from YAML, with places for mistakes, is the `build` crate's.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{EnvironmentName, HostName, ProcessType, VariableName};

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Manifest {
    pub processes: BTreeMap<ProcessType, Process>,
    pub build: Build,
    pub test: Test,
    /// Run once per deployment, before traffic moves.
    pub release: Option<String>,
    /// Run once in the life of an environment, after its first deployment (app.json's `scripts.postdeploy`).
    #[serde(default)]
    pub after_first_deploy: Option<String>,
    /// The same in every environment. Never secret.
    pub env: BTreeMap<VariableName, String>,
    /// Variables that have to be set in the environment's config before a deployment may start, with
    /// the description the app gives of each (app.json's `required`).
    pub required_env: BTreeMap<VariableName, String>,
    /// Variables that get a random value in each environment where they have none (app.json's
    /// `generator: secret`).
    pub generated_env: Vec<VariableName>,
    pub push: Push,
    /// In order of declaration; never empty once read.
    pub environments: Vec<Environment>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// A line for `sh -c`.
    pub run: String,
    /// How many instances, where neither `solum scale` nor the environment says otherwise.
    pub scale: u32,
    pub health: HealthCheck,
    pub limits: Limits,
    /// How long in-flight requests may take once an instance is going away.
    pub drain: Duration,
}

impl Process {
    pub const DEFAULT_DRAIN: Duration = Duration::from_secs(30);

    #[must_use]
    pub fn new(run: String) -> Self {
        Self {
            run,
            scale: 1,
            health: HealthCheck::default(),
            limits: Limits::default(),
            drain: Self::DEFAULT_DRAIN,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthCheck {
    /// Has to answer 2xx or 3xx. Without one, any answer below 500 on `/` will do, or, of a process that does not
    /// speak HTTP, an open port.
    pub path: Option<String>,
    /// From the start of the process to its first good answer.
    pub timeout: Duration,
}

impl Default for HealthCheck {
    fn default() -> Self {
        Self { path: None, timeout: Duration::from_secs(30) }
    }
}

/// Ceilings for one instance, where the machine can hold it to them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Limits {
    pub memory_bytes: Option<u64>,
    /// In thousandths of a core.
    pub cpu_millis: Option<u32>,
    pub pids: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Build {
    /// Instead of what detection would run to compile; each a line for `sh -c`.
    pub run: Option<Vec<String>>,
    /// Directories, relative to the app's root, kept from one build of the app to the next.
    pub cache: Vec<String>,
    /// A folder in the repository, or a git address: Heroku's classic buildpack contract.
    pub buildpack: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Test {
    /// What the language's convention says, if it says anything.
    #[default]
    Detect,
    Off,
    /// Each a line for `sh -c`.
    Run(Vec<String>),
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Push {
    /// The branch that deploys. Without one: the app's default branch.
    pub branch: Option<String>,
    /// The environment that has to serve a commit before its branch moves. Without one: the first.
    pub until: Option<EnvironmentName>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Environment {
    pub name: EnvironmentName,
    pub scale: BTreeMap<ProcessType, u32>,
    pub domains: Vec<HostName>,
    pub strategy: Strategy,
}

impl Environment {
    #[must_use]
    pub fn new(name: EnvironmentName) -> Self {
        Self { name, scale: BTreeMap::new(), domains: Vec::new(), strategy: Strategy::default() }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Strategy {
    /// The new instances answer before the old ones lose traffic.
    #[default]
    Rolling,
    /// The new instances start after the old ones have stopped, for an app that cannot have two writers;
    /// requests are held meanwhile, not refused.
    Recreate,
}
