//! From a deployment's rows to what a target is told.

use std::collections::BTreeMap;

use deploy::{InstanceSpec, Owner, Restart};
use store::{App, Deployment, Environment, Instance, Release};
use types::{Bundle, HealthCheck, Limits, Process, ProcessType, Strategy, VariableName};

use crate::error::chain;
use crate::{Control, Error};

/// The process under which a deployment's release command is known.
pub(crate) const RELEASE: &str = "release";
/// The process under which what follows an environment's first deployment is known.
pub(crate) const FIRST_DEPLOY: &str = "postdeploy";

/// A deployment with all that its instances are made from.
#[derive(Debug, Clone)]
pub(crate) struct Specification {
    pub(crate) deployment: Deployment,
    pub(crate) environment: Environment,
    pub(crate) app: App,
    pub(crate) release: Release,
    pub(crate) bundle: Bundle,
    config: BTreeMap<VariableName, String>,
}

impl Specification {
    pub(crate) async fn load(control: &Control, deployment: Deployment) -> Result<Self, Error> {
        let store = &control.inner.store;
        let environment = store.environment_by_id(deployment.environment).await?;
        let app = store.app_by_id(environment.app_id).await?;
        let release = store.release_by_id(deployment.release).await?;
        let config = match deployment.config_revision {
            Some(id) => store.config_revision(id).await?.variables,
            None => BTreeMap::new(),
        };
        let bundle = control.inner.artifacts.bundle(&release.artifact).await.map_err(|error| {
            tracing::warn!(error = %chain(&error), "an artifact cannot be opened");
            Error::ArtifactGone { release: release.label() }
        })?;
        Ok(Self { deployment, environment, app, release, bundle, config })
    }

    pub(crate) fn owner(&self) -> Owner {
        Owner { app: self.app.id, uid: self.app.uid }
    }

    pub(crate) fn strategy(&self) -> Strategy {
        let environments = &self.bundle.manifest.environments;
        let declared = environments.iter().find(|e| e.name == self.environment.name);
        declared.map(|declared| declared.strategy).unwrap_or_default()
    }

    /// How many instances of each process there should be.
    pub(crate) fn counts(&self) -> BTreeMap<ProcessType, u32> {
        crate::environments::desired(&self.environment, &self.bundle.manifest)
    }

    pub(crate) fn process(&self, process: &ProcessType) -> Option<&Process> {
        self.bundle.manifest.processes.get(process)
    }

    pub(crate) fn health(&self, process: &ProcessType) -> HealthCheck {
        self.process(process).map(|process| process.health.clone()).unwrap_or_default()
    }

    /// How long the web instances' requests may take once they are to go.
    pub(crate) fn drain(&self) -> std::time::Duration {
        self.process(&ProcessType::web()).map_or(Process::DEFAULT_DRAIN, |web| web.drain)
    }

    /// One of the app's processes; `None` for one that the release does not have.
    pub(crate) fn instance(&self, instance: &Instance) -> Option<InstanceSpec> {
        let process = self.process(&instance.process)?;
        let web = instance.process.is_web();
        Some(InstanceSpec {
            port: web,
            restart: Restart::Always,
            limits: process.limits,
            ..self.command(instance, process.run.clone())
        })
    }

    /// A command that runs once, in surroundings like the app's.
    pub(crate) fn command(&self, instance: &Instance, command: String) -> InstanceSpec {
        InstanceSpec {
            id: instance.id,
            app: self.app.name.clone(),
            environment: self.environment.name.clone(),
            process: instance.process.clone(),
            release: self.release.label(),
            owner: self.owner(),
            bundle: self.bundle.clone(),
            command,
            env: self.env(&format!("{}.{}", instance.process, instance.ordinal)),
            port: false,
            restart: Restart::Never,
            limits: Limits::default(),
        }
    }

    /// The manifest's variables, then the environment's config, then ours.
    pub(crate) fn env(&self, instance: &str) -> BTreeMap<VariableName, String> {
        let mut env = self.bundle.manifest.env.clone();
        env.extend(self.config.clone());
        let commit = self.release.commit.as_ref().map(ToString::to_string);
        for (name, value) in [
            ("SOLUM_APP", Some(self.app.name.to_string())),
            ("SOLUM_ENVIRONMENT", Some(self.environment.name.to_string())),
            ("SOLUM_RELEASE", Some(self.release.label())),
            ("SOLUM_COMMIT", commit),
            ("SOLUM_INSTANCE", Some(instance.to_owned())),
        ] {
            if let Some(value) = value {
                env.insert(name.parse().expect("a valid name"), value);
            }
        }
        env
    }
}
