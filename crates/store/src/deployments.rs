mod history;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde_json::json;
use types::{
    Actor, ConfigRevisionId, DeploymentId, DeploymentState, EnvironmentId, FailedPhase,
    InstanceState, ReleaseId, RunId, Transition as _,
};

use crate::events::NewEvent;
use crate::row::{self, to_json};
use crate::writer::Write;
use crate::{Error, Store, Topic, environments, instances};

/// A (release, config revision) on its way into an environment, or what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    pub id: DeploymentId,
    pub environment: EnvironmentId,
    pub release: ReleaseId,
    pub config_revision: Option<ConfigRevisionId>,
    pub run: RunId,
    pub step: String,
    /// Why it is made, for people: `push of 1a2b3c4`, `rollback to v3`.
    pub reason: String,
    /// Whether it goes back to a pair that was deployed before.
    pub rolls_back: bool,
    pub state: DeploymentState,
    pub previous: Option<DeploymentId>,
    pub failed_phase: Option<FailedPhase>,
    pub error: Option<String>,
    pub created_at: Timestamp,
    pub created_by: Actor,
    pub finished_at: Option<Timestamp>,
}

#[derive(Debug, Clone)]
pub struct NewDeployment {
    pub environment: EnvironmentId,
    pub release: ReleaseId,
    pub config_revision: Option<ConfigRevisionId>,
    pub run: RunId,
    pub step: String,
    pub reason: String,
    pub rolls_back: bool,
    pub actor: Actor,
}

/// When a deployment entered a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Phase {
    pub state: DeploymentState,
    pub entered_at: Timestamp,
}

/// How a deployment failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeploymentError {
    pub phase: FailedPhase,
    pub message: String,
}

impl Store {
    /// Asks for a deployment; asked again for the same run and step, finds it.
    pub async fn ensure_deployment(&self, new: NewDeployment) -> Result<Deployment, Error> {
        self.write(move |write| match of_step(&write.sql, new.run, &new.step)? {
            Some(deployment) => Ok(deployment),
            None => insert(write, new),
        })
        .await
    }

    /// What the step of a run has asked for, if it has.
    pub async fn deployment_of_step(
        &self,
        run: RunId,
        step: String,
    ) -> Result<Option<Deployment>, Error> {
        self.read(move |connection| of_step(connection, run, &step)).await
    }

    pub async fn deployment(&self, id: DeploymentId) -> Result<Deployment, Error> {
        self.read(move |connection| get(connection, id)).await
    }

    /// The environment's deployments, newest first, those older than `before` only.
    pub async fn deployments(
        &self,
        environment: EnvironmentId,
        before: Option<DeploymentId>,
        limit: u32,
    ) -> Result<Vec<Deployment>, Error> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT * FROM deployments WHERE environment_id = ?1 AND (?2 IS NULL OR id < ?2)
                 ORDER BY id DESC LIMIT ?3",
            )?;
            let before = before.map(|before| before.to_string());
            let deployments = statement
                .query_map(params![environment.to_string(), before, limit], read)?
                .collect::<Result<_, _>>()?;
            Ok(deployments)
        })
        .await
    }

    /// Deployments that have not ended, oldest first: per environment, the first is the one whose turn it is.
    pub async fn unfinished_deployments(&self) -> Result<Vec<Deployment>, Error> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT * FROM deployments
                 WHERE state NOT IN ('succeeded', 'failed', 'cancelled') ORDER BY id",
            )?;
            let deployments = statement.query_map([], read)?.collect::<Result<_, _>>()?;
            Ok(deployments)
        })
        .await
    }

    /// The states that the deployment has been in, oldest first.
    pub async fn deployment_phases(&self, id: DeploymentId) -> Result<Vec<Phase>, Error> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT state, entered_at FROM deployment_phases
                 WHERE deployment_id = ?1 ORDER BY entered_at",
            )?;
            let phases = statement
                .query_map([id.to_string()], |row| {
                    Ok(Phase {
                        state: row::text(row, "state")?,
                        entered_at: row::time(row, "entered_at")?,
                    })
                })?
                .collect::<Result<_, _>>()?;
            Ok(phases)
        })
        .await
    }

    /// Moves a deployment along one arrow that changes nothing else. `hold` says whether the router is to
    /// hold the environment's requests from now on.
    pub async fn advance_deployment(
        &self,
        id: DeploymentId,
        to: DeploymentState,
        hold: bool,
    ) -> Result<Deployment, Error> {
        self.write(move |write| {
            let deployment = get(&write.sql, id)?;
            set_hold(write, deployment.environment, hold)?;
            set_state(write, &deployment, to)
        })
        .await
    }

    /// Ends a deployment whose turn has not come. What is under way in its environment is left alone.
    pub async fn cancel_queued_deployment(&self, id: DeploymentId) -> Result<Deployment, Error> {
        self.write(move |write| set_state(write, &get(&write.sql, id)?, DeploymentState::Cancelled))
            .await
    }

    /// Takes what serves now out of service before its successor starts.
    pub async fn stop_predecessors(
        &self,
        id: DeploymentId,
        drain: std::time::Duration,
    ) -> Result<Deployment, Error> {
        self.write(move |write| {
            let deployment = get(&write.sql, id)?;
            set_hold(write, deployment.environment, true)?;
            let drain = SignedDuration::try_from(drain).unwrap_or(SignedDuration::ZERO);
            retire_others(write, &deployment, drain)?;
            set_state(write, &deployment, DeploymentState::Stopping)
        })
        .await
    }

    /// The moment of truth: the deployment's healthy instances serve, the ones before them drain, and it is what
    /// the environment runs. The router is told next.
    pub async fn switch_to_deployment(
        &self,
        id: DeploymentId,
        drain: std::time::Duration,
    ) -> Result<Deployment, Error> {
        self.write(move |write| {
            let deployment = get(&write.sql, id)?;
            instances::set_state_of_deployment(
                write,
                id,
                InstanceState::Starting,
                InstanceState::Serving,
            )?;
            let drain = SignedDuration::try_from(drain).unwrap_or(SignedDuration::ZERO);
            retire_others(write, &deployment, drain)?;
            set_hold(write, deployment.environment, false)?;
            write.sql.execute(
                "UPDATE environments SET current_deployment = ?2 WHERE id = ?1",
                params![deployment.environment.to_string(), id.to_string()],
            )?;
            set_state(write, &deployment, DeploymentState::Switching)
        })
        .await
    }

    /// Gives a deployment up: what was started for it is to be stopped.
    pub async fn abort_deployment(
        &self,
        id: DeploymentId,
        error: Option<DeploymentError>,
    ) -> Result<Deployment, Error> {
        self.write(move |write| {
            let deployment = get(&write.sql, id)?;
            for state in [InstanceState::Starting, InstanceState::Serving] {
                instances::set_state_of_deployment(write, id, state, InstanceState::Stopping)?;
            }
            set_hold(write, deployment.environment, false)?;
            if let Some(error) = error {
                write.sql.execute(
                    "UPDATE deployments SET failed_phase = ?2, error = ?3 WHERE id = ?1",
                    params![id.to_string(), error.phase.as_str(), error.message],
                )?;
            }
            set_state(write, &get(&write.sql, id)?, DeploymentState::Aborting)
        })
        .await
    }
}

fn of_step(connection: &Connection, run: RunId, step: &str) -> Result<Option<Deployment>, Error> {
    let mut statement =
        connection.prepare_cached("SELECT * FROM deployments WHERE run_id = ?1 AND step = ?2")?;
    Ok(statement.query_row(params![run.to_string(), step], read).optional()?)
}

fn insert(write: &Write<'_>, new: NewDeployment) -> Result<Deployment, Error> {
    let environment = environments::get(&write.sql, new.environment)?;
    let id = DeploymentId::generate(write.clock);
    write.sql.execute(
        "INSERT INTO deployments (id, environment_id, release_id, config_revision, run_id, step, reason, state,
                                  previous_deployment, created_at, created_by, rolls_back)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'queued', ?8, ?9, ?10, ?11)",
        params![
            id.to_string(),
            new.environment.to_string(),
            new.release.to_string(),
            new.config_revision.map(|revision| revision.to_string()),
            new.run.to_string(),
            new.step,
            new.reason,
            environment.current.map(|current| current.to_string()),
            write.now.as_microsecond(),
            to_json(&new.actor),
            new.rolls_back,
        ],
    )?;
    enter(write, id, DeploymentState::Queued)?;
    let release = crate::releases::get(&write.sql, new.release)?.label();
    let event =
        NewEvent::new("deployment.created", &new.actor).environment(&environment).subject(id);
    write.event(&event.detail(json!({ "release": release, "reason": new.reason })))?;
    write.touch(Topic::Deployments);
    get(&write.sql, id)
}

fn set_state(
    write: &Write<'_>,
    deployment: &Deployment,
    to: DeploymentState,
) -> Result<Deployment, Error> {
    let to = deployment.state.to(to)?;
    let finished = to.is_terminal().then(|| write.now.as_microsecond());
    write.sql.execute(
        "UPDATE deployments SET state = ?2, finished_at = ?3 WHERE id = ?1",
        params![deployment.id.to_string(), to.as_str(), finished],
    )?;
    enter(write, deployment.id, to)?;
    if to.is_terminal() {
        let environment = environments::get(&write.sql, deployment.environment)?;
        let release = crate::releases::get(&write.sql, deployment.release)?.label();
        let event = NewEvent::new("deployment.finished", &Actor::System)
            .environment(&environment)
            .subject(deployment.id);
        write.event(&event.detail(json!({ "release": release, "state": to.as_str() })))?;
    }
    for topic in [Topic::Deployments, Topic::Instances] {
        write.touch(topic);
    }
    get(&write.sql, deployment.id)
}

fn enter(write: &Write<'_>, id: DeploymentId, state: DeploymentState) -> Result<(), Error> {
    write.sql.execute(
        "INSERT INTO deployment_phases (deployment_id, state, entered_at) VALUES (?1, ?2, ?3)
         ON CONFLICT DO NOTHING",
        params![id.to_string(), state.as_str(), write.now.as_microsecond()],
    )?;
    Ok(())
}

fn set_hold(write: &Write<'_>, environment: EnvironmentId, hold: bool) -> Result<(), Error> {
    write.sql.execute(
        "UPDATE environments SET hold = ?2 WHERE id = ?1 AND hold <> ?2",
        params![environment.to_string(), hold],
    )?;
    Ok(())
}

/// Every instance of the environment's other deployments drains, or stops if it never served.
fn retire_others(
    write: &Write<'_>,
    deployment: &Deployment,
    drain: SignedDuration,
) -> Result<(), Error> {
    let until = write.now.checked_add(drain).unwrap_or(write.now);
    write.sql.execute(
        "UPDATE instances SET state = 'draining', drain_until = ?3
         WHERE state = 'serving' AND deployment_id <> ?2
           AND deployment_id IN (SELECT id FROM deployments WHERE environment_id = ?1)",
        params![
            deployment.environment.to_string(),
            deployment.id.to_string(),
            until.as_microsecond()
        ],
    )?;
    write.sql.execute(
        "UPDATE instances SET state = 'stopping'
         WHERE state = 'starting' AND deployment_id <> ?2
           AND deployment_id IN (SELECT id FROM deployments WHERE environment_id = ?1)",
        params![deployment.environment.to_string(), deployment.id.to_string()],
    )?;
    Ok(())
}

pub(crate) fn get(connection: &Connection, id: DeploymentId) -> Result<Deployment, Error> {
    let mut statement = connection.prepare_cached("SELECT * FROM deployments WHERE id = ?1")?;
    statement
        .query_row([id.to_string()], read)
        .optional()?
        .ok_or_else(|| Error::not_found(format!("deployment {id}")))
}

fn read(row: &Row<'_>) -> row::Result<Deployment> {
    Ok(Deployment {
        id: row::text(row, "id")?,
        environment: row::text(row, "environment_id")?,
        release: row::text(row, "release_id")?,
        config_revision: row::optional_text(row, "config_revision")?,
        run: row::text(row, "run_id")?,
        step: row.get("step")?,
        reason: row.get("reason")?,
        rolls_back: row.get("rolls_back")?,
        state: row::text(row, "state")?,
        previous: row::optional_text(row, "previous_deployment")?,
        failed_phase: row::optional_text(row, "failed_phase")?,
        error: row.get("error")?,
        created_at: row::time(row, "created_at")?,
        created_by: row::json(row, "created_by")?,
        finished_at: row::optional_time(row, "finished_at")?,
    })
}
