//! What a step that deploys is to bring where: its environment, and the release with its artifact.

use store::{Environment, NewRelease, Release};
use types::{Bundle, ConfigRevisionId, Digest, EnvironmentName};

use crate::environments;
use crate::error::chain;
use crate::rollbacks::RollbackRequest;
use crate::steps::{Problem, Step};
use crate::workflows::verb;

/// What the step's inputs ask for.
pub(super) struct Target {
    name: EnvironmentName,
    pub(super) bundle: Bundle,
    /// A release that is there; otherwise one is made of the bundle.
    release: Option<Release>,
    pub(super) config_revision: Option<ConfigRevisionId>,
}

impl Target {
    pub(super) async fn of(step: &Step) -> Result<Self, Problem> {
        let name = step.environment.clone().ok_or_else(|| {
            Problem::failed("no_environment", "the job says no environment to deploy to")
        })?;
        let with = |input: &str| step.with.get(input).filter(|value| !value.is_empty());
        if step.task.uses == verb::ROLLBACK && !step.with.contains_key("config-revision") {
            return Self::way_back(step, name, with("release")).await;
        }
        if step.task.uses == verb::PROMOTE {
            return Self::promoted(step, name, with("from")).await;
        }
        let release = match with("release") {
            Some(label) => Some(find_release(step, label).await?),
            None => None,
        };
        let artifact = match (&release, with("artifact")) {
            (Some(release), _) => release.artifact.clone(),
            (None, Some(artifact)) => artifact.parse().map_err(|error: types::InvalidDigest| {
                Problem::failed("artifact_invalid", error.to_string())
            })?,
            (None, None) => {
                return Err(Problem::failed("no_artifact", "there is nothing to deploy")
                    .hint("give the step `artifact` or `release`"));
            }
        };
        let config_revision = match with("config-revision") {
            Some(id) => Some(id.parse().map_err(|error: types::InvalidId| {
                Problem::failed("config_revision_invalid", error.to_string())
            })?),
            None => None,
        };
        let bundle = open(step, &artifact).await?;
        Ok(Self { name, bundle, release, config_revision })
    }

    /// Of a step that leaves it open: the pair that served before, or the release with the config that it had. What an
    /// earlier call of this step chose stays chosen: since then something else serves.
    async fn way_back(
        step: &Step,
        name: EnvironmentName,
        release: Option<&String>,
    ) -> Result<Self, Problem> {
        let (control, store) = (&step.control, &step.control.inner.store);
        let (release, config_revision) = match store
            .deployment_of_step(step.run.id, step.deployment_key())
            .await?
        {
            Some(chosen) => (store.release_by_id(chosen.release).await?, chosen.config_revision),
            None => {
                let environment = control.find_environment(&step.app.name, &name).await?;
                let release = match release {
                    Some(label) => Some(find_release(step, label).await?.number),
                    None => None,
                };
                let to = RollbackRequest { release, config: None };
                let (release, config) = control.way_back(&environment, to).await?;
                (release, config.map(|config| config.id))
            }
        };
        let bundle = open(step, &release.artifact).await?;
        Ok(Self { name, bundle, release: Some(release), config_revision })
    }

    /// What another environment serves: `from`, or the one before. What an earlier call of this step chose stays chosen: since
    /// then something else may serve there.
    async fn promoted(
        step: &Step,
        name: EnvironmentName,
        from: Option<&String>,
    ) -> Result<Self, Problem> {
        let (control, store) = (&step.control, &step.control.inner.store);
        let chosen = store.deployment_of_step(step.run.id, step.deployment_key()).await?;
        let release = match chosen {
            Some(chosen) => chosen.release,
            None => {
                let from = source_of(step, &name, from).await?;
                let from = control.find_environment(&step.app.name, &from).await?;
                let Some(current) = from.current else {
                    let message = format!("{} serves nothing that could be promoted", from.name);
                    return Err(Problem::failed("nothing_deployed", message));
                };
                store.deployment(current).await?.release
            }
        };
        let release = store.release_by_id(release).await?;
        let bundle = open(step, &release.artifact).await?;
        Ok(Self { name, bundle, release: Some(release), config_revision: None })
    }

    pub(super) async fn environment(&self, step: &Step) -> Result<Environment, Problem> {
        let control = &step.control;
        let all = &self.bundle.manifest.environments;
        let declared = all.iter().find(|environment| environment.name == self.name);
        if declared.is_none() {
            self.check_known(step).await?;
        }
        let own = environments::own_host(&control.inner.settings, &step.app.name, &self.name)?;
        let mut hosts = vec![own];
        hosts.extend(declared.iter().flat_map(|declared| declared.domains.clone()));
        let store = &control.inner.store;
        let ensured = store.ensure_environment(step.app.id, self.name.clone(), hosts).await;
        ensured.map_err(|error| match error {
            store::EnvironmentError::HostTaken { .. } => {
                Problem::failed("host_taken", error.to_string())
                    .hint("take the name out of `domains`, or choose another name for the app or the environment")
            }
            store::EnvironmentError::Store(error) => error.into(),
        })
    }

    /// A name that the manifest does not have is a mistake, unless there is such an environment: the manifest may be older.
    async fn check_known(&self, step: &Step) -> Result<(), Problem> {
        let known = step.control.inner.store.environments(step.app.id).await?;
        if known.iter().any(|environment| environment.name == self.name) {
            return Ok(());
        }
        let declared = &self.bundle.manifest.environments;
        let names: Vec<_> = declared.iter().map(|it| it.name.as_str()).collect();
        let message = format!("{} has no environment `{}`", step.app.name, self.name);
        let hint = format!(
            "name it under `environments` of solum.yaml, or deploy to one of: {}",
            names.join(", ")
        );
        Err(Problem::failed("no_environment", message).hint(hint))
    }

    pub(super) async fn release(&self, step: &Step) -> Result<Release, Problem> {
        if let Some(release) = &self.release {
            return Ok(release.clone());
        }
        let new = NewRelease {
            app: step.app.id,
            artifact: self.bundle.digest.clone(),
            commit: step.run.commit.clone(),
            description: step.run.title.clone(),
            run: step.run.id,
            actor: step.run.created_by.clone(),
        };
        Ok(step.control.inner.store.ensure_release(new).await?)
    }
}

async fn source_of(
    step: &Step,
    to: &EnvironmentName,
    given: Option<&String>,
) -> Result<EnvironmentName, Problem> {
    if let Some(given) = given {
        return given.parse().map_err(|error: types::InvalidName| {
            Problem::failed("environment_invalid", error.to_string())
        });
    }
    let environment = step.control.find_environment(&step.app.name, to).await?;
    environment.declared.and_then(|declared| declared.after).ok_or_else(|| {
        let message = format!("{to} is after no other environment");
        Problem::failed("no_environment", message).hint("say `from` which one it is to come")
    })
}

async fn find_release(step: &Step, label: &str) -> Result<Release, Problem> {
    let number = label.strip_prefix('v').unwrap_or(label).parse::<u64>();
    let number = number.map_err(|_| {
        Problem::failed("release_invalid", format!("`{label}` is not a release, like v3"))
    })?;
    Ok(step.control.inner.store.release(step.app.id, number).await?)
}

async fn open(step: &Step, artifact: &Digest) -> Result<Bundle, Problem> {
    step.control.inner.artifacts.bundle(artifact).await.map_err(|error| {
        Problem::failed("artifact_unusable", chain(&error))
            .hint("its releases cannot be deployed any more; build it again by a push")
    })
}
