use std::collections::BTreeMap;

use store::{Deployment, Environment, Instance, Release, Setback};
use types::{
    Actor, AppName, Bundle, EnvironmentName, HostName, InstanceState, Manifest, ProcessType,
};

use crate::{Control, Error, Settings};

/// An environment with what runs in it.
#[derive(Debug, Clone)]
pub struct EnvironmentView {
    pub environment: Environment,
    pub urls: Vec<String>,
    /// What serves, and the release that it is of.
    pub current: Option<(Deployment, Release)>,
    /// The number of the config revision that the next deployment takes.
    pub config_revision: Option<u64>,
    pub processes: BTreeMap<ProcessType, ProcessView>,
}

/// How many instances of a process there should be, and how many serve.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProcessView {
    pub desired: u32,
    pub serving: u32,
    /// What keeps instances from serving, each by its name.
    pub troubles: Vec<String>,
}

impl Control {
    pub async fn environment(
        &self,
        app: &AppName,
        environment: &EnvironmentName,
    ) -> Result<EnvironmentView, Error> {
        let environment = self.find_environment(app, environment).await?;
        self.view(environment).await
    }

    /// The app's environments, in the order of its manifest.
    pub async fn environments(&self, app: &AppName) -> Result<Vec<EnvironmentView>, Error> {
        let app = self.app(app).await?;
        let mut views = Vec::new();
        for environment in self.inner.store.environments(app.id).await? {
            views.push(self.view(environment).await?);
        }
        Ok(views)
    }

    /// What was deployed there, newest first.
    pub async fn deployments(
        &self,
        app: &AppName,
        environment: &EnvironmentName,
        before: Option<types::DeploymentId>,
        limit: u32,
    ) -> Result<Vec<(Deployment, Release)>, Error> {
        let environment = self.find_environment(app, environment).await?;
        let store = &self.inner.store;
        let mut found = Vec::new();
        for deployment in store.deployments(environment.id, before, limit).await? {
            let release = store.release_by_id(deployment.release).await?;
            found.push((deployment, release));
        }
        Ok(found)
    }

    /// When a deployment entered each of its states.
    pub async fn deployment_phases(
        &self,
        id: types::DeploymentId,
    ) -> Result<Vec<store::Phase>, Error> {
        Ok(self.inner.store.deployment_phases(id).await?)
    }

    /// Sets how many instances of each of these processes run.
    pub async fn scale(
        &self,
        app: &AppName,
        environment: &EnvironmentName,
        counts: BTreeMap<ProcessType, u32>,
        actor: &Actor,
    ) -> Result<EnvironmentView, Error> {
        let found = self.find_environment(app, environment).await?;
        let most = self.inner.settings.limits.instances;
        if let Some((process, count)) = counts.iter().find(|(_, count)| **count > most) {
            return Err(Error::Invalid {
                code: "scale_too_large",
                message: format!("{process}={count} is too much: {most} instances are the most"),
                hint: None,
            });
        }
        if let Some((_, _, bundle)) = self.current(&found).await? {
            let known = &bundle.manifest.processes;
            if let Some(unknown) = counts.keys().find(|process| !known.contains_key(*process)) {
                let names: Vec<&str> = known.keys().map(ProcessType::as_str).collect();
                return Err(Error::Invalid {
                    code: "unknown_process",
                    message: format!("{app} has no process `{unknown}`"),
                    hint: Some(format!("it has: {}", names.join(", "))),
                });
            }
        }
        let environment = self.inner.store.scale(found.id, counts, actor.clone()).await?;
        self.view(environment).await
    }

    pub(crate) async fn find_environment(
        &self,
        app: &AppName,
        name: &EnvironmentName,
    ) -> Result<Environment, Error> {
        let found = self.app(app).await?;
        self.inner.store.environment(found.id, name.clone()).await.map_err(|error| match error {
            store::Error::NotFound { .. } => {
                Error::NoEnvironment { app: app.clone(), environment: name.clone() }
            }
            other => other.into(),
        })
    }

    /// What serves in an environment: deployment, release and the opened bundle.
    pub(crate) async fn current(
        &self,
        environment: &Environment,
    ) -> Result<Option<(Deployment, Release, Bundle)>, Error> {
        let Some(current) = environment.current else { return Ok(None) };
        let deployment = self.inner.store.deployment(current).await?;
        let release = self.inner.store.release_by_id(deployment.release).await?;
        let bundle = self.inner.artifacts.bundle(&release.artifact).await.map_err(|error| {
            tracing::warn!(error = %crate::error::chain(&error), "an artifact cannot be opened");
            Error::ArtifactGone { release: release.label() }
        })?;
        Ok(Some((deployment, release, bundle)))
    }

    async fn view(&self, environment: Environment) -> Result<EnvironmentView, Error> {
        let store = &self.inner.store;
        let current = self.current(&environment).await?;
        let processes = match &current {
            Some((deployment, _, bundle)) => {
                let instances = store.instances_of(deployment.id).await?;
                let setbacks = store.setbacks_of(deployment.id).await?;
                count(&desired(&environment, &bundle.manifest), &instances, &setbacks)
            }
            None => BTreeMap::new(),
        };
        let config_revision = match environment.config_revision {
            Some(id) => Some(store.config_revision(id).await?.number),
            None => None,
        };
        Ok(EnvironmentView {
            urls: urls(&self.inner.settings, &environment),
            current: current.map(|(deployment, release, _)| (deployment, release)),
            config_revision,
            processes,
            environment,
        })
    }
}

fn count(
    desired: &BTreeMap<ProcessType, u32>,
    instances: &[Instance],
    setbacks: &[Setback],
) -> BTreeMap<ProcessType, ProcessView> {
    let serving = |process: &ProcessType| {
        let serving = instances.iter().filter(|instance| {
            instance.process == *process
                && instance.state == InstanceState::Serving
                && instance.down.is_none()
        });
        u32::try_from(serving.count()).unwrap_or(u32::MAX)
    };
    let view = |process: &ProcessType, desired| ProcessView {
        desired,
        serving: serving(process),
        troubles: troubles(process, desired, instances, setbacks),
    };
    desired.iter().map(|(process, &desired)| (process.clone(), view(process, desired))).collect()
}

fn troubles(
    process: &ProcessType,
    desired: u32,
    instances: &[Instance],
    setbacks: &[Setback],
) -> Vec<String> {
    let instances = instances.iter().filter(|it| it.process == *process);
    let down = instances.filter_map(|it| {
        let why = it.down.as_ref().filter(|_| it.state == InstanceState::Serving)?;
        Some(format!("{process}.{}: {why}", it.ordinal))
    });
    let empty = setbacks.iter().filter(|it| it.process == *process && it.ordinal <= desired);
    let empty = empty.map(|it| format!("{process}.{}: {}", it.ordinal, explain(it)));
    down.chain(empty).collect()
}

/// Why a place is empty, and until when.
#[must_use]
pub fn explain(setback: &Setback) -> String {
    let Setback { failures, due_at, reason, .. } = setback;
    let times = if *failures == 1 { String::new() } else { format!(", {failures} times in a row") };
    format!("it did not stay ({reason}){times}; another one is started at {due_at:.0}")
}

/// How many instances of each process there should be: `solum scale` wins over the manifest's
/// environment, and that over the process itself.
pub(crate) fn desired(
    environment: &Environment,
    manifest: &Manifest,
) -> BTreeMap<ProcessType, u32> {
    let declared = manifest.environments.iter().find(|declared| declared.name == environment.name);
    manifest
        .processes
        .iter()
        .map(|(name, process)| {
            let by_hand = environment.scale.get(name);
            let by_environment = declared.and_then(|declared| declared.scale.get(name));
            (name.clone(), by_hand.or(by_environment).copied().unwrap_or(process.scale))
        })
        .collect()
}

/// The name that the platform gives an environment: `APP-ENV.DOMAIN`.
pub(crate) fn own_host(
    settings: &Settings,
    app: &AppName,
    environment: &EnvironmentName,
) -> Result<HostName, Error> {
    let host = format!("{app}-{environment}.{}", settings.domain);
    host.parse().map_err(|error: types::InvalidName| Error::Invalid {
        code: "host_name_invalid",
        message: error.to_string(),
        hint: Some("choose shorter names for the app and its environment".to_owned()),
    })
}

/// Where an environment is reached, the platform's own name first.
pub(crate) fn urls(settings: &Settings, environment: &Environment) -> Vec<String> {
    let port = match settings.router_port {
        80 => String::new(),
        port => format!(":{port}"),
    };
    environment.hosts.iter().map(|host| format!("http://{host}{port}")).collect()
}

pub(crate) fn url(settings: &Settings, environment: &Environment) -> Option<String> {
    urls(settings, environment).into_iter().next()
}
