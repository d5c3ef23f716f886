//! What runs have asked of the world and have no answer to yet: steps to carry out or to stop, and times to be woken at.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Row, params};
use types::RunId;
use workflow::{Effect, Input, StepTask, StopTask, Timer};

use crate::row::to_json;
use crate::writer::Write;
use crate::{Error, Store, Topic, row};

/// How often a task may be found in the outbox by a server that was just started, each within [`START_WINDOW`] of the one
/// before, until it is taken for what ends the servers.
const MAX_STARTS: u32 = 5;
/// A task that has been under way for longer than this has not ended its server.
const START_WINDOW: Duration = Duration::from_secs(600);

/// An attempt of a step that was scheduled and has not been reported on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingTask {
    /// Grows with time; never used twice.
    pub id: i64,
    pub run: RunId,
    pub task: StepTask,
}

/// An attempt that is to stop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingStop {
    pub id: i64,
    pub run: RunId,
    pub task: StopTask,
}

/// A time at which a run wants to be woken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingTimer {
    pub id: i64,
    pub run: RunId,
    pub timer: Timer,
}

impl PendingTimer {
    /// What its run is told once its time has come.
    #[must_use]
    pub fn input(&self) -> Input {
        let Timer { job, step, attempt, kind, .. } = self.timer.clone();
        Input::TimerFired { job, step, attempt, kind }
    }
}

impl Store {
    /// Tasks above `after`, oldest first.
    pub async fn pending_tasks(&self, after: i64, limit: u32) -> Result<Vec<PendingTask>, Error> {
        let tasks = self.pending("perform", after, limit).await?;
        let tasks = tasks.into_iter().filter_map(|(id, run, effect)| match effect {
            Effect::Perform(task) => Some(PendingTask { id, run, task }),
            _ => None,
        });
        Ok(tasks.collect())
    }

    /// What is to stop, above `after`, oldest first. Each goes once it has been reported on, or with
    /// [`Store::forget_effect`].
    pub async fn pending_stops(&self, after: i64, limit: u32) -> Result<Vec<PendingStop>, Error> {
        let stops = self.pending("stop", after, limit).await?;
        let stops = stops.into_iter().filter_map(|(id, run, effect)| match effect {
            Effect::Stop(task) => Some(PendingStop { id, run, task }),
            _ => None,
        });
        Ok(stops.collect())
    }

    async fn pending(
        &self,
        kind: &'static str,
        after: i64,
        limit: u32,
    ) -> Result<Vec<(i64, RunId, Effect)>, Error> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, run_id, effect FROM outbox WHERE kind = ?1 AND id > ?2 ORDER BY id LIMIT ?3",
            )?;
            let rows = statement.query_map(params![kind, after, limit], read)?;
            Ok(rows.collect::<Result<Vec<_>, _>>()?)
        })
        .await
    }

    /// Timers, the next one first.
    pub async fn pending_timers(&self, limit: u32) -> Result<Vec<PendingTimer>, Error> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, run_id, effect FROM outbox WHERE due_at IS NOT NULL
                 ORDER BY due_at LIMIT ?1",
            )?;
            let rows = statement.query_map([limit], read)?.collect::<Result<Vec<_>, _>>()?;
            let timers = rows.into_iter().filter_map(|(id, run, effect)| match effect {
                Effect::WakeAt(timer) => Some(PendingTimer { id, run, timer }),
                _ => None,
            });
            Ok(timers.collect())
        })
        .await
    }

    /// Times, above `after`, at which steps will have had theirs, oldest first: among them is each step that waits for people.
    pub async fn pending_deadlines(
        &self,
        after: i64,
        limit: u32,
    ) -> Result<Vec<PendingTimer>, Error> {
        let timers = self.pending("deadline", after, limit).await?;
        let timers = timers.into_iter().filter_map(|(id, run, effect)| match effect {
            Effect::WakeAt(timer) => Some(PendingTimer { id, run, timer }),
            _ => None,
        });
        Ok(timers.collect())
    }

    /// Takes out an effect that nobody waits for: a stop of a run that has ended, a timer that its run refuses.
    pub async fn forget_effect(&self, id: i64) -> Result<(), Error> {
        self.write(move |write| {
            write.sql.prepare_cached("DELETE FROM outbox WHERE id = ?1")?.execute([id])?;
            Ok(())
        })
        .await
    }

    /// Counts that a server takes up what the one before it left. Gives the tasks that were taken up too often, one start
    /// soon after the other: whatever they are, they may be what ends the servers.
    pub async fn take_up_tasks(&self) -> Result<Vec<PendingTask>, Error> {
        self.write(|write| {
            let window = SignedDuration::try_from(START_WINDOW).unwrap_or(SignedDuration::ZERO);
            let recently = write.now.checked_sub(window).unwrap_or(Timestamp::MIN);
            write.sql.execute(
                "UPDATE outbox SET starts = CASE WHEN started_at > ?2 THEN starts + 1 ELSE 1 END, started_at = ?1
                 WHERE kind = 'perform'",
                params![write.now.as_microsecond(), recently.as_microsecond()],
            )?;
            let mut statement = write.sql.prepare_cached(
                "SELECT id, run_id, effect FROM outbox WHERE kind = 'perform' AND starts > ?1 ORDER BY id",
            )?;
            let rows = statement.query_map([MAX_STARTS], read)?.collect::<Result<Vec<_>, _>>()?;
            let tasks = rows.into_iter().filter_map(|(id, run, effect)| match effect {
                Effect::Perform(task) => Some(PendingTask { id, run, task }),
                _ => None,
            });
            Ok(tasks.collect())
        })
        .await
    }
}

/// Puts in what a record asks for; what is asked of groups is not for the outside.
pub(crate) fn put(write: &Write<'_>, run: RunId, effect: &Effect) -> Result<(), Error> {
    let (job, step, attempt, kind, due_at) = match effect {
        Effect::Perform(task) => (&task.job, Some(&task.step), task.attempt, "perform", None),
        Effect::Stop(task) => (&task.job, Some(&task.step), task.attempt, "stop", None),
        Effect::WakeAt(timer) => {
            let due_at = Some(timer.at.as_microsecond());
            (&timer.job, timer.step.as_ref(), timer.attempt, timer.kind.as_str(), due_at)
        }
        Effect::Acquire(_) | Effect::Release { .. } => return Ok(()),
    };
    let mut statement = write.sql.prepare_cached(
        "INSERT OR REPLACE INTO outbox (run_id, job, step, kind, attempt, effect, due_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    let step = step.map_or("", String::as_str);
    let effect = to_json(effect);
    statement.execute(params![run.to_string(), job, step, kind, attempt, effect, due_at])?;
    write.touch(Topic::Outbox);
    Ok(())
}

/// Takes out what a step, or a job where there is none, has asked for.
pub(crate) fn forget_step(
    write: &Write<'_>,
    run: RunId,
    job: &str,
    step: Option<&str>,
) -> Result<(), Error> {
    let mut statement = write
        .sql
        .prepare_cached("DELETE FROM outbox WHERE run_id = ?1 AND job = ?2 AND step = ?3")?;
    statement.execute(params![run.to_string(), job, step.unwrap_or_default()])?;
    Ok(())
}

/// The timer has fired.
pub(crate) fn forget_timer(write: &Write<'_>, run: RunId, input: &Input) -> Result<(), Error> {
    let Input::TimerFired { job, step, kind, .. } = input else { return Ok(()) };
    let mut statement = write.sql.prepare_cached(
        "DELETE FROM outbox WHERE run_id = ?1 AND job = ?2 AND step = ?3 AND kind = ?4",
    )?;
    let step = step.as_deref().unwrap_or_default();
    statement.execute(params![run.to_string(), job, step, kind.as_str()])?;
    Ok(())
}

/// A run that has ended waits for nothing; what is under way of it is still to be stopped.
pub(crate) fn forget_run(write: &Write<'_>, run: RunId) -> Result<(), Error> {
    let mut statement =
        write.sql.prepare_cached("DELETE FROM outbox WHERE run_id = ?1 AND kind <> 'stop'")?;
    statement.execute([run.to_string()])?;
    Ok(())
}

fn read(row: &Row<'_>) -> row::Result<(i64, RunId, Effect)> {
    Ok((row.get("id")?, row::text(row, "run_id")?, row::json(row, "effect")?))
}
