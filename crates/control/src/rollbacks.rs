//! The way back: to a pair of release and config revision, without building.

use store::{ConfigRevision, Environment, Release, Run};
use types::{Actor, AppName, EnvironmentName};

use crate::triggers::{Asked, first, payload};
use crate::{Control, Error, text, workflows};

/// What to go back to. With neither: the pair that served before the one that serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RollbackRequest {
    /// `v3` is 3. Alone, it comes with the config that it was last deployed with.
    pub release: Option<u64>,
    /// The number of a config revision, 0 for none at all. Alone, it comes with the release that serves.
    pub config: Option<u64>,
}

type Pair = (Release, Option<ConfigRevision>);

impl Control {
    /// Starts what brings a pair of release and config back: the app's own workflows on `rollback`, or ours. Of several runs the first
    /// is answered.
    pub async fn roll_back(
        &self,
        app: &AppName,
        environment: &EnvironmentName,
        to: RollbackRequest,
        actor: &Actor,
    ) -> Result<Run, Error> {
        let found = self.ready_app(app).await?;
        let environment = self.find_environment(app, environment).await?;
        let (release, config) = self.way_back(&environment, to).await?;
        self.check_artifact(&release.artifact, &release.label()).await?;
        let pair = text::pair(&release, config.as_ref(), &environment);
        let fields = [("environment", environment.name.to_string()), ("release", release.label())];
        let config = config.map(|config| ("config_revision", config.id.to_string()));
        let asked = Asked {
            built_in: &workflows::ROLLBACK,
            payload: payload(fields.into_iter().chain(config)),
            title: format!("roll back to {pair}"),
            commit: release.commit.clone(),
            actor: actor.clone(),
        };
        first(self.start_asked(&found, asked).await?)
    }

    pub(crate) async fn way_back(
        &self,
        from: &Environment,
        to: RollbackRequest,
    ) -> Result<Pair, Error> {
        let store = &self.inner.store;
        let nothing =
            || Error::NothingDeployed { app: from.app.clone(), environment: from.name.clone() };
        let current = store.deployment(from.current.ok_or_else(nothing)?).await?;
        let (release, config) = match (to.release, to.config) {
            (None, None) => match store.deployment_before(current.id).await? {
                Some(before) => {
                    (store.release_by_id(before.release).await?, before.config_revision)
                }
                None => return Err(self.no_way_back(from, &current).await?),
            },
            (None, Some(_)) => (store.release_by_id(current.release).await?, None),
            (Some(number), Some(_)) => (self.release(&from.app, number).await?, None),
            (Some(number), None) => {
                let release = self.release(&from.app, number).await?;
                let last = store.last_deployment_of(from.id, release.id).await?;
                let last = last.ok_or_else(|| never_served(from, &release))?;
                (release, last.config_revision)
            }
        };
        let config = match (to.config, config) {
            (Some(0), _) | (None, None) => None,
            (Some(number), _) => Some(self.numbered_config(from, number).await?),
            (None, Some(id)) => Some(store.config_revision(id).await?),
        };
        Ok((release, config))
    }

    async fn no_way_back(
        &self,
        environment: &Environment,
        current: &store::Deployment,
    ) -> Result<Error, Error> {
        let store = &self.inner.store;
        let release = store.release_by_id(current.release).await?;
        let config = match current.config_revision {
            Some(id) => Some(store.config_revision(id).await?),
            None => None,
        };
        let current = text::pair(&release, config.as_ref(), environment);
        Ok(Error::NoWayBack {
            app: environment.app.clone(),
            environment: environment.name.clone(),
            current,
        })
    }

    async fn numbered_config(
        &self,
        environment: &Environment,
        number: u64,
    ) -> Result<ConfigRevision, Error> {
        let found = self.inner.store.numbered_config_revision(environment.id, number).await;
        found.map_err(|error| match error {
            store::Error::NotFound { .. } => Error::Invalid {
                code: "no_such_config",
                message: format!(
                    "{} of {} has no config {number}",
                    environment.name, environment.app
                ),
                hint: Some(format!(
                    "`solum env show {} {}` shows those that there are",
                    environment.app, environment.name
                )),
            },
            other => other.into(),
        })
    }
}

fn never_served(environment: &Environment, release: &Release) -> Error {
    let (app, name, label) = (&environment.app, &environment.name, release.label());
    Error::Invalid {
        code: "never_served",
        message: format!("{label} never served in {name}"),
        hint: Some(format!("deploy it: solum deploy {app} --env {name} --release {label}")),
    }
}
