//! One input of a run taken in: decision, journal, status, outbox, groups and the change that the run is for,
//! all in one transaction.

use std::collections::VecDeque;

use rusqlite::params;
use serde_json::json;
use types::{Actor, RunId, RunStatus, Transition as _};
use workflow::{Decision, Effect, Input, Record, Refused, Signal, State, decide};

use crate::events::NewEvent;
use crate::groups::{self, Word};
use crate::row::to_json;
use crate::runs::{app_of, get, load_state};
use crate::writer::Write;
use crate::{Error, Store, Topic, changes, outbox};

/// A state is stored whole each time a run has this many records more.
const RECORDS_PER_SNAPSHOT: u32 = 100;

/// What an input did.
#[derive(Debug, Clone, PartialEq)]
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
    /// disk, its effects in the outbox, when this returns. So is what follows for other runs, where a concurrency group
    /// goes from one to the other.
    pub async fn transition(
        &self,
        run: RunId,
        input: Input,
    ) -> Result<Transition, TransitionError> {
        self.write(move |write| {
            let mut words = VecDeque::new();
            let mut taken = transition(write, run, &input, &mut words)?;
            follow(write, words, |other, records, status| {
                if other == run {
                    taken.records.extend(records);
                    taken.status = status;
                }
            })?;
            Ok(taken)
        })
        .await
    }
}

/// Puts to each run what follows for it, until nothing does. A run that has no use for it is as it was.
fn follow(
    write: &Write<'_>,
    mut words: VecDeque<Word>,
    mut taken: impl FnMut(RunId, Vec<Record>, RunStatus),
) -> Result<(), Error> {
    while let Some((run, input)) = words.pop_front() {
        match transition(write, run, &input, &mut words) {
            Ok(Transition { records, status }) => taken(run, records, status),
            Err(TransitionError::Refused(_)) => {
                // Nobody there takes the place: the next one may.
                if let Input::Granted { job } = &input {
                    words.extend(groups::release(write, run, job.as_deref())?);
                }
            }
            Err(TransitionError::Store(error)) => return Err(error),
        }
    }
    Ok(())
}

fn transition(
    write: &Write<'_>,
    run: RunId,
    input: &Input,
    words: &mut VecDeque<Word>,
) -> Result<Transition, TransitionError> {
    let cached = write.runs.borrow_mut().remove(run);
    let mut state = match cached {
        Some(state) => state,
        None => load_state(&write.sql, run)?,
    };
    let before = (state.status, state.records());
    let records = match decide(&state, input, write.now) {
        Ok(records) => records,
        Err(refused) => {
            write.runs.borrow_mut().insert(run, state);
            return Err(refused.into());
        }
    };
    outbox::forget_timer(write, run, input)?;
    append(write, run, &records, &mut state, words)?;
    if let Input::Signal(signal) = input {
        note_signal(write, run, signal, &records)?;
    }
    let status = state.status;
    if status != before.0 {
        set_status(write, run, status, records.contains(&Record::Started))?;
    }
    changes::follow_run(write, run, &records, status)?;
    if status.is_terminal() {
        outbox::forget_run(write, run)?;
        forget_snapshot(write, run)?;
    } else {
        if state.records() / RECORDS_PER_SNAPSHOT > before.1 / RECORDS_PER_SNAPSHOT {
            write_snapshot(write, run, &state)?;
        }
        write.runs.borrow_mut().insert(run, state);
    }
    write.touch(Topic::Runs);
    Ok(Transition { records, status })
}

/// Takes the records in, one after the other, each with what it asks for.
fn append(
    write: &Write<'_>,
    run: RunId,
    records: &[Record],
    state: &mut State,
    words: &mut VecDeque<Word>,
) -> Result<(), Error> {
    for record in records {
        state.apply(record);
        journal(write, run, state.records(), record)?;
        if let Some((job, step)) = ended(record) {
            outbox::forget_step(write, run, job, step)?;
        }
        for effect in Effect::of(record, state) {
            match &effect {
                Effect::Acquire(claim) => {
                    let app = app_of(&write.sql, run)?;
                    words.extend(groups::acquire(write, app, run, claim)?);
                }
                Effect::Release { job } => {
                    words.extend(groups::release(write, run, job.as_deref())?);
                }
                Effect::Perform(_) | Effect::Stop(_) | Effect::WakeAt(_) => {
                    outbox::put(write, run, &effect)?;
                }
            }
        }
    }
    write.count_journalled(records.len());
    Ok(())
}

pub(crate) fn journal(
    write: &Write<'_>,
    run: RunId,
    seq: u32,
    record: &Record,
) -> Result<(), Error> {
    let mut statement = write
        .sql
        .prepare_cached("INSERT INTO journal (run_id, seq, at, record) VALUES (?1, ?2, ?3, ?4)")?;
    statement.execute(params![
        run.to_string(),
        seq,
        write.now.as_microsecond(),
        to_json(record)
    ])?;
    Ok(())
}

/// The step, or the job, that has nothing open any more.
fn ended(record: &Record) -> Option<(&str, Option<&str>)> {
    match record {
        Record::StepSucceeded { job, step, .. }
        | Record::StepFailed { job, step, .. }
        | Record::StepCancelled { job, step, .. }
        | Record::StepSkipped { job, step, .. } => Some((job, Some(step))),
        Record::LegFinished { leg, .. } => Some((leg, None)),
        _ => None,
    }
}

/// Who decided what, for whoever has to know later.
fn note_signal(
    write: &Write<'_>,
    run: RunId,
    signal: &Signal,
    records: &[Record],
) -> Result<(), Error> {
    let kind = match signal.decision {
        Decision::Approve => "run.approved",
        Decision::Reject => "run.rejected",
    };
    let decided = records.iter().find_map(|record| match record {
        Record::Approved { job, step, .. } | Record::StepFailed { job, step, .. } => {
            Some((job.as_str(), Some(step.as_str())))
        }
        _ => None,
    });
    let target = signal.target.as_ref();
    let meant = target.map(|target| (target.job.as_str(), target.step.as_deref()));
    let (job, step) = decided.or(meant).unzip();
    let app = get(&write.sql, run)?.app;
    let detail = json!({
        "job": job,
        "step": step.flatten(),
        "comment": signal.comment,
        // It came before anything waited for it.
        "kept": decided.is_none(),
    });
    let event = NewEvent::new(kind, &signal.actor).app(&app).subject(run);
    write.event(&event.detail(detail))
}

fn write_snapshot(write: &Write<'_>, run: RunId, state: &State) -> Result<(), Error> {
    let mut statement = write.sql.prepare_cached(
        "INSERT OR REPLACE INTO snapshots (run_id, seq, state) VALUES (?1, ?2, ?3)",
    )?;
    statement.execute(params![run.to_string(), state.records(), to_json(state)])?;
    Ok(())
}

fn forget_snapshot(write: &Write<'_>, run: RunId) -> Result<(), Error> {
    let mut statement = write.sql.prepare_cached("DELETE FROM snapshots WHERE run_id = ?1")?;
    statement.execute([run.to_string()])?;
    Ok(())
}

fn set_status(write: &Write<'_>, run: RunId, after: RunStatus, starts: bool) -> Result<(), Error> {
    let now = write.now.as_microsecond();
    let started = starts.then_some(now);
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
