use std::net::SocketAddr;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use types::{
    AppId, DeploymentId, EnvironmentId, InstanceId, InstanceState, ProcessType, Transition as _,
};

use crate::row;
use crate::writer::Write;
use crate::{Error, Store, Topic, setbacks};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    pub id: InstanceId,
    pub deployment: DeploymentId,
    pub process: ProcessType,
    /// `web.1` is 1.
    pub ordinal: u32,
    pub state: InstanceState,
    /// Where it listens; known once it was started.
    pub address: Option<SocketAddr>,
    /// Set while it drains.
    pub drain_until: Option<Timestamp>,
    /// Why it gets no requests for now although it is meant to serve.
    pub down: Option<String>,
    pub created_at: Timestamp,
}

/// An instance with what it belongs to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstanceOwner {
    pub instance: Instance,
    pub environment: EnvironmentId,
    pub app: AppId,
}

impl Store {
    /// Makes sure that the deployment has instances of `process` with the ordinals 1 to `count`, and returns those,
    /// first to last; ordinals above are left alone, and so are those whose last instance failed until they are due.
    pub async fn ensure_instances(
        &self,
        deployment: DeploymentId,
        process: ProcessType,
        count: u32,
    ) -> Result<Vec<Instance>, Error> {
        self.write(move |write| {
            let mut instances = Vec::new();
            for ordinal in 1..=count {
                let known = live(&write.sql, deployment, &process, ordinal)?;
                if let Some(instance) = known {
                    instances.push(instance);
                } else if !setbacks::holds(write, deployment, &process, ordinal)? {
                    instances.push(insert(write, deployment, &process, ordinal)?);
                }
            }
            Ok(instances)
        })
        .await
    }

    /// The deployment's one instance of a process that runs once, in whatever state it is; made if it never was.
    pub async fn ensure_one_off(
        &self,
        deployment: DeploymentId,
        process: ProcessType,
    ) -> Result<Instance, Error> {
        self.write(move |write| {
            let known = write
                .sql
                .query_row(
                    "SELECT * FROM instances WHERE deployment_id = ?1 AND process = ?2",
                    params![deployment.to_string(), process.as_str()],
                    read,
                )
                .optional()?;
            match known {
                Some(instance) => Ok(instance),
                None => insert(write, deployment, &process, 1),
            }
        })
        .await
    }

    /// The instances of a deployment that are not stopped, in order.
    pub async fn instances_of(&self, deployment: DeploymentId) -> Result<Vec<Instance>, Error> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT * FROM instances WHERE deployment_id = ?1 AND state <> 'stopped'
                 ORDER BY process, ordinal",
            )?;
            let instances =
                statement.query_map([deployment.to_string()], read)?.collect::<Result<_, _>>()?;
            Ok(instances)
        })
        .await
    }

    /// Every instance of the environment that is not stopped, oldest deployment first.
    pub async fn instances_in(&self, environment: EnvironmentId) -> Result<Vec<Instance>, Error> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT instances.* FROM instances JOIN deployments ON deployments.id = deployment_id
                 WHERE environment_id = ?1 AND instances.state <> 'stopped'
                 ORDER BY deployment_id, process, ordinal",
            )?;
            let instances = statement
                .query_map([environment.to_string()], read)?
                .collect::<Result<_, _>>()?;
            Ok(instances)
        })
        .await
    }

    /// Every instance that is not stopped.
    pub async fn live_instances(&self) -> Result<Vec<InstanceOwner>, Error> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT instances.*, environment_id, app_id FROM instances
                 JOIN deployments ON deployments.id = deployment_id
                 JOIN environments ON environments.id = environment_id
                 WHERE instances.state <> 'stopped' ORDER BY instances.id",
            )?;
            let owners = statement
                .query_map([], |row| {
                    Ok(InstanceOwner {
                        instance: read(row)?,
                        environment: row::text(row, "environment_id")?,
                        app: row::text(row, "app_id")?,
                    })
                })?
                .collect::<Result<_, _>>()?;
            Ok(owners)
        })
        .await
    }

    /// The last stopped instances of an environment, newest first: those whose logs are kept.
    pub async fn stopped_instances(
        &self,
        environment: EnvironmentId,
        limit: u32,
    ) -> Result<Vec<Instance>, Error> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT instances.* FROM instances JOIN deployments ON deployments.id = deployment_id
                 WHERE environment_id = ?1 AND instances.state = 'stopped'
                 ORDER BY instances.id DESC LIMIT ?2",
            )?;
            let instances = statement
                .query_map(params![environment.to_string(), limit], read)?
                .collect::<Result<_, _>>()?;
            Ok(instances)
        })
        .await
    }

    /// The instance, stopped or not; `None` if it was never recorded or its app is gone.
    pub async fn find_instance(&self, id: InstanceId) -> Result<Option<Instance>, Error> {
        self.read(move |connection| find(connection, id)).await
    }

    pub async fn set_instance_address(
        &self,
        id: InstanceId,
        address: Option<SocketAddr>,
    ) -> Result<(), Error> {
        self.write(move |write| {
            write.sql.execute(
                "UPDATE instances SET address = ?2 WHERE id = ?1",
                params![id.to_string(), address.map(|address| address.to_string())],
            )?;
            write.touch(Topic::Instances);
            Ok(())
        })
        .await
    }

    /// Takes an instance that serves out of the routing table, and says why. Any other is left alone.
    pub async fn set_instance_down(&self, id: InstanceId, why: String) -> Result<(), Error> {
        self.write(move |write| {
            write.sql.execute(
                "UPDATE instances SET down = ?2 WHERE id = ?1 AND state = 'serving'",
                params![id.to_string(), why],
            )?;
            write.touch(Topic::Instances);
            Ok(())
        })
        .await
    }

    /// Takes an instance that serves back into the routing table, with the address at which it answered. Any other is
    /// left alone.
    pub async fn set_instance_up(
        &self,
        id: InstanceId,
        address: Option<SocketAddr>,
    ) -> Result<(), Error> {
        self.write(move |write| {
            write.sql.execute(
                "UPDATE instances SET down = NULL, address = ?2 WHERE id = ?1 AND state = 'serving'",
                params![id.to_string(), address.map(|address| address.to_string())],
            )?;
            write.touch(Topic::Instances);
            Ok(())
        })
        .await
    }

    /// Forgets stopped instances but for the last `keep` of each environment. Those of deployments that have not ended stay,
    /// so that a command that ran is not run again, and so do those that a setback names.
    pub async fn forget_stopped_instances(&self, keep: u32) -> Result<usize, Error> {
        self.write(move |write| {
            write.sql.execute(
                "DELETE FROM setbacks WHERE deployment_id NOT IN (
                     SELECT current_deployment FROM environments WHERE current_deployment IS NOT NULL)",
                [],
            )?;
            let forgotten = write.sql.execute(
                "DELETE FROM instances WHERE id IN (
                     SELECT id FROM (
                         SELECT instances.id, deployments.state AS of_deployment,
                             row_number() OVER (PARTITION BY environment_id ORDER BY instances.id DESC) AS place
                         FROM instances JOIN deployments ON deployments.id = deployment_id
                         WHERE instances.state = 'stopped')
                     WHERE place > ?1 AND of_deployment IN ('succeeded', 'failed', 'cancelled'))
                 AND id NOT IN (SELECT instance_id FROM setbacks)",
                [keep],
            )?;
            Ok(forgotten)
        })
        .await
    }

    /// Moves an instance along one arrow. An instance that is there already stays as it is.
    pub async fn set_instance_state(
        &self,
        id: InstanceId,
        to: InstanceState,
    ) -> Result<Instance, Error> {
        self.write(move |write| {
            let instance = get(&write.sql, id)?;
            if instance.state == to {
                return Ok(instance);
            }
            let to = instance.state.to(to)?;
            write.sql.execute(
                "UPDATE instances SET state = ?2 WHERE id = ?1",
                params![id.to_string(), to.as_str()],
            )?;
            write.touch(Topic::Instances);
            get(&write.sql, id)
        })
        .await
    }

    /// Takes a serving instance out of the routing table; it is stopped when its requests have ended or
    /// `drain` is over.
    pub async fn drain_instance(
        &self,
        id: InstanceId,
        drain: std::time::Duration,
    ) -> Result<(), Error> {
        self.write(move |write| {
            let instance = get(&write.sql, id)?;
            instance.state.to(InstanceState::Draining)?;
            let drain = SignedDuration::try_from(drain).unwrap_or(SignedDuration::ZERO);
            let until = write.now.checked_add(drain).unwrap_or(write.now);
            write.sql.execute(
                "UPDATE instances SET state = 'draining', drain_until = ?2 WHERE id = ?1",
                params![id.to_string(), until.as_microsecond()],
            )?;
            write.touch(Topic::Instances);
            Ok(())
        })
        .await
    }
}

pub(crate) fn set_state_of_deployment(
    write: &Write<'_>,
    deployment: DeploymentId,
    from: InstanceState,
    to: InstanceState,
) -> Result<(), Error> {
    let to = from.to(to)?;
    write.sql.execute(
        "UPDATE instances SET state = ?3 WHERE deployment_id = ?1 AND state = ?2",
        params![deployment.to_string(), from.as_str(), to.as_str()],
    )?;
    write.touch(Topic::Instances);
    Ok(())
}

fn insert(
    write: &Write<'_>,
    deployment: DeploymentId,
    process: &ProcessType,
    ordinal: u32,
) -> Result<Instance, Error> {
    let id = InstanceId::generate(write.clock);
    write.sql.execute(
        "INSERT INTO instances (id, deployment_id, process, ordinal, state, created_at)
         VALUES (?1, ?2, ?3, ?4, 'starting', ?5)",
        params![
            id.to_string(),
            deployment.to_string(),
            process.as_str(),
            ordinal,
            write.now.as_microsecond()
        ],
    )?;
    write.touch(Topic::Instances);
    get(&write.sql, id)
}

/// The instance with this place that is starting or serving.
fn live(
    connection: &Connection,
    deployment: DeploymentId,
    process: &ProcessType,
    ordinal: u32,
) -> Result<Option<Instance>, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT * FROM instances WHERE deployment_id = ?1 AND process = ?2 AND ordinal = ?3
           AND state IN ('starting', 'serving')",
    )?;
    Ok(statement
        .query_row(params![deployment.to_string(), process.as_str(), ordinal], read)
        .optional()?)
}

fn find(connection: &Connection, id: InstanceId) -> Result<Option<Instance>, Error> {
    let mut statement = connection.prepare_cached("SELECT * FROM instances WHERE id = ?1")?;
    Ok(statement.query_row([id.to_string()], read).optional()?)
}

pub(crate) fn get(connection: &Connection, id: InstanceId) -> Result<Instance, Error> {
    find(connection, id)?.ok_or_else(|| Error::not_found(format!("instance {id}")))
}

pub(crate) fn read(row: &Row<'_>) -> row::Result<Instance> {
    Ok(Instance {
        id: row::text(row, "id")?,
        deployment: row::text(row, "deployment_id")?,
        process: row::text(row, "process")?,
        ordinal: row.get("ordinal")?,
        state: row::text(row, "state")?,
        address: row::optional_text(row, "address")?,
        drain_until: row::optional_time(row, "drain_until")?,
        down: row.get("down")?,
        created_at: row::time(row, "created_at")?,
    })
}
