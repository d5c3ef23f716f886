use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde_json::json;
use types::{Actor, AppId, AppName, EnvironmentId, EnvironmentName, HostName};

use crate::events::NewEvent;
use crate::row::{self, to_json};
use crate::writer::Write;
use crate::{Error, Store, Topic};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct App {
    pub id: AppId,
    pub name: AppName,
    pub default_branch: String,
    pub deploy_branch: String,
    pub state: AppState,
    pub uid: u32,
    pub created_at: Timestamp,
    pub created_by: Actor,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppState {
    /// Its repository is being made.
    Creating,
    Ready,
    /// Its instances, repository and rows are being taken away.
    Deleting,
}

impl AppState {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Creating => "creating",
            Self::Ready => "ready",
            Self::Deleting => "deleting",
        }
    }
}

impl std::str::FromStr for AppState {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        [Self::Creating, Self::Ready, Self::Deleting]
            .into_iter()
            .find(|state| state.as_str() == word)
            .ok_or_else(|| format!("`{word}` is not a state of an app"))
    }
}

#[derive(Debug, Clone)]
pub struct CreateApp {
    pub name: AppName,
    pub default_branch: String,
    /// The environment that every app starts with, and the name it is reached at.
    pub environment: EnvironmentName,
    pub host: HostName,
    pub actor: Actor,
}

#[derive(Debug, thiserror::Error)]
pub enum CreateAppError {
    #[error("there is an app `{0}` already")]
    Exists(AppName),
    #[error("the host name {host} belongs to environment `{environment}` of app `{app}`")]
    HostTaken { host: HostName, app: AppName, environment: EnvironmentName },
    #[error("this server has as many apps as it has users to run them as")]
    NoUserLeft,
    #[error(transparent)]
    Store(#[from] Error),
}

/// The unprivileged users that apps run as: one each, never handed out again while the app is there. The range
/// stays clear of Debian's (up to 59,999 for people) and of systemd's dynamic users (from 61,184).
const UIDS: std::ops::RangeInclusive<u32> = 70_000..=169_999;

impl Store {
    /// Records a new app in state `creating`, with its first environment.
    pub async fn create_app(&self, new: CreateApp) -> Result<App, CreateAppError> {
        self.write(move |write| {
            if find_app(&write.sql, &new.name)?.is_some() {
                return Err(CreateAppError::Exists(new.name));
            }
            let app = App {
                id: AppId::generate(write.clock),
                name: new.name,
                deploy_branch: new.default_branch.clone(),
                default_branch: new.default_branch,
                state: AppState::Creating,
                uid: free_uid(&write.sql)?.ok_or(CreateAppError::NoUserLeft)?,
                created_at: write.now,
                created_by: new.actor.clone(),
            };
            insert(write, &app)?;
            let environment = EnvironmentId::generate(write.clock);
            crate::environments::insert(write, environment, app.id, &new.environment)?;
            crate::environments::claim_host(write, &new.host, environment)?;
            let event = NewEvent::new("app.created", &new.actor).app(&app.name);
            write.event(&event.detail(json!({ "default_branch": app.default_branch })))?;
            write.touch(Topic::Apps);
            // Its host name has a route from now on.
            write.touch(Topic::Instances);
            Ok(app)
        })
        .await
    }

    pub async fn app(&self, name: AppName) -> Result<App, Error> {
        self.read(move |connection| {
            find_app(connection, &name)?.ok_or_else(|| Error::not_found(format!("app `{name}`")))
        })
        .await
    }

    pub async fn app_by_id(&self, id: AppId) -> Result<App, Error> {
        self.read(move |connection| get_app(connection, id)).await
    }

    /// All apps, by name.
    pub async fn apps(&self) -> Result<Vec<App>, Error> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached("SELECT * FROM apps ORDER BY name")?;
            let apps = statement.query_map([], read)?.collect::<Result<_, _>>()?;
            Ok(apps)
        })
        .await
    }

    /// The app's repository is there now.
    pub async fn mark_app_ready(&self, id: AppId) -> Result<(), Error> {
        self.set_app_state(id, AppState::Ready, None).await
    }

    /// From here on nothing new is accepted for the app; a reconciler takes it away.
    pub async fn mark_app_deleting(&self, id: AppId, actor: Actor) -> Result<(), Error> {
        self.set_app_state(id, AppState::Deleting, Some(actor)).await
    }

    async fn set_app_state(
        &self,
        id: AppId,
        state: AppState,
        actor: Option<Actor>,
    ) -> Result<(), Error> {
        self.write(move |write| {
            let app = get_app(&write.sql, id)?;
            write.sql.execute(
                "UPDATE apps SET state = ?2 WHERE id = ?1",
                params![id.to_string(), state.as_str()],
            )?;
            if let Some(actor) = actor {
                write.event(&NewEvent::new("app.deletion_requested", &actor).app(&app.name))?;
            }
            write.touch(Topic::Apps);
            Ok(())
        })
        .await
    }

    /// Nothing of the app is to run any more: what does is to be stopped, and nothing takes its place.
    pub async fn retire_app(&self, id: AppId) -> Result<(), Error> {
        self.write(move |write| {
            let id = id.to_string();
            write.sql.execute(
                "UPDATE environments SET current_deployment = NULL WHERE app_id = ?1",
                [&id],
            )?;
            write.sql.execute(
                "UPDATE instances SET state = 'stopping'
                 WHERE state IN ('starting', 'serving', 'draining') AND deployment_id IN (
                     SELECT deployments.id FROM deployments
                     JOIN environments ON environments.id = environment_id WHERE app_id = ?1)",
                [&id],
            )?;
            write.touch(Topic::Instances);
            Ok(())
        })
        .await
    }

    /// Removes the app and all that hangs on it. Its events stay: they are the audit log.
    pub async fn forget_app(&self, id: AppId) -> Result<(), Error> {
        self.write(move |write| {
            let app = get_app(&write.sql, id)?;
            let id = id.to_string();
            write.sql.execute(
                "UPDATE environments SET current_deployment = NULL, config_revision = NULL WHERE app_id = ?1",
                [&id],
            )?;
            write.sql.execute(
                "DELETE FROM deployments WHERE environment_id IN (SELECT id FROM environments WHERE app_id = ?1)",
                [&id],
            )?;
            write.sql.execute("DELETE FROM apps WHERE id = ?1", [&id])?;
            write.runs.borrow_mut().clear();
            write.event(&NewEvent::new("app.deleted", &Actor::System).app(&app.name))?;
            for topic in [Topic::Apps, Topic::Runs, Topic::Outbox, Topic::Instances] {
                write.touch(topic);
            }
            Ok(())
        })
        .await
    }
}

pub(crate) fn find_app(connection: &Connection, name: &AppName) -> Result<Option<App>, Error> {
    let mut statement = connection.prepare_cached("SELECT * FROM apps WHERE name = ?1")?;
    Ok(statement.query_row([name.as_str()], read).optional()?)
}

pub(crate) fn get_app(connection: &Connection, id: AppId) -> Result<App, Error> {
    let mut statement = connection.prepare_cached("SELECT * FROM apps WHERE id = ?1")?;
    statement
        .query_row([id.to_string()], read)
        .optional()?
        .ok_or_else(|| Error::not_found(format!("app {id}")))
}

fn read(row: &Row<'_>) -> row::Result<App> {
    Ok(App {
        id: row::text(row, "id")?,
        name: row::text(row, "name")?,
        default_branch: row.get("default_branch")?,
        deploy_branch: row.get("deploy_branch")?,
        state: row::text(row, "state")?,
        uid: row.get("uid")?,
        created_at: row::time(row, "created_at")?,
        created_by: row::json(row, "created_by")?,
    })
}

fn insert(write: &Write<'_>, app: &App) -> Result<(), Error> {
    write.sql.execute(
        "INSERT INTO apps (id, name, default_branch, deploy_branch, state, uid, created_at, created_by)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        params![
            app.id.to_string(),
            app.name.as_str(),
            app.default_branch,
            app.deploy_branch,
            app.state.as_str(),
            app.uid,
            app.created_at.as_microsecond(),
            to_json(&app.created_by),
        ],
    )?;
    Ok(())
}

/// The lowest free user id: a deleted app's is used again only once its files are gone.
fn free_uid(connection: &Connection) -> Result<Option<u32>, Error> {
    let (first, last) = (UIDS.start(), UIDS.end());
    let free = connection.query_row(
        "SELECT min(uid) FROM (SELECT ?1 AS uid UNION ALL SELECT uid + 1 FROM apps)
         WHERE uid <= ?2 AND uid NOT IN (SELECT uid FROM apps)",
        [first, last],
        |row| row.get(0),
    )?;
    Ok(free)
}
