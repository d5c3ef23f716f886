use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde::{Deserialize, Serialize};
use serde_json::json;
use types::{
    Actor, AppId, AppName, Approvals, ConfigRevisionId, DeploymentId, EnvironmentId,
    EnvironmentName, HostName, ProcessType, Promote,
};

use crate::apps::CreateAppError;
use crate::events::NewEvent;
use crate::row::{self, to_json};
use crate::writer::Write;
use crate::{Error, Store, Topic, setbacks};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    pub id: EnvironmentId,
    pub app_id: AppId,
    pub app: AppName,
    pub name: EnvironmentName,
    /// What `solum scale` asked for; it wins over the manifest.
    pub scale: BTreeMap<ProcessType, u32>,
    /// The deployment that serves.
    pub current: Option<DeploymentId>,
    pub config_revision: Option<ConfigRevisionId>,
    pub hosts: Vec<HostName>,
    /// What the last landed manifest says of it; `None` where it does not name it.
    pub declared: Option<DeclaredEnvironment>,
    pub created_at: Timestamp,
}

/// An environment as a manifest has it that has landed. Policy is taken from here, never from the commit that it judges.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeclaredEnvironment {
    /// Among the manifest's environments, from 0.
    pub position: u32,
    pub after: Option<EnvironmentName>,
    pub promote: Promote,
    #[serde(default)]
    pub approvals: Option<Approvals>,
}

#[derive(Debug, thiserror::Error)]
pub enum EnvironmentError {
    #[error("the host name {host} belongs to environment `{environment}` of app `{app}`")]
    HostTaken { host: HostName, app: AppName, environment: EnvironmentName },
    #[error(transparent)]
    Store(#[from] Error),
}

impl From<EnvironmentError> for CreateAppError {
    fn from(error: EnvironmentError) -> Self {
        match error {
            EnvironmentError::HostTaken { host, app, environment } => {
                Self::HostTaken { host, app, environment }
            }
            EnvironmentError::Store(error) => Self::Store(error),
        }
    }
}

impl Store {
    pub async fn environment(
        &self,
        app: AppId,
        name: EnvironmentName,
    ) -> Result<Environment, Error> {
        self.read(move |connection| {
            find(connection, app, &name)?
                .ok_or_else(|| Error::not_found(format!("environment `{name}` in this app")))
        })
        .await
    }

    pub async fn environment_by_id(&self, id: EnvironmentId) -> Result<Environment, Error> {
        self.read(move |connection| get(connection, id)).await
    }

    /// The app's environments, in the order of its manifest; those that it does not name come last, oldest first.
    pub async fn environments(&self, app: AppId) -> Result<Vec<Environment>, Error> {
        self.read(move |connection| all_of(connection, app)).await
    }

    /// Makes sure that the app has an environment of this name that answers at these hosts, first the one
    /// that the platform gives it. An only environment in which nothing serves yet takes the name, and keeps its config,
    /// instead of staying behind empty.
    pub async fn ensure_environment(
        &self,
        app: AppId,
        name: EnvironmentName,
        hosts: Vec<HostName>,
    ) -> Result<Environment, EnvironmentError> {
        self.write(move |write| {
            let environment = match find(&write.sql, app, &name)? {
                Some(environment) => environment.id,
                None => match unused(&all_of(&write.sql, app)?) {
                    Some(id) => rename(write, id, &name)?,
                    None => {
                        let id = EnvironmentId::generate(write.clock);
                        insert(write, id, app, &name)?;
                        id
                    }
                },
            };
            let had = get(&write.sql, environment)?.hosts;
            for gone in had.iter().filter(|host| !hosts.contains(host)) {
                write
                    .sql
                    .execute("DELETE FROM hosts WHERE host = ?1", [gone.as_str()])
                    .map_err(Error::from)?;
            }
            for new in hosts.iter().filter(|host| !had.contains(host)) {
                claim_host(write, new, environment)?;
            }
            write.touch(Topic::Instances);
            Ok(get(&write.sql, environment)?)
        })
        .await
    }

    /// Takes over what a manifest that has landed says of the app's environments, each with the host name that the platform
    /// gives it. Gives those that cannot be made because another app has that name.
    pub async fn declare_environments(
        &self,
        app: AppId,
        environments: Vec<(EnvironmentName, HostName, DeclaredEnvironment)>,
    ) -> Result<Vec<EnvironmentName>, Error> {
        self.write(move |write| {
            write.sql.execute(
                "UPDATE environments SET declared = NULL WHERE app_id = ?1",
                [app.to_string()],
            )?;
            let mut left_out = Vec::new();
            for (name, host, declared) in environments.clone() {
                let id = match find(&write.sql, app, &name)? {
                    Some(environment) => environment.id,
                    None if is_taken(&write.sql, &host)? => {
                        left_out.push(name);
                        continue;
                    }
                    None => {
                        let id = EnvironmentId::generate(write.clock);
                        insert(write, id, app, &name)?;
                        write.sql.execute(
                            "INSERT INTO hosts (host, environment_id) VALUES (?1, ?2)",
                            params![host.as_str(), id.to_string()],
                        )?;
                        id
                    }
                };
                write.sql.execute(
                    "UPDATE environments SET declared = ?2 WHERE id = ?1",
                    params![id.to_string(), to_json(&declared)],
                )?;
            }
            Ok(left_out)
        })
        .await
    }

    /// The environments in which something was deployed.
    pub async fn serving_environments(&self) -> Result<Vec<EnvironmentId>, Error> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT environments.id FROM environments JOIN apps ON apps.id = app_id
                 WHERE current_deployment IS NOT NULL AND apps.state = 'ready'",
            )?;
            let ids =
                statement.query_map([], |row| row::text(row, "id"))?.collect::<Result<_, _>>()?;
            Ok(ids)
        })
        .await
    }

    /// Makes a revision that was there before the environment's present one again, after a rollback to it.
    pub async fn restore_config(
        &self,
        environment: EnvironmentId,
        revision: Option<ConfigRevisionId>,
    ) -> Result<(), Error> {
        self.write(move |write| {
            write.sql.execute(
                "UPDATE environments SET config_revision = ?2 WHERE id = ?1",
                params![environment.to_string(), revision.map(|revision| revision.to_string())],
            )?;
            Ok(())
        })
        .await
    }

    /// Sets how many instances of these processes run; other processes keep what they had.
    pub async fn scale(
        &self,
        environment: EnvironmentId,
        counts: BTreeMap<ProcessType, u32>,
        actor: Actor,
    ) -> Result<Environment, Error> {
        self.write(move |write| {
            let mut found = get(&write.sql, environment)?;
            found.scale.extend(counts.clone());
            write.sql.execute(
                "UPDATE environments SET scale = ?2 WHERE id = ?1",
                params![environment.to_string(), to_json(&found.scale)],
            )?;
            setbacks::forgive(write, environment)?;
            let event = NewEvent::new("environment.scaled", &actor).environment(&found);
            write.event(&event.detail(json!({ "counts": counts })))?;
            write.touch(Topic::Instances);
            Ok(found)
        })
        .await
    }
}

pub(crate) fn insert(
    write: &Write<'_>,
    id: EnvironmentId,
    app: AppId,
    name: &EnvironmentName,
) -> Result<(), Error> {
    write.sql.execute(
        "INSERT INTO environments (id, app_id, name, created_at) VALUES (?1, ?2, ?3, ?4)",
        params![id.to_string(), app.to_string(), name.as_str(), write.now.as_microsecond()],
    )?;
    Ok(())
}

/// Gives a host name to an environment, unless another one has it.
pub(crate) fn claim_host(
    write: &Write<'_>,
    host: &HostName,
    environment: EnvironmentId,
) -> Result<(), EnvironmentError> {
    let inserted = write
        .sql
        .execute(
            "INSERT INTO hosts (host, environment_id) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            params![host.as_str(), environment.to_string()],
        )
        .map_err(Error::from)?;
    if inserted == 1 {
        return Ok(());
    }
    let owner: String = write
        .sql
        .query_row("SELECT environment_id FROM hosts WHERE host = ?1", [host.as_str()], |row| {
            row.get(0)
        })
        .map_err(Error::from)?;
    let owner = owner.parse().map_err(|_| Error::Corrupt { what: "hosts".to_owned() })?;
    let owner = get(&write.sql, owner)?;
    Err(EnvironmentError::HostTaken { host: host.clone(), app: owner.app, environment: owner.name })
}

fn is_taken(connection: &Connection, host: &HostName) -> Result<bool, Error> {
    let mut statement = connection.prepare_cached("SELECT 1 FROM hosts WHERE host = ?1")?;
    Ok(statement.exists([host.as_str()])?)
}

fn rename(
    write: &Write<'_>,
    id: EnvironmentId,
    name: &EnvironmentName,
) -> Result<EnvironmentId, Error> {
    write.sql.execute(
        "UPDATE environments SET name = ?2 WHERE id = ?1",
        params![id.to_string(), name.as_str()],
    )?;
    Ok(id)
}

/// The only environment, if nothing serves in it.
fn unused(environments: &[Environment]) -> Option<EnvironmentId> {
    let [only] = environments else { return None };
    only.current.is_none().then_some(only.id)
}

fn all_of(connection: &Connection, app: AppId) -> Result<Vec<Environment>, Error> {
    let mut statement =
        connection.prepare_cached("SELECT id FROM environments WHERE app_id = ?1 ORDER BY id")?;
    let ids = statement
        .query_map([app.to_string()], |row| row::text(row, "id"))?
        .collect::<Result<Vec<_>, _>>()?;
    let environments = ids.into_iter().map(|id| get(connection, id));
    let mut environments = environments.collect::<Result<Vec<_>, _>>()?;
    let position = |it: &Environment| it.declared.as_ref().map_or(u32::MAX, |it| it.position);
    environments.sort_by_key(position);
    Ok(environments)
}

fn find(
    connection: &Connection,
    app: AppId,
    name: &EnvironmentName,
) -> Result<Option<Environment>, Error> {
    let mut statement =
        connection.prepare_cached("SELECT id FROM environments WHERE app_id = ?1 AND name = ?2")?;
    let id = statement
        .query_row(params![app.to_string(), name.as_str()], |row| row::text(row, "id"))
        .optional()?;
    id.map(|id| get(connection, id)).transpose()
}

pub(crate) fn get(connection: &Connection, id: EnvironmentId) -> Result<Environment, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT environments.*, apps.name AS app_name FROM environments
         JOIN apps ON apps.id = app_id WHERE environments.id = ?1",
    )?;
    let mut environment = statement
        .query_row([id.to_string()], read)
        .optional()?
        .ok_or_else(|| Error::not_found(format!("environment {id}")))?;
    let mut statement = connection
        .prepare_cached("SELECT host FROM hosts WHERE environment_id = ?1 ORDER BY rowid")?;
    environment.hosts = statement
        .query_map([id.to_string()], |row| row::text(row, "host"))?
        .collect::<Result<_, _>>()?;
    Ok(environment)
}

/// All but the hosts, which stand in a table of their own.
fn read(row: &Row<'_>) -> row::Result<Environment> {
    Ok(Environment {
        id: row::text(row, "id")?,
        app_id: row::text(row, "app_id")?,
        app: row::text(row, "app_name")?,
        name: row::text(row, "name")?,
        scale: row::json(row, "scale")?,
        current: row::optional_text(row, "current_deployment")?,
        config_revision: row::optional_text(row, "config_revision")?,
        hosts: Vec::new(),
        declared: row::optional_json(row, "declared")?,
        created_at: row::time(row, "created_at")?,
    })
}
