//! Places that could not be filled: how often in a row, why, and when it is tried again.
//!
//! Without them an instance that does not come up would be replaced at once, and so for ever.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use types::{DeploymentId, EnvironmentId, InstanceId, InstanceState, ProcessType, Transition as _};

use crate::writer::Write;
use crate::{Error, Instance, Store, Topic, instances, row};

/// How long a place stays empty after the first failure; twice as long after each that follows.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(300);

/// Failures are in a row when the next one comes within this time of the moment at which it was tried again.
const IN_A_ROW: SignedDuration = SignedDuration::from_mins(10);

/// A place of a deployment whose last instance did not stay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setback {
    pub process: ProcessType,
    /// `web.1` is 1.
    pub ordinal: u32,
    /// In a row.
    pub failures: u32,
    /// No instance is started there before.
    pub due_at: Timestamp,
    /// Why, for people.
    pub reason: String,
    /// The last one that failed.
    pub instance: InstanceId,
}

impl Store {
    /// Gives up an instance of a place that is to be filled again: after a while, which grows with each failure in a
    /// row. One that is given up already stays as it is.
    pub async fn instance_failed(&self, id: InstanceId, reason: String) -> Result<(), Error> {
        self.write(move |write| {
            let instance = instances::get(&write.sql, id)?;
            if !matches!(instance.state, InstanceState::Starting | InstanceState::Serving) {
                return Ok(());
            }
            let to = instance.state.to(InstanceState::Stopping)?;
            write.sql.execute(
                "UPDATE instances SET state = ?2 WHERE id = ?1",
                params![id.to_string(), to.as_str()],
            )?;
            record(write, &instance, &reason)?;
            write.touch(Topic::Instances);
            Ok(())
        })
        .await
    }

    /// The deployment's places that are empty after a failure.
    pub async fn setbacks_of(&self, deployment: DeploymentId) -> Result<Vec<Setback>, Error> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT * FROM setbacks WHERE deployment_id = ?1 AND NOT EXISTS (
                     SELECT 1 FROM instances WHERE instances.deployment_id = setbacks.deployment_id
                     AND instances.process = setbacks.process AND instances.ordinal = setbacks.ordinal
                     AND instances.state IN ('starting', 'serving'))
                 ORDER BY process, ordinal",
            )?;
            let setbacks =
                statement.query_map([deployment.to_string()], read)?.collect::<Result<_, _>>()?;
            Ok(setbacks)
        })
        .await
    }

    /// When the next place of what serves anywhere may be filled again, after `now`.
    pub async fn next_comeback(&self, now: Timestamp) -> Result<Option<Timestamp>, Error> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT due_at FROM setbacks
                 JOIN environments ON current_deployment = deployment_id
                 WHERE due_at > ?1 ORDER BY due_at LIMIT 1",
            )?;
            let due =
                statement.query_row([now.as_microsecond()], |found| row::time(found, "due_at"));
            Ok(due.optional()?)
        })
        .await
    }
}

fn record(write: &Write<'_>, instance: &Instance, reason: &str) -> Result<(), Error> {
    let before = find(&write.sql, instance.deployment, &instance.process, instance.ordinal)?;
    let in_a_row = before.filter(|it| write.now.duration_since(it.due_at) <= IN_A_ROW);
    let failures = in_a_row.map_or(0, |it| it.failures).saturating_add(1);
    let due_at =
        write.now.checked_add(SignedDuration::try_from(pause(failures)).unwrap_or_default());
    write.sql.execute(
        "INSERT OR REPLACE INTO setbacks
         (deployment_id, process, ordinal, failures, due_at, reason, instance_id)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            instance.deployment.to_string(),
            instance.process.as_str(),
            instance.ordinal,
            failures,
            due_at.unwrap_or(write.now).as_microsecond(),
            reason,
            instance.id.to_string()
        ],
    )?;
    Ok(())
}

/// How long a place stays empty after so many failures in a row.
fn pause(failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    FIRST.saturating_mul(1 << doublings).min(LONGEST)
}

/// Whether a place may not be filled yet.
pub(crate) fn holds(
    write: &Write<'_>,
    deployment: DeploymentId,
    process: &ProcessType,
    ordinal: u32,
) -> Result<bool, Error> {
    let found = find(&write.sql, deployment, process, ordinal)?;
    Ok(found.is_some_and(|setback| setback.due_at > write.now))
}

/// Lets every place of an environment be filled again: somebody asked for it.
pub(crate) fn forgive(write: &Write<'_>, environment: EnvironmentId) -> Result<(), Error> {
    write.sql.execute(
        "DELETE FROM setbacks WHERE deployment_id IN (
             SELECT id FROM deployments WHERE environment_id = ?1)",
        [environment.to_string()],
    )?;
    Ok(())
}

fn find(
    connection: &Connection,
    deployment: DeploymentId,
    process: &ProcessType,
    ordinal: u32,
) -> Result<Option<Setback>, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT * FROM setbacks WHERE deployment_id = ?1 AND process = ?2 AND ordinal = ?3",
    )?;
    let place = params![deployment.to_string(), process.as_str(), ordinal];
    Ok(statement.query_row(place, read).optional()?)
}

fn read(row: &Row<'_>) -> row::Result<Setback> {
    Ok(Setback {
        process: row::text(row, "process")?,
        ordinal: row.get("ordinal")?,
        failures: row.get("failures")?,
        due_at: row::time(row, "due_at")?,
        reason: row.get("reason")?,
        instance: row::text(row, "instance_id")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_stays_empty_twice_as_long_each_time_up_to_a_bound() {
        let seconds: Vec<u64> = (1..=10).map(|failures| pause(failures).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]);
        assert_eq!(pause(u32::MAX), LONGEST);
    }
}
