use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde_json::json;
use types::{Actor, ChangeId, ChangeState, CommitId, RunId, RunStatus, Transition as _};
use workflow::Record;

use crate::apps::get_app;
use crate::events::NewEvent;
use crate::row;
use crate::runs::{self, NewRun, Run};
use crate::transitions::end_of_change;
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
    pub run: RunId,
    pub state: ChangeState,
    pub created_at: Timestamp,
}

#[derive(Debug, Clone)]
pub struct NewPush {
    /// The id under which the commit was pinned.
    pub change: ChangeId,
    pub branch: String,
    pub base: Option<CommitId>,
    pub commit: CommitId,
    pub subject: String,
    pub run: NewRun,
}

impl Store {
    /// Records a push to a deploy branch: its change and its run, both or neither.
    pub async fn record_push(&self, push: NewPush) -> Result<(Change, Run), Error> {
        self.write(move |write| {
            let run = runs::insert(write, &push.run)?;
            let number: u64 = write.sql.query_row(
                "UPDATE apps SET last_change = last_change + 1 WHERE id = ?1 RETURNING last_change",
                [run.app_id.to_string()],
                |row| row.get(0),
            )?;
            write.sql.execute(
                "INSERT INTO changes (id, app_id, number, branch, base_commit, commit_id, subject, run_id, state, created_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'queued', ?9)",
                params![
                    push.change.to_string(),
                    run.app_id.to_string(),
                    number,
                    push.branch,
                    push.base.as_ref().map(CommitId::as_str),
                    push.commit.as_str(),
                    push.subject,
                    run.id.to_string(),
                    write.now.as_microsecond(),
                ],
            )?;
            let event = NewEvent::new("change.received", &run.created_by)
                .app(&run.app)
                .subject(number);
            let detail =
                json!({ "branch": push.branch, "commit": push.commit, "run": run.id });
            write.event(&event.detail(detail))?;
            let change = of_run(&write.sql, run.id)?
                .ok_or_else(|| Error::Corrupt { what: "changes".to_owned() })?;
            Ok((change, run))
        })
        .await
    }

    /// The change that a run is for, if a push started it.
    pub async fn change_of_run(&self, run: RunId) -> Result<Option<Change>, Error> {
        self.read(move |connection| of_run(connection, run)).await
    }

    /// `None` if it was never recorded.
    pub async fn change(&self, id: ChangeId) -> Result<Option<Change>, Error> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached("SELECT * FROM changes WHERE id = ?1")?;
            Ok(statement.query_row([id.to_string()], read).optional()?)
        })
        .await
    }

    /// The branch points at the change's commit now, and pushes to `deploy_branch` deploy from here on.
    /// Doing it twice is the same as once.
    pub async fn land_change(&self, run: RunId, deploy_branch: String) -> Result<(), Error> {
        self.write(move |write| {
            let Some(change) = of_run(&write.sql, run)? else { return Ok(()) };
            if change.state == ChangeState::Landed {
                return Ok(());
            }
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
}

/// Takes the change along when its run starts or ends.
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
    let Some(change) = of_run(&write.sql, run)? else { return Ok(()) };
    if started && change.state == ChangeState::Queued {
        set_state(write, &change, ChangeState::Active)?;
    }
    if let Some(end) = end_of_change(status)
        && !change.state.is_terminal()
    {
        let change = of_run(&write.sql, run)?.unwrap_or(change);
        set_state(write, &change, end)?;
    }
    Ok(())
}

fn set_state(write: &Write<'_>, change: &Change, to: ChangeState) -> Result<(), Error> {
    let to = change.state.to(to)?;
    write.sql.execute(
        "UPDATE changes SET state = ?2 WHERE id = ?1",
        params![change.id.to_string(), to.as_str()],
    )?;
    Ok(())
}

fn of_run(connection: &Connection, run: RunId) -> Result<Option<Change>, Error> {
    let mut statement = connection.prepare_cached("SELECT * FROM changes WHERE run_id = ?1")?;
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
        run: row::text(row, "run_id")?,
        state: row::text(row, "state")?,
        created_at: row::time(row, "created_at")?,
    })
}
