use std::collections::BTreeMap;

use store::{ConfigChange, ConfigRevision, Environment, Run};
use types::{Actor, AppName, EnvironmentName, VariableName};

use crate::{Control, Error};

/// The config that the next deployment of an environment takes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConfigView {
    /// `None` before anything was set.
    pub revision: Option<u64>,
    /// The revision that serves, 0 for none; `None` while nothing serves.
    pub live: Option<u64>,
    pub variables: BTreeMap<VariableName, String>,
}

/// The most that all variables of an environment may take together, names included.
const MAX_BYTES: usize = 256 << 10;

impl Control {
    pub async fn config(
        &self,
        app: &AppName,
        environment: &EnvironmentName,
    ) -> Result<ConfigView, Error> {
        let environment = self.find_environment(app, environment).await?;
        let live = self.live_config(&environment).await?;
        let Some(id) = environment.config_revision else {
            return Ok(ConfigView { live, ..ConfigView::default() });
        };
        let revision = self.inner.store.config_revision(id).await?;
        Ok(ConfigView { revision: Some(revision.number), live, variables: revision.variables })
    }

    async fn live_config(&self, environment: &Environment) -> Result<Option<u64>, Error> {
        let store = &self.inner.store;
        let Some(current) = environment.current else { return Ok(None) };
        Ok(Some(match store.deployment(current).await?.config_revision {
            Some(id) => store.config_revision(id).await?.number,
            None => 0,
        }))
    }

    /// Newest first.
    pub async fn config_revisions(
        &self,
        app: &AppName,
        environment: &EnvironmentName,
        limit: u32,
    ) -> Result<Vec<ConfigRevision>, Error> {
        let environment = self.find_environment(app, environment).await?;
        Ok(self.inner.store.config_revisions(environment.id, limit).await?)
    }

    /// Makes a new revision, and a run that brings what serves up with it; no run if nothing was deployed yet or
    /// nothing changed.
    pub async fn change_config(
        &self,
        app: &AppName,
        environment: &EnvironmentName,
        set: BTreeMap<VariableName, String>,
        unset: Vec<VariableName>,
        actor: &Actor,
    ) -> Result<(ConfigView, Option<Run>), Error> {
        self.ready_app(app).await?;
        let found = self.find_environment(app, environment).await?;
        self.check_config(app, environment, &set).await?;
        let mut names: Vec<String> = set.keys().map(|name| format!("set {name}")).collect();
        names.extend(unset.iter().map(|name| format!("unset {name}")));
        let change = ConfigChange { set, unset, set_missing: BTreeMap::new() };
        let revised = self.inner.store.revise_config(found.id, change, actor.clone()).await?;
        let changed = revised.as_ref().map(|revision| revision.id) != found.config_revision;
        let live = self.live_config(&found).await?;
        let (revision, variables) = match revised {
            Some(revision) => (Some(revision.number), revision.variables),
            None => (None, BTreeMap::new()),
        };
        let view = ConfigView { revision, live, variables };
        let run = match (changed, found.current) {
            (true, Some(_)) => Some(self.redeploy(&found, names.join(", "), actor).await?),
            _ => None,
        };
        Ok((view, run))
    }

    async fn check_config(
        &self,
        app: &AppName,
        environment: &EnvironmentName,
        set: &BTreeMap<VariableName, String>,
    ) -> Result<(), Error> {
        let invalid = |code, message: String, hint: &str| {
            Err(Error::Invalid { code, message, hint: Some(hint.to_owned()) })
        };
        if let Some((name, _)) = set.iter().find(|(_, value)| value.contains('\0')) {
            let message =
                format!("the value of {name} has a NUL byte, which no environment can hold");
            return invalid("invalid_value", message, "encode it, for instance with base64");
        }
        if set.contains_key("PORT") {
            let message = "PORT is set by Solum: it tells the app where to listen".to_owned();
            return invalid("reserved_variable", message, "leave it out; an app reads $PORT");
        }
        let mut variables = self.config(app, environment).await?.variables;
        variables.extend(set.clone());
        let bytes: usize = variables.iter().map(|(k, v)| k.as_str().len() + v.len() + 2).sum();
        if bytes > MAX_BYTES {
            let message = format!(
                "all variables together would take {bytes} bytes; {MAX_BYTES} are the most"
            );
            return invalid("config_too_large", message, "put large values into files of the app");
        }
        Ok(())
    }
}
