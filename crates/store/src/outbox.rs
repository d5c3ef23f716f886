use jiff::Timestamp;
use types::RunId;
use workflow::{Effect, StepTask};

use crate::{Error, Store, row};

/// An attempt of a step that was scheduled and has not been reported on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingTask {
    /// Grows with time; never used twice.
    pub id: i64,
    pub run: RunId,
    pub task: StepTask,
}

/// A step's next attempt that is due at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingTimer {
    pub run: RunId,
    pub due_at: Timestamp,
    pub job: String,
    pub step: String,
    pub attempt: u32,
}

impl Store {
    /// Tasks above `after`, oldest first.
    pub async fn pending_tasks(&self, after: i64, limit: u32) -> Result<Vec<PendingTask>, Error> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id, run_id, effect FROM outbox
                 WHERE id > ?1 AND due_at IS NULL ORDER BY id LIMIT ?2",
            )?;
            let rows = statement
                .query_map([after, i64::from(limit)], |row| {
                    let effect: Effect = row::json(row, "effect")?;
                    Ok((row.get("id")?, row::text(row, "run_id")?, effect))
                })?
                .collect::<Result<Vec<_>, _>>()?;
            let tasks = rows.into_iter().filter_map(|(id, run, effect)| match effect {
                Effect::Perform(task) => Some(PendingTask { id, run, task }),
                Effect::WakeAt { .. } => None,
            });
            Ok(tasks.collect())
        })
        .await
    }

    /// All timers, the next one first.
    pub async fn pending_timers(&self) -> Result<Vec<PendingTimer>, Error> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT run_id, due_at, job, step, attempt FROM outbox
                 WHERE due_at IS NOT NULL ORDER BY due_at",
            )?;
            let timers = statement
                .query_map([], |row| {
                    Ok(PendingTimer {
                        run: row::text(row, "run_id")?,
                        due_at: row::time(row, "due_at")?,
                        job: row.get("job")?,
                        step: row.get("step")?,
                        attempt: row.get("attempt")?,
                    })
                })?
                .collect::<Result<_, _>>()?;
            Ok(timers)
        })
        .await
    }
}
