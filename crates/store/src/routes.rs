use std::net::SocketAddr;

use rusqlite::Connection;
use types::{AppId, AppName, EnvironmentId, EnvironmentName, HostName, InstanceId};

use crate::{Error, Store, row};

/// What the router has to know of one environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoutedEnvironment {
    pub id: EnvironmentId,
    pub app: AppName,
    pub app_id: AppId,
    /// The unprivileged user that the app's processes run as.
    pub uid: u32,
    pub name: EnvironmentName,
    pub hosts: Vec<HostName>,
    /// Requests wait instead of being sent on.
    pub hold: bool,
    pub instances: Vec<RoutedInstance>,
}

/// A web instance that may get requests: it serves, and is not down.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoutedInstance {
    pub id: InstanceId,
    /// The number of the release that it runs.
    pub release: u64,
    pub address: SocketAddr,
}

impl Store {
    /// Everything that routes are made from, in one consistent view: each environment with its hosts and
    /// the serving web instances of its current deployment.
    pub async fn routing(&self) -> Result<Vec<RoutedEnvironment>, Error> {
        self.read(|connection| {
            let mut environments = environments(connection)?;
            for environment in &mut environments {
                environment.hosts = hosts(connection, environment.id)?;
                environment.instances = instances(connection, environment.id)?;
            }
            Ok(environments)
        })
        .await
    }
}

fn environments(connection: &Connection) -> Result<Vec<RoutedEnvironment>, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT environments.id, apps.name AS app, app_id, uid, environments.name, hold FROM environments
         JOIN apps ON apps.id = app_id WHERE apps.state <> 'deleting' ORDER BY environments.id",
    )?;
    let environments = statement
        .query_map([], |row| {
            Ok(RoutedEnvironment {
                id: row::text(row, "id")?,
                app: row::text(row, "app")?,
                app_id: row::text(row, "app_id")?,
                uid: row.get("uid")?,
                name: row::text(row, "name")?,
                hosts: Vec::new(),
                hold: row.get("hold")?,
                instances: Vec::new(),
            })
        })?
        .collect::<Result<_, _>>()?;
    Ok(environments)
}

fn hosts(connection: &Connection, environment: EnvironmentId) -> Result<Vec<HostName>, Error> {
    let mut statement = connection
        .prepare_cached("SELECT host FROM hosts WHERE environment_id = ?1 ORDER BY rowid")?;
    let hosts = statement
        .query_map([environment.to_string()], |row| row::text(row, "host"))?
        .collect::<Result<_, _>>()?;
    Ok(hosts)
}

fn instances(
    connection: &Connection,
    environment: EnvironmentId,
) -> Result<Vec<RoutedInstance>, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT instances.id, releases.number, instances.address FROM environments
         JOIN deployments ON deployments.id = environments.current_deployment
         JOIN releases ON releases.id = deployments.release_id
         JOIN instances ON instances.deployment_id = deployments.id
         WHERE environments.id = ?1 AND instances.state = 'serving' AND instances.process = 'web'
           AND instances.address IS NOT NULL AND instances.down IS NULL
         ORDER BY instances.ordinal",
    )?;
    let instances = statement
        .query_map([environment.to_string()], |row| {
            Ok(RoutedInstance {
                id: row::text(row, "id")?,
                release: row.get("number")?,
                address: row::text(row, "address")?,
            })
        })?
        .collect::<Result<_, _>>()?;
    Ok(instances)
}
