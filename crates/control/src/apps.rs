use store::{App, AppState, CreateApp, CreateAppError};
use types::{Actor, AppName, EnvironmentName};

use crate::{Control, Error, environments};

impl Control {
    /// Records a new app. Its repository is made in the background; the app is `ready` then.
    pub async fn create_app(
        &self,
        name: AppName,
        default_branch: Option<String>,
        actor: &Actor,
    ) -> Result<App, Error> {
        let default_branch = default_branch.unwrap_or_else(|| "main".to_owned());
        source::check_branch(&default_branch).map_err(|error| Error::Invalid {
            code: "invalid_branch",
            message: error.to_string(),
            hint: Some("use a name that `git check-ref-format --branch` accepts".to_owned()),
        })?;
        let environment = EnvironmentName::dev();
        let host = environments::own_host(&self.inner.settings, &name, &environment)?;
        let new = CreateApp { name, default_branch, environment, host, actor: actor.clone() };
        self.inner.store.create_app(new).await.map_err(|error| match error {
            CreateAppError::Exists(name) => Error::AppExists(name),
            CreateAppError::HostTaken { host, app, environment } => {
                Error::HostTaken { host, app, environment }
            }
            CreateAppError::NoUserLeft => Error::Invalid {
                code: "too_many_apps",
                message: error.to_string(),
                hint: Some("delete apps that are no longer needed".to_owned()),
            },
            CreateAppError::Store(error) => error.into(),
        })
    }

    pub async fn app(&self, name: &AppName) -> Result<App, Error> {
        self.inner.store.app(name.clone()).await.map_err(|error| match error {
            store::Error::NotFound { .. } => Error::NoApp(name.clone()),
            other => other.into(),
        })
    }

    /// An app that takes new work.
    pub(crate) async fn ready_app(&self, name: &AppName) -> Result<App, Error> {
        let app = self.app(name).await?;
        match app.state {
            AppState::Ready => Ok(app),
            AppState::Creating => {
                Err(Error::AppNotReady { app: app.name, state: "still being created" })
            }
            AppState::Deleting => Err(Error::AppNotReady { app: app.name, state: "being deleted" }),
        }
    }

    /// By name.
    pub async fn apps(&self) -> Result<Vec<App>, Error> {
        Ok(self.inner.store.apps().await?)
    }

    /// Takes an app away with all that it has; in the background.
    pub async fn delete_app(&self, name: &AppName, actor: &Actor) -> Result<App, Error> {
        let app = self.app(name).await?;
        if app.state != AppState::Deleting {
            self.inner.store.mark_app_deleting(app.id, actor.clone()).await?;
        }
        self.app(name).await
    }

    /// Where the app is pushed to.
    #[must_use]
    pub fn git_url(&self, app: &AppName) -> String {
        format!("{}/{app}.git", self.inner.settings.api_url)
    }
}
