//! Concurrency groups: of those who ask, one holds the place, and the others wait or are displaced, as GitHub has it.
//!
//! Whoever changes a group does so in the transaction of the run that asked; what follows for other runs is given back, to be
//! put to them in the same transaction.

use rusqlite::{Row, params};
use types::{AppId, RunId};
use workflow::language::Queue;
use workflow::{Claim, Input};

use crate::Error;
use crate::row;
use crate::writer::Write;

/// The most that may wait in a group whose `queue` is `max`.
const MAX_WAITING: usize = 100;

/// What a run is to be told.
pub(crate) type Word = (RunId, Input);

struct Place {
    id: i64,
    run: RunId,
    job: String,
    held: bool,
}

impl Place {
    fn job(&self) -> Option<String> {
        (!self.job.is_empty()).then(|| self.job.clone())
    }

    fn displaced(&self) -> Word {
        (self.run, Input::Displaced { job: self.job() })
    }

    fn granted(&self) -> Word {
        (self.run, Input::Granted { job: self.job() })
    }
}

pub(crate) fn acquire(
    write: &Write<'_>,
    app: AppId,
    run: RunId,
    claim: &Claim,
) -> Result<Vec<Word>, Error> {
    let name = claim.group.to_lowercase();
    let places = places(write, app, &name)?;
    let job = claim.job.clone();
    if places.is_empty() {
        insert(write, app, &name, run, &job, true)?;
        return Ok(vec![(run, Input::Granted { job })]);
    }
    let waiting: Vec<&Place> = places.iter().filter(|place| !place.held).collect();
    let mut words = Vec::new();
    match claim.queue {
        Queue::Max if waiting.len() >= MAX_WAITING => {
            return Ok(vec![(run, Input::Displaced { job })]);
        }
        Queue::Max => {}
        Queue::Single => {
            for place in waiting {
                remove(write, place.id)?;
                words.push(place.displaced());
            }
        }
    }
    if claim.cancel_in_progress {
        words.extend(places.iter().filter(|place| place.held).map(Place::displaced));
    }
    insert(write, app, &name, run, &job, false)?;
    Ok(words)
}

/// Gives back what the run, or its job, has of a group. Who waited longest is next.
pub(crate) fn release(
    write: &Write<'_>,
    run: RunId,
    job: Option<&str>,
) -> Result<Vec<Word>, Error> {
    let mut statement = write.sql.prepare_cached(
        "DELETE FROM group_places WHERE run_id = ?1 AND job = ?2 RETURNING app_id, name, held",
    )?;
    let given_back = statement
        .query_map(params![run.to_string(), job.unwrap_or_default()], |row| {
            Ok((row::text(row, "app_id")?, row.get("name")?, row.get("held")?))
        })?
        .collect::<Result<Vec<(AppId, String, bool)>, _>>()?;
    let mut words = Vec::new();
    for (app, name, _) in given_back.into_iter().filter(|(_, _, held)| *held) {
        if let Some(next) = places(write, app, &name)?.into_iter().find(|place| !place.held) {
            let held = "UPDATE group_places SET held = 1 WHERE id = ?1";
            write.sql.prepare_cached(held)?.execute([next.id])?;
            words.push(next.granted());
        }
    }
    Ok(words)
}

/// Oldest first.
fn places(write: &Write<'_>, app: AppId, name: &str) -> Result<Vec<Place>, Error> {
    let mut statement = write.sql.prepare_cached(
        "SELECT id, run_id, job, held FROM group_places WHERE app_id = ?1 AND name = ?2 ORDER BY id",
    )?;
    let places = statement
        .query_map(params![app.to_string(), name], |row: &Row<'_>| {
            let run = row::text(row, "run_id")?;
            Ok(Place { id: row.get("id")?, run, job: row.get("job")?, held: row.get("held")? })
        })?
        .collect::<Result<_, _>>()?;
    Ok(places)
}

fn insert(
    write: &Write<'_>,
    app: AppId,
    name: &str,
    run: RunId,
    job: &Option<String>,
    held: bool,
) -> Result<(), Error> {
    let mut statement = write.sql.prepare_cached(
        "INSERT INTO group_places (app_id, name, run_id, job, held) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    let job = job.as_deref().unwrap_or_default();
    statement.execute(params![app.to_string(), name, run.to_string(), job, held])?;
    Ok(())
}

fn remove(write: &Write<'_>, id: i64) -> Result<(), Error> {
    write.sql.prepare_cached("DELETE FROM group_places WHERE id = ?1")?.execute([id])?;
    Ok(())
}
