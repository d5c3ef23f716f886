//! Changes: what a push to a deploy branch asks for, and what became of it.
//!
//! A change lands when a run of it has brought it as far as is asked, or, where no run does that, when all of its runs have
//! succeeded. It is refused when all have ended and neither has happened.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde_json::json;
use types::{Actor, AppId, ChangeId, ChangeState, CommitId, RunId, RunStatus, Transition as _};
use workflow::Record;

use crate::apps::get_app;
use crate::events::NewEvent;
use crate::row;
use crate::runs::{self, NewRun, Run};
use crate::writer::Write;
use crate::{Error, Store, Topic};

/// Commits that ask to become a branch's next state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    pub id: ChangeId,
    pub app: types::AppId,
    /// Per app; the ref `refs/changes/N/head` has it.
    pub number: u64,
    pub branch: String,
    /// What the branch pointed at when the push came in.
    pub base: Option<CommitId>,
    pub commit: CommitId,
    pub subject: String,
    pub state: ChangeState,
    pub created_at: Timestamp,
}

#[derive(Debug, Clone)]
pub struct NewPush {
    /// The id under which the commit was pinned.
    pub change: ChangeId,
    pub app: AppId,
    pub branch: String,
    pub base: Option<CommitId>,
    pub commit: CommitId,
    pub subject: String,
    pub actor: Actor,
    /// Often one; none when no workflow runs for it.
    pub runs: Vec<NewRun>,
}

impl Store {
    /// Records a push to a deploy branch: its change and its runs, all or nothing.
    pub async fn record_push(&self, push: NewPush) -> Result<(Change, Vec<Run>), Error> {
        self.write(move |write| {
            let number: u64 = write.sql.query_row(
                "UPDATE apps SET last_change = last_change + 1 WHERE id = ?1 RETURNING last_change",
                [push.app.to_string()],
                |row| row.get(0),
            )?;
            write.sql.execute(
                "INSERT INTO changes (id, app_id, number, branch, base_commit, commit_id, subject, state, created_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'queued', ?8)",
                params![
                    push.change.to_string(),
                    push.app.to_string(),
                    number,
                    push.branch,
                    push.base.as_ref().map(CommitId::as_str),
                    push.commit.as_str(),
                    push.subject,
                    write.now.as_microsecond(),
                ],
            )?;
            let runs = push.runs.iter().map(|run| runs::insert(write, run, Some(push.change)));
            let runs = runs.collect::<Result<Vec<_>, _>>()?;
            let app = get_app(&write.sql, push.app)?;
            let event = NewEvent::new("change.received", &push.actor).app(&app.name).subject(number);
            let ids: Vec<_> = runs.iter().map(|run| run.id).collect();
            let detail = json!({ "branch": push.branch, "commit": push.commit, "runs": ids });
            write.event(&event.detail(detail))?;
            write.touch(Topic::Runs);
            let change = get(&write.sql, push.change)?
                .ok_or_else(|| Error::Corrupt { what: "changes".to_owned() })?;
            Ok((change, runs))
        })
        .await
    }

    /// The change that a run is for, if a push started it.
    pub async fn change_of_run(&self, run: RunId) -> Result<Option<Change>, Error> {
        self.read(move |connection| of_run(connection, run)).await
    }

    /// `None` if it was never recorded.
    pub async fn change(&self, id: ChangeId) -> Result<Option<Change>, Error> {
        self.read(move |connection| get(connection, id)).await
    }

    /// The runs of a change, in the order of their ids.
    pub async fn runs_of_change(&self, id: ChangeId) -> Result<Vec<Run>, Error> {
        self.read(move |connection| runs::of_change(connection, id)).await
    }

    /// Changes that have not landed although all of their runs have succeeded, or there were none; each the oldest of its
    /// branch that has no end yet.
    pub async fn changes_to_land(&self) -> Result<Vec<Change>, Error> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT * FROM changes WHERE state IN ('queued', 'active')
                 AND NOT EXISTS (SELECT 1 FROM runs
                     WHERE runs.change_id = changes.id AND runs.status <> 'succeeded')
                 AND NOT EXISTS (SELECT 1 FROM changes AS older
                     WHERE older.app_id = changes.app_id AND older.branch = changes.branch
                       AND older.state IN ('queued', 'active') AND older.number < changes.number)
                 ORDER BY app_id, number",
            )?;
            let changes = statement.query_map([], read)?.collect::<Result<_, _>>()?;
            Ok(changes)
        })
        .await
    }

    /// The branch points at the change's commit now, and pushes to `deploy_branch` deploy from here on.
    /// Doing it twice is the same as once.
    pub async fn land_change(&self, id: ChangeId, deploy_branch: String) -> Result<(), Error> {
        self.write(move |write| {
            let Some(change) = get(&write.sql, id)? else { return Ok(()) };
            if change.state == ChangeState::Landed {
                return Ok(());
            }
            let change = begun(write, change)?;
            set_state(write, &change, ChangeState::Landed)?;
            write.sql.execute(
                "UPDATE apps SET deploy_branch = ?2 WHERE id = ?1",
                params![change.app.to_string(), deploy_branch],
            )?;
            let app = get_app(&write.sql, change.app)?;
            let event = NewEvent::new("change.landed", &Actor::System)
                .app(&app.name)
                .subject(change.number);
            let detail = json!({ "branch": change.branch, "commit": change.commit });
            write.event(&event.detail(detail))?;
            write.touch(Topic::Runs);
            Ok(())
        })
        .await
    }

    /// It will not land any more, although none of its runs failed. One that has an end keeps it.
    pub async fn refuse_change(&self, id: ChangeId) -> Result<(), Error> {
        self.write(move |write| {
            let Some(change) = get(&write.sql, id)? else { return Ok(()) };
            if !change.state.is_terminal() {
                set_state(write, &change, ChangeState::Refused)?;
                write.touch(Topic::Runs);
            }
            Ok(())
        })
        .await
    }
}

/// Takes the change along when a run of it starts or ends.
pub(crate) fn follow_run(
    write: &Write<'_>,
    run: RunId,
    records: &[Record],
    status: RunStatus,
) -> Result<(), Error> {
    let started = records.contains(&Record::Started);
    if !started && !status.is_terminal() {
        return Ok(());
    }
    let Some(mut change) = of_run(&write.sql, run)? else { return Ok(()) };
    if started {
        change = begun(write, change)?;
    }
    if !status.is_terminal() || change.state.is_terminal() {
        return Ok(());
    }
    let runs = runs::of_change(&write.sql, change.id)?;
    let all_ended = runs.iter().all(|run| run.status.is_terminal());
    // One whose runs have all succeeded is brought to its end by whoever moves the branch.
    if all_ended && runs.iter().any(|run| run.status != RunStatus::Succeeded) {
        set_state(write, &change, ChangeState::Refused)?;
    }
    Ok(())
}

/// The change, active if nothing of it had begun.
fn begun(write: &Write<'_>, change: Change) -> Result<Change, Error> {
    if change.state != ChangeState::Queued {
        return Ok(change);
    }
    set_state(write, &change, ChangeState::Active)?;
    Ok(Change { state: ChangeState::Active, ..change })
}

fn set_state(write: &Write<'_>, change: &Change, to: ChangeState) -> Result<(), Error> {
    let to = change.state.to(to)?;
    write.sql.execute(
        "UPDATE changes SET state = ?2 WHERE id = ?1",
        params![change.id.to_string(), to.as_str()],
    )?;
    Ok(())
}

fn get(connection: &Connection, id: ChangeId) -> Result<Option<Change>, Error> {
    let mut statement = connection.prepare_cached("SELECT * FROM changes WHERE id = ?1")?;
    Ok(statement.query_row([id.to_string()], read).optional()?)
}

fn of_run(connection: &Connection, run: RunId) -> Result<Option<Change>, Error> {
    let mut statement = connection.prepare_cached(
        "SELECT changes.* FROM changes JOIN runs ON runs.change_id = changes.id WHERE runs.id = ?1",
    )?;
    Ok(statement.query_row([run.to_string()], read).optional()?)
}

fn read(row: &Row<'_>) -> row::Result<Change> {
    Ok(Change {
        id: row::text(row, "id")?,
        app: row::text(row, "app_id")?,
        number: row.get("number")?,
        branch: row.get("branch")?,
        base: row::optional_text(row, "base_commit")?,
        commit: row::text(row, "commit_id")?,
        subject: row.get("subject")?,
        state: row::text(row, "state")?,
        created_at: row::time(row, "created_at")?,
    })
}
