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
    /// Whose releases come here next; none of the first.
    #[serde(default)]
    pub after: Option<EnvironmentName>,
    #[serde(default)]
    pub promote: Promote,
    /// Who has to agree before anything comes here.
    #[serde(default)]
    pub approvals: Option<Approvals>,
    pub scale: BTreeMap<ProcessType, u32>,
    pub domains: Vec<HostName>,
    pub strategy: Strategy,
}

impl Environment {
    #[must_use]
    pub fn new(name: EnvironmentName) -> Self {
        Self {
            name,
            after: None,
            promote: Promote::default(),
            approvals: None,
            scale: BTreeMap::new(),
            domains: Vec::new(),
            strategy: Strategy::default(),
        }
    }

    /// Where a push is deployed: the first that is after no other one.
    #[must_use]
    pub fn first(all: &[Self]) -> Option<&Self> {
        all.iter().find(|environment| environment.after.is_none())
    }

    /// Those that are next after this one, in order.
    pub fn next<'a>(&self, all: &'a [Self]) -> impl Iterator<Item = &'a Self> {
        let name = self.name.clone();
        all.iter().filter(move |environment| environment.after.as_ref() == Some(&name))
    }

    /// Where a release goes on to by itself once it serves here, in order: up to what is promoted by hand.
    #[must_use]
    pub fn automatic<'a>(&'a self, all: &'a [Self]) -> Vec<&'a Self> {
        let mut found: Vec<&Self> = vec![self];
        let mut looked_at = 0;
        while let Some(environment) = found.get(looked_at).copied() {
            looked_at += 1;
            let next = environment.next(all).filter(|next| next.promote == Promote::Automatic);
            let new: Vec<_> =
                next.filter(|next| found.iter().all(|it| it.name != next.name)).collect();
            found.extend(new);
        }
        found.remove(0);
        found
    }
}

/// How many people have to agree, and who they may be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approvals {
    /// At least one.
    pub count: u32,
    /// Names, and `role:…`; anybody if there are none.
    pub from: Vec<String>,
    /// Whether whoever started it counts.
    pub allow_author: bool,
    /// From when it is asked for; after that it is refused.
    pub timeout: Duration,
}

impl Approvals {
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(72 * 60 * 60);
}

/// Who brings a release of the environment before into this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Promote {
    Automatic,
    #[default]
    Manual,
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

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(name: &str, after: Option<&str>, promote: Promote) -> Environment {
        let after = after.map(|after| after.parse().unwrap());
        Environment { after, promote, ..Environment::new(name.parse().unwrap()) }
    }

    fn names(environments: &[&Environment]) -> Vec<String> {
        environments.iter().map(|environment| environment.name.to_string()).collect()
    }

    #[test]
    fn a_release_goes_on_by_itself_up_to_what_is_promoted_by_hand() {
        use Promote::{Automatic, Manual};
        let all = [
            environment("late", Some("prod"), Automatic),
            environment("dev", None, Manual),
            environment("prod", Some("stage"), Manual),
            environment("stage", Some("test"), Automatic),
            environment("test", Some("dev"), Automatic),
            environment("load", Some("dev"), Automatic),
        ];
        let first = Environment::first(&all).unwrap();
        assert_eq!(first.name.as_str(), "dev");
        assert_eq!(names(&first.next(&all).collect::<Vec<_>>()), ["test", "load"]);
        assert_eq!(names(&first.automatic(&all)), ["test", "load", "stage"]);
        assert_eq!(names(&all[2].automatic(&all)), ["late"]);
        // A circle, which no reader of a manifest lets in, has an end all the same.
        let circle =
            [environment("a", Some("b"), Automatic), environment("b", Some("a"), Automatic)];
        assert_eq!(names(&circle[0].automatic(&circle)), ["b"]);
    }
}
