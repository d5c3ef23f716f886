//! One input of a run taken in: decision, journal, status, outbox and the change that the run is for,
//! all in one transaction.

use rusqlite::params;
use serde_json::json;
use types::{Actor, ChangeState, RunId, RunStatus, Transition as _};
use workflow::{Effect, Input, Record, Refused, State, decide};

use crate::events::NewEvent;
use crate::row::to_json;
use crate::runs::{get, load_state};
use crate::writer::Write;
use crate::{Error, Store, Topic, changes};

/// What an input did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transition {
    pub records: Vec<Record>,
    pub status: RunStatus,
}

#[derive(Debug, thiserror::Error)]
pub enum TransitionError {
    /// The run is as it was.
    #[error(transparent)]
    Refused(#[from] Refused),
    #[error(transparent)]
    Store(#[from] Error),
}

impl Store {
    /// Gives a run an input. What was recorded before is not decided again; what follows now is on the
    /// disk, its effects in the outbox, when this returns.
    pub async fn transition(
        &self,
        run: RunId,
        input: Input,
    ) -> Result<Transition, TransitionError> {
        self.write(move |write| transition(write, run, &input)).await
    }
}

fn transition(write: &Write<'_>, run: RunId, input: &Input) -> Result<Transition, TransitionError> {
    let cached = write.runs.borrow_mut().remove(&run);
    let mut state = match cached {
        Some(state) => state,
        None => load_state(&write.sql, run)?,
    };
    let before = state.status;
    let records = match decide(&state, input, write.now) {
        Ok(records) => records,
        Err(refused) => {
            write.runs.borrow_mut().insert(run, state);
            return Err(refused.into());
        }
    };
    forget_effect(write, run, input)?;
    for record in &records {
        state.apply(record);
    }
    append(write, run, &records, &state)?;
    let status = state.status;
    if status != before {
        set_status(write, run, before, status)?;
    }
    changes::follow_run(write, run, &records, status)?;
    if !status.is_terminal() {
        write.runs.borrow_mut().insert(run, state);
    }
    write.touch(Topic::Runs);
    Ok(Transition { records, status })
}

/// The input is the result of what stands in the outbox.
fn forget_effect(write: &Write<'_>, run: RunId, input: &Input) -> Result<(), Error> {
    let (Input::Report { job, step, .. } | Input::BackoffElapsed { job, step, .. }) = input else {
        return Ok(());
    };
    let mut statement = write
        .sql
        .prepare_cached("DELETE FROM outbox WHERE run_id = ?1 AND job = ?2 AND step = ?3")?;
    statement.execute(params![run.to_string(), job, step])?;
    Ok(())
}

fn append(write: &Write<'_>, run: RunId, records: &[Record], state: &State) -> Result<(), Error> {
    let mut journal = write.sql.prepare_cached(
        "INSERT INTO journal (run_id, seq, at, record)
         VALUES (?1, 1 + coalesce((SELECT max(seq) FROM journal WHERE run_id = ?1), 0), ?2, ?3)",
    )?;
    let mut outbox = write.sql.prepare_cached(
        "INSERT INTO outbox (run_id, job, step, attempt, effect, due_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    let run = run.to_string();
    for record in records {
        journal.execute(params![run, write.now.as_microsecond(), to_json(record)])?;
        if let Record::StepCancelled { job, step, .. } = record {
            // A timer of a step that will not be tried again.
            write.sql.execute(
                "DELETE FROM outbox WHERE run_id = ?1 AND job = ?2 AND step = ?3",
                params![run, job, step],
            )?;
        }
        let Some(effect) = Effect::of(record, state) else { continue };
        let (job, step, attempt, due_at) = match &effect {
            Effect::Perform(task) => (&task.job, &task.step, task.attempt, None),
            Effect::WakeAt { at, job, step, attempt } => {
                (job, step, *attempt, Some(at.as_microsecond()))
            }
        };
        outbox.execute(params![run, job, step, attempt, to_json(&effect), due_at])?;
        write.touch(Topic::Outbox);
    }
    write.count_journalled(records.len());
    Ok(())
}

fn set_status(
    write: &Write<'_>,
    run: RunId,
    before: RunStatus,
    after: RunStatus,
) -> Result<(), Error> {
    let now = write.now.as_microsecond();
    let started = (before == RunStatus::Queued && after == RunStatus::Running).then_some(now);
    let finished = after.is_terminal().then_some(now);
    write.sql.execute(
        "UPDATE runs SET status = ?2, started_at = coalesce(started_at, ?3), finished_at = ?4 WHERE id = ?1",
        params![run.to_string(), after.as_str(), started, finished],
    )?;
    if after.is_terminal() {
        let run = get(&write.sql, run)?;
        let event = NewEvent::new("run.finished", &Actor::System).app(&run.app).subject(run.id);
        write.event(&event.detail(json!({ "status": after.as_str() })))?;
    }
    Ok(())
}

/// A change that did not land before its run ended never will.
pub(crate) fn end_of_change(status: RunStatus) -> Option<ChangeState> {
    status.is_terminal().then_some(ChangeState::Refused)
}
