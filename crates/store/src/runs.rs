use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde_json::json;
use types::{Actor, AppId, AppName, ChangeId, CommitId, RunId, RunStatus};
use workflow::language::Definition;
use workflow::{Record, RunContext, State, title};

use crate::apps::get_app;
use crate::events::NewEvent;
use crate::row::{self, to_json};
use crate::transitions::journal as journal_record;
use crate::writer::Write;
use crate::{Error, Store, Topic};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Run {
    pub id: RunId,
    pub app_id: AppId,
    pub app: AppName,
    pub workflow: String,
    pub status: RunStatus,
    pub queue: Option<String>,
    pub attempt: u32,
    pub retry_of: Option<RunId>,
    pub commit: Option<CommitId>,
    /// What it is about, for people: a commit's subject, `roll back to v3`.
    pub title: String,
    pub created_at: Timestamp,
    pub created_by: Actor,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
}

#[derive(Debug, Clone)]
pub struct NewRun {
    pub id: RunId,
    pub app: AppId,
    pub definition: Definition,
    pub context: RunContext,
    /// What it need not do again of the run that it tries again, as [`workflow::carried_over`] says.
    pub carried_over: Vec<Record>,
    /// From 1, over all runs that try the same one again.
    pub attempt: u32,
    /// The run that it tries again; no run is tried again twice ([`Error::Retried`]).
    pub retry_of: Option<RunId>,
    /// Runs of one queue start one after the other, and those of one change side by side. Without a queue, a run starts at
    /// once.
    pub queue: Option<String>,
    pub commit: Option<CommitId>,
    /// Unless the definition's `run-name` gives one.
    pub title: String,
    pub actor: Actor,
}

#[derive(Debug, Clone, PartialEq)]
pub struct JournalEntry {
    pub seq: u64,
    pub at: Timestamp,
    pub record: Record,
}

/// An unstarted run whose turn it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueueHead {
    pub run: RunId,
    pub app: AppId,
}

impl Store {
    /// Records a run. It stands in its queue until it is given [`workflow::Input::Start`].
    pub async fn create_run(&self, new: NewRun) -> Result<Run, Error> {
        self.write(move |write| insert(write, &new, None)).await
    }

    pub async fn run(&self, id: RunId) -> Result<Run, Error> {
        self.read(move |connection| get(connection, id)).await
    }

    /// Newest first, those older than `before` only.
    pub async fn runs(
        &self,
        app: Option<AppId>,
        before: Option<RunId>,
        limit: u32,
    ) -> Result<Vec<Run>, Error> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(&format!(
                "{SELECT} WHERE (?1 IS NULL OR runs.app_id = ?1) AND (?2 IS NULL OR runs.id < ?2)
                 ORDER BY runs.id DESC LIMIT ?3"
            ))?;
            let app = app.map(|app| app.to_string());
            let before = before.map(|before| before.to_string());
            let runs = statement
                .query_map(params![app, before, limit], read)?
                .collect::<Result<_, _>>()?;
            Ok(runs)
        })
        .await
    }

    /// The app's runs that have not ended, oldest first.
    pub async fn unfinished_runs(&self, app: Option<AppId>) -> Result<Vec<Run>, Error> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(&format!(
                "{SELECT} WHERE runs.status IN ('queued', 'running', 'waiting')
                 AND (?1 IS NULL OR runs.app_id = ?1) ORDER BY runs.id"
            ))?;
            let runs = statement
                .query_map([app.map(|app| app.to_string())], read)?
                .collect::<Result<_, _>>()?;
            Ok(runs)
        })
        .await
    }

    /// The run that stands directly before this one in its queue, is not of the same change, and has not ended.
    pub async fn run_ahead_of(&self, id: RunId) -> Result<Option<Run>, Error> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(&format!(
                "{SELECT} WHERE runs.queue = (SELECT queue FROM runs WHERE id = ?1)
                 AND runs.status IN ('queued', 'running', 'waiting') AND runs.id < ?1
                 AND NOT (runs.status = 'waiting' AND EXISTS (
                     SELECT 1 FROM changes WHERE changes.id = runs.change_id AND changes.state = 'landed'))
                 AND (runs.change_id IS NULL
                      OR runs.change_id IS NOT (SELECT change_id FROM runs WHERE id = ?1))
                 ORDER BY runs.id DESC LIMIT 1"
            ))?;
            Ok(statement.query_row([id.to_string()], read).optional()?)
        })
        .await
    }

    /// Every run whose turn it is: it is queued, nothing else of its queue is under way or before it, other runs of its change
    /// apart, and no change before its own on the same branch is still to land. A run that waits for people, and whose change
    /// has landed, holds nobody up.
    pub async fn queue_heads(&self) -> Result<Vec<QueueHead>, Error> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(HEADS)?;
            let heads = statement
                .query_map([], |row| {
                    Ok(QueueHead { run: row::text(row, "id")?, app: row::text(row, "app_id")? })
                })?
                .collect::<Result<_, _>>()?;
            Ok(heads)
        })
        .await
    }

    /// What the run's journal adds up to.
    pub async fn run_state(&self, id: RunId) -> Result<State, Error> {
        self.read(move |connection| load_state(connection, id)).await
    }

    /// The run's journal from record `from` (the first is 1).
    pub async fn journal(&self, id: RunId, from: u64) -> Result<Vec<JournalEntry>, Error> {
        self.read(move |connection| journal(connection, id, from)).await
    }
}

/// The longest title that a workflow can give its runs, in characters.
const MAX_TITLE: usize = 500;

/// From one queue to the next by the index of what has not ended, and in each of them only to its first run and those of
/// the same change: the cost is that of the queues, not of what waits in them. `CROSS JOIN` fixes the order.
const HEADS: &str = "
    WITH RECURSIVE queues (queue) AS (
        SELECT min(queue) FROM runs WHERE status IN ('queued', 'running', 'waiting')
        UNION ALL
        SELECT (SELECT min(runs.queue) FROM runs
                WHERE status IN ('queued', 'running', 'waiting') AND runs.queue > queues.queue)
        FROM queues WHERE queue IS NOT NULL),
    firsts (id) AS (
        SELECT (SELECT runs.id FROM runs
                WHERE runs.queue = queues.queue AND status IN ('queued', 'running', 'waiting')
                  AND status = 'queued'
                ORDER BY runs.id LIMIT 1)
        FROM queues WHERE queue IS NOT NULL),
    candidates (id) AS (
        SELECT id FROM firsts
        UNION
        SELECT runs.id FROM firsts
            JOIN runs AS first ON first.id = firsts.id
            JOIN runs ON runs.change_id = first.change_id AND runs.queue = first.queue
        UNION ALL
        SELECT id FROM runs WHERE queue IS NULL AND status IN ('queued', 'running', 'waiting'))
    SELECT runs.id, runs.app_id FROM candidates CROSS JOIN runs ON runs.id = candidates.id
    WHERE runs.status = 'queued'
    AND NOT EXISTS (
        SELECT 1 FROM runs AS other
        WHERE other.queue = runs.queue AND other.status IN ('running', 'waiting')
          AND (other.change_id IS NULL OR other.change_id IS NOT runs.change_id)
          AND NOT (other.status = 'waiting' AND EXISTS (
              SELECT 1 FROM changes WHERE changes.id = other.change_id AND changes.state = 'landed')))
    AND NOT EXISTS (
        SELECT 1 FROM runs AS other
        WHERE other.queue = runs.queue AND other.id < runs.id
          AND other.status IN ('queued', 'running', 'waiting') AND other.status = 'queued'
          AND (other.change_id IS NULL OR other.change_id IS NOT runs.change_id))
    AND NOT EXISTS (
        SELECT 1 FROM changes JOIN changes AS older
            ON older.app_id = changes.app_id AND older.branch = changes.branch
               AND older.number < changes.number
        WHERE changes.id = runs.change_id AND older.state IN ('queued', 'active'))
    ORDER BY runs.id";

const SELECT: &str =
    "SELECT runs.*, apps.name AS app_name FROM runs JOIN apps ON apps.id = runs.app_id";

pub(crate) fn insert(
    write: &Write<'_>,
    new: &NewRun,
    change: Option<ChangeId>,
) -> Result<Run, Error> {
    if let Some(first) = new.retry_of
        && let Some(by) = retry_of(write, new.app, first)?
    {
        return Err(Error::Retried { by });
    }
    let digest = new.definition.digest();
    write.sql.execute(
        "INSERT OR IGNORE INTO definitions (digest, definition) VALUES (?1, ?2)",
        params![digest.as_str(), to_json(&new.definition)],
    )?;
    let context = numbered(write, new)?;
    write.sql.execute(
        "INSERT INTO runs (id, app_id, workflow, definition_digest, context, attempt, retry_of, status, queue, commit_id, title, created_at, created_by, change_id)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'queued', ?8, ?9, ?10, ?11, ?12, ?13)",
        params![
            new.id.to_string(),
            new.app.to_string(),
            new.definition.name,
            digest.as_str(),
            to_json(&context),
            new.attempt,
            new.retry_of.map(|run| run.to_string()),
            new.queue,
            new.commit.as_ref().map(CommitId::as_str),
            titled(new, context),
            write.now.as_microsecond(),
            to_json(&new.actor),
            change.map(|change| change.to_string()),
        ],
    )?;
    for (seq, record) in (1..).zip(&new.carried_over) {
        journal_record(write, new.id, seq, record)?;
    }
    let app = get_app(&write.sql, new.app)?;
    let event = NewEvent::new("run.created", &new.actor).app(&app.name).subject(new.id);
    write.event(&event.detail(json!({ "workflow": new.definition.name, "commit": new.commit })))?;
    write.touch(Topic::Runs);
    get(&write.sql, new.id)
}

/// What tries the run again, if anything does.
fn retry_of(write: &Write<'_>, app: AppId, run: RunId) -> Result<Option<RunId>, Error> {
    let mut statement = write.sql.prepare_cached(
        "SELECT id FROM runs WHERE app_id = ?1 AND id > ?2 AND retry_of = ?2 LIMIT 1",
    )?;
    let found = statement
        .query_row([app.to_string(), run.to_string()], |row| row::text(row, "id"))
        .optional()?;
    Ok(found)
}

/// The context with what only the record of the run gives it: who it is, and the how-many-th of its file. A run that is tried
/// again keeps its number.
fn numbered(write: &Write<'_>, new: &NewRun) -> Result<RunContext, Error> {
    let mut context = new.context.clone();
    let number = match new.retry_of {
        Some(_) => None,
        None => Some(write.sql.query_row(
            "INSERT INTO run_numbers (app_id, file, last) VALUES (?1, ?2, 1)
             ON CONFLICT DO UPDATE SET last = last + 1 RETURNING last",
            params![new.app.to_string(), new.definition.file],
            |row| row.get::<_, u64>(0),
        )?),
    };
    context.set_run(new.id, number, new.attempt);
    Ok(context)
}

/// What the definition's `run-name` gives; where that fails or is empty, what the run is about.
fn titled(new: &NewRun, context: RunContext) -> String {
    if new.definition.run_name.is_none() {
        return new.title.clone();
    }
    let named = title(&Arc::new(new.definition.clone()), &Arc::new(context));
    let named = named.ok().flatten().unwrap_or_default();
    let named: String = named.trim().chars().take(MAX_TITLE).collect();
    if named.is_empty() { new.title.clone() } else { named }
}

/// In the order of their ids.
pub(crate) fn of_change(connection: &Connection, change: ChangeId) -> Result<Vec<Run>, Error> {
    let mut statement = connection
        .prepare_cached(&format!("{SELECT} WHERE runs.change_id = ?1 ORDER BY runs.id"))?;
    let runs = statement.query_map([change.to_string()], read)?.collect::<Result<_, _>>()?;
    Ok(runs)
}

pub(crate) fn get(connection: &Connection, id: RunId) -> Result<Run, Error> {
    let mut statement = connection.prepare_cached(&format!("{SELECT} WHERE runs.id = ?1"))?;
    statement
        .query_row([id.to_string()], read)
        .optional()?
        .ok_or_else(|| Error::not_found(format!("run {id}")))
}

/// From the last snapshot, and the records after it.
pub(crate) fn load_state(connection: &Connection, id: RunId) -> Result<State, Error> {
    let (definition, context) = plan(connection, id)?;
    let (definition, context) = (Arc::new(definition), Arc::new(context));
    let mut statement =
        connection.prepare_cached("SELECT state FROM snapshots WHERE run_id = ?1")?;
    let snapshot: Option<State> =
        statement.query_row([id.to_string()], |row| row::json(row, "state")).optional()?;
    let mut state = match snapshot {
        Some(state) => state.with_plan(definition, context),
        None => State::new(definition, context),
    };
    for entry in journal(connection, id, u64::from(state.records()) + 1)? {
        state.apply(&entry.record);
    }
    Ok(state)
}

fn plan(connection: &Connection, id: RunId) -> Result<(Definition, RunContext), Error> {
    let mut statement = connection.prepare_cached(
        "SELECT definitions.definition, runs.context FROM runs
         JOIN definitions ON definitions.digest = runs.definition_digest WHERE runs.id = ?1",
    )?;
    statement
        .query_row([id.to_string()], |row| {
            Ok((row::json(row, "definition")?, row::json(row, "context")?))
        })
        .optional()?
        .ok_or_else(|| Error::not_found(format!("run {id}")))
}

pub(crate) fn app_of(connection: &Connection, id: RunId) -> Result<AppId, Error> {
    let mut statement = connection.prepare_cached("SELECT app_id FROM runs WHERE id = ?1")?;
    Ok(statement.query_row([id.to_string()], |row| row::text(row, "app_id"))?)
}

fn journal(connection: &Connection, id: RunId, from: u64) -> Result<Vec<JournalEntry>, Error> {
    let mut statement = connection
        .prepare_cached("SELECT * FROM journal WHERE run_id = ?1 AND seq >= ?2 ORDER BY seq")?;
    let entries = statement
        .query_map(params![id.to_string(), from], |row| {
            Ok(JournalEntry {
                seq: row.get("seq")?,
                at: row::time(row, "at")?,
                record: row::json(row, "record")?,
            })
        })?
        .collect::<Result<_, _>>()?;
    Ok(entries)
}

fn read(row: &Row<'_>) -> row::Result<Run> {
    Ok(Run {
        id: row::text(row, "id")?,
        app_id: row::text(row, "app_id")?,
        app: row::text(row, "app_name")?,
        workflow: row.get("workflow")?,
        status: row::text(row, "status")?,
        queue: row.get("queue")?,
        attempt: row.get("attempt")?,
        retry_of: row::optional_text(row, "retry_of")?,
        commit: row::optional_text(row, "commit_id")?,
        title: row.get("title")?,
        created_at: row::time(row, "created_at")?,
        created_by: row::json(row, "created_by")?,
        started_at: row::optional_time(row, "started_at")?,
        finished_at: row::optional_time(row, "finished_at")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_heads_of_queues_are_found_by_indexes() {
        let directory = tempfile::tempdir().unwrap();
        let connection = crate::schema::open_writer(&directory.path().join("solum.db")).unwrap();
        let mut explain = connection.prepare(&format!("EXPLAIN QUERY PLAN {HEADS}")).unwrap();
        let plan: Vec<String> =
            explain.query_map([], |row| row.get("detail")).unwrap().map(Result::unwrap).collect();
        let scans =
            plan.iter().filter(|step| step.starts_with("SCAN") && !step.contains("CONSTANT"));
        let tables = ["runs", "first", "other", "changes", "older"];
        let scans: Vec<_> = scans
            .filter(|step| tables.iter().any(|it| step.split(' ').nth(1) == Some(it)))
            .collect();
        assert_eq!(scans, Vec::<&String>::new(), "{plan:#?}");
    }
}
