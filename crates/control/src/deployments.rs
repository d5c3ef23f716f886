use store::{Environment, Run};
use types::{Actor, AppName, Digest, EnvironmentName};

use crate::triggers::{Asked, first, payload};
use crate::{Control, Error, workflows};

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
        let (what, commit, title) = match request {
            DeployRequest::Release(number) => {
                let release = self.release(app, number).await?;
                self.check_artifact(&release.artifact, &release.label()).await?;
                let title = format!("deploy {}", release.label());
                (("release", release.label()), release.commit, title)
            }
            DeployRequest::Artifact(digest) => {
                if self.inner.artifacts.bundle(&digest).await.is_err() {
                    return Err(Error::NotFound(format!(
                        "usable artifact {digest}; one that no release uses is kept for a day"
                    )));
                }
                let title = format!("deploy artifact {}", digest.short());
                (("artifact", digest.to_string()), None, title)
            }
        };
        let fields = [("environment", environment.to_string()), what];
        let asked = Asked {
            built_in: &workflows::DEPLOY,
            payload: payload(fields),
            title,
            commit,
            actor: actor.clone(),
        };
        first(self.start_asked(&found, asked).await?)
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
        let app = self.app(&environment.app).await?;
        let fields = [("environment", environment.name.to_string()), ("release", release.label())];
        let asked = Asked {
            built_in: &workflows::DEPLOY,
            payload: payload(fields),
            title,
            commit: release.commit.clone(),
            actor: actor.clone(),
        };
        first(self.start_asked(&app, asked).await?)
    }

    pub(crate) async fn check_artifact(&self, artifact: &Digest, what: &str) -> Result<(), Error> {
        match self.inner.artifacts.bundle(artifact).await {
            Ok(_) => Ok(()),
            Err(error) => {
                tracing::info!(%artifact, error = %crate::error::chain(&error), "an artifact cannot be opened");
                Err(Error::ArtifactGone { release: what.to_owned() })
            }
        }
    }
}
