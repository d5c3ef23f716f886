use store::{Environment, NewRun, Run};
use types::{Actor, AppName, Digest, EnvironmentName, RunId};

use crate::workflows::{self, Deployable};
use crate::{Control, Error};

/// What to deploy without a push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeployRequest {
    /// `v3` is 3.
    Release(u64),
    Artifact(Digest),
}

impl Control {
    /// Starts a run that deploys what is there already, past test and build.
    pub async fn deploy(
        &self,
        app: &AppName,
        environment: &EnvironmentName,
        request: DeployRequest,
        actor: &Actor,
    ) -> Result<Run, Error> {
        let found = self.ready_app(app).await?;
        self.find_environment(app, environment).await?;
        let (deployable, commit, title) = match request {
            DeployRequest::Release(number) => {
                let release = self.release(app, number).await?;
                self.check_artifact(&release.artifact, &release.label()).await?;
                let title = format!("deploy {}", release.label());
                (Deployable::Release(number), release.commit, title)
            }
            DeployRequest::Artifact(digest) => {
                if self.inner.artifacts.bundle(&digest).await.is_err() {
                    return Err(Error::NotFound(format!(
                        "usable artifact {digest}; one that no release uses is kept for a day"
                    )));
                }
                let title = format!("deploy artifact {}", digest.short());
                (Deployable::Artifact(digest), None, title)
            }
        };
        let run = NewRun {
            id: RunId::generate(&*self.inner.clock),
            app: found.id,
            definition: workflows::deploy(environment, &deployable),
            queue: None,
            commit,
            title,
            actor: actor.clone(),
        };
        Ok(self.inner.store.create_run(run).await?)
    }

    /// Starts a run that brings a pair of release and config back which served before; without `to`, the one
    /// that served last before the present release.
    pub async fn roll_back(
        &self,
        app: &AppName,
        environment: &EnvironmentName,
        to: Option<u64>,
        actor: &Actor,
    ) -> Result<Run, Error> {
        let found = self.ready_app(app).await?;
        let environment = self.find_environment(app, environment).await?;
        let nothing =
            || Error::NothingDeployed { app: app.clone(), environment: environment.name.clone() };
        let current = environment.current.ok_or_else(nothing)?;
        let store = &self.inner.store;
        let target = match to {
            Some(number) => {
                let release = self.release(app, number).await?;
                let deployment = store.last_deployment_of(environment.id, release.id).await?;
                deployment.ok_or_else(|| Error::Invalid {
                    code: "never_served",
                    message: format!("{} never served in {}", release.label(), environment.name),
                    hint: Some(format!(
                        "deploy it: solum deploy {app} --env {} --release {}",
                        environment.name,
                        release.label()
                    )),
                })?
            }
            None => match store.deployment_before(current).await? {
                Some(deployment) => deployment,
                None => {
                    let release = store.deployment(current).await?.release;
                    let current = store.release_by_id(release).await?.label();
                    return Err(Error::NoWayBack { environment: environment.name, current });
                }
            },
        };
        let release = store.release_by_id(target.release).await?;
        self.check_artifact(&release.artifact, &release.label()).await?;
        let run = NewRun {
            id: RunId::generate(&*self.inner.clock),
            app: found.id,
            definition: workflows::rollback(
                &environment.name,
                release.number,
                target.config_revision,
            ),
            queue: None,
            commit: release.commit.clone(),
            title: format!("roll back to {}", release.label()),
            actor: actor.clone(),
        };
        Ok(store.create_run(run).await?)
    }

    /// What serves now, again, with the config of now.
    pub(crate) async fn redeploy(
        &self,
        environment: &Environment,
        title: String,
        actor: &Actor,
    ) -> Result<Run, Error> {
        let (_, release, _) =
            self.current(environment).await?.ok_or_else(|| Error::NothingDeployed {
                app: environment.app.clone(),
                environment: environment.name.clone(),
            })?;
        let run = NewRun {
            id: RunId::generate(&*self.inner.clock),
            app: environment.app_id,
            definition: workflows::deploy(&environment.name, &Deployable::Release(release.number)),
            queue: None,
            commit: release.commit.clone(),
            title,
            actor: actor.clone(),
        };
        Ok(self.inner.store.create_run(run).await?)
    }

    async fn check_artifact(&self, artifact: &Digest, what: &str) -> Result<(), Error> {
        match self.inner.artifacts.bundle(artifact).await {
            Ok(_) => Ok(()),
            Err(error) => {
                tracing::info!(%artifact, error = %crate::error::chain(&error), "an artifact cannot be opened");
                Err(Error::ArtifactGone { release: what.to_owned() })
            }
        }
    }
}
