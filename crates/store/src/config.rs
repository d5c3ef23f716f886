use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde_json::json;
use types::{Actor, ConfigRevisionId, EnvironmentId, VariableName};

use crate::environments;
use crate::events::NewEvent;
use crate::row::{self, to_json};
use crate::writer::Write;
use crate::{Error, Store};

/// One environment's config at one time. Never edited, only followed by another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigRevision {
    pub id: ConfigRevisionId,
    pub environment: EnvironmentId,
    pub number: u64,
    pub variables: BTreeMap<VariableName, String>,
    /// The names that differ from the revision before. Names alone: values stay out of histories.
    pub changed: Vec<VariableName>,
    pub created_at: Timestamp,
    pub created_by: Actor,
}

/// What to do to the config that an environment has now.
#[derive(Debug, Clone, Default)]
pub struct ConfigChange {
    pub set: BTreeMap<VariableName, String>,
    pub unset: Vec<VariableName>,
    /// Set only where the environment has no value of that name yet.
    pub set_missing: BTreeMap<VariableName, String>,
}

impl Store {
    /// Makes a new revision, unless the change changes nothing; then the present one is returned.
    pub async fn revise_config(
        &self,
        environment: EnvironmentId,
        change: ConfigChange,
        actor: Actor,
    ) -> Result<Option<ConfigRevision>, Error> {
        self.write(move |write| {
            let current = environments::get(&write.sql, environment)?.config_revision;
            let current = current.map(|id| get(&write.sql, id)).transpose()?;
            let before = current.as_ref().map(|revision| revision.variables.clone());
            let before = before.unwrap_or_default();
            let after = apply(&before, change);
            let changed = difference(&before, &after);
            if changed.is_empty() {
                return Ok(current);
            }
            insert(write, environment, after, changed, actor).map(Some)
        })
        .await
    }

    pub async fn config_revision(&self, id: ConfigRevisionId) -> Result<ConfigRevision, Error> {
        self.read(move |connection| get(connection, id)).await
    }

    /// The environment's revision with this number.
    pub async fn numbered_config_revision(
        &self,
        environment: EnvironmentId,
        number: u64,
    ) -> Result<ConfigRevision, Error> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT * FROM config_revisions WHERE environment_id = ?1 AND number = ?2",
            )?;
            statement
                .query_row(params![environment.to_string(), number], read)
                .optional()?
                .ok_or_else(|| Error::not_found(format!("config {number} of this environment")))
        })
        .await
    }

    /// The environment's revisions, newest first.
    pub async fn config_revisions(
        &self,
        environment: EnvironmentId,
        limit: u32,
    ) -> Result<Vec<ConfigRevision>, Error> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT * FROM config_revisions WHERE environment_id = ?1 ORDER BY number DESC LIMIT ?2",
            )?;
            let revisions = statement
                .query_map(params![environment.to_string(), limit], read)?
                .collect::<Result<_, _>>()?;
            Ok(revisions)
        })
        .await
    }
}

fn apply(
    before: &BTreeMap<VariableName, String>,
    change: ConfigChange,
) -> BTreeMap<VariableName, String> {
    let mut after = before.clone();
    for name in &change.unset {
        after.remove(name);
    }
    after.extend(change.set);
    for (name, value) in change.set_missing {
        after.entry(name).or_insert(value);
    }
    after
}

fn difference(
    before: &BTreeMap<VariableName, String>,
    after: &BTreeMap<VariableName, String>,
) -> Vec<VariableName> {
    let names = before.keys().chain(after.keys().filter(|name| !before.contains_key(*name)));
    names.filter(|name| before.get(*name) != after.get(*name)).cloned().collect()
}

fn insert(
    write: &Write<'_>,
    environment: EnvironmentId,
    variables: BTreeMap<VariableName, String>,
    changed: Vec<VariableName>,
    actor: Actor,
) -> Result<ConfigRevision, Error> {
    let number: u64 = write.sql.query_row(
        "UPDATE environments SET last_config_revision = last_config_revision + 1
         WHERE id = ?1 RETURNING last_config_revision",
        [environment.to_string()],
        |row| row.get(0),
    )?;
    let revision = ConfigRevision {
        id: ConfigRevisionId::generate(write.clock),
        environment,
        number,
        variables,
        changed,
        created_at: write.now,
        created_by: actor,
    };
    write.sql.execute(
        "INSERT INTO config_revisions (id, environment_id, number, variables, changed, created_at, created_by)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            revision.id.to_string(),
            environment.to_string(),
            revision.number,
            to_json(&revision.variables),
            to_json(&revision.changed),
            revision.created_at.as_microsecond(),
            to_json(&revision.created_by),
        ],
    )?;
    write.sql.execute(
        "UPDATE environments SET config_revision = ?2 WHERE id = ?1",
        params![environment.to_string(), revision.id.to_string()],
    )?;
    let event = NewEvent::new("config.revised", &revision.created_by)
        .environment(&environments::get(&write.sql, environment)?);
    write.event(&event.detail(json!({ "revision": number, "changed": revision.changed })))?;
    Ok(revision)
}

pub(crate) fn get(connection: &Connection, id: ConfigRevisionId) -> Result<ConfigRevision, Error> {
    let mut statement =
        connection.prepare_cached("SELECT * FROM config_revisions WHERE id = ?1")?;
    statement
        .query_row([id.to_string()], read)
        .optional()?
        .ok_or_else(|| Error::not_found(format!("config revision {id}")))
}

fn read(row: &Row<'_>) -> row::Result<ConfigRevision> {
    Ok(ConfigRevision {
        id: row::text(row, "id")?,
        environment: row::text(row, "environment_id")?,
        number: row.get("number")?,
        variables: row::json(row, "variables")?,
        changed: row::json(row, "changed")?,
        created_at: row::time(row, "created_at")?,
        created_by: row::json(row, "created_by")?,
    })
}
