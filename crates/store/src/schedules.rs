//! Up to when the schedules of each app's workflows have been looked after, so that no time is run twice and those that were
//! missed are run once.

use jiff::Timestamp;
use rusqlite::{Row, params};
use types::AppId;

use crate::row;
use crate::runs::{self, NewRun, Run};
use crate::{Error, Store};

/// One time of one workflow file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ScheduleKey {
    pub file: String,
    pub cron: String,
    /// UTC if there is none.
    pub timezone: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownSchedule {
    pub key: ScheduleKey,
    /// Its times up to here have been run, or were before anybody knew of it.
    pub seen_until: Timestamp,
}

impl Store {
    /// What is known of an app's schedules.
    pub async fn schedules(&self, app: AppId) -> Result<Vec<KnownSchedule>, Error> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT * FROM schedules WHERE app_id = ?1 ORDER BY file, cron, timezone",
            )?;
            let known = statement.query_map([app.to_string()], read)?.collect::<Result<_, _>>()?;
            Ok(known)
        })
        .await
    }

    /// Makes these all schedules of the app. Those that are new count from `now`; one that went away and comes again is new.
    pub async fn keep_schedules(
        &self,
        app: AppId,
        wanted: Vec<ScheduleKey>,
        now: Timestamp,
    ) -> Result<(), Error> {
        self.write(move |write| {
            let known = {
                let mut statement =
                    write.sql.prepare_cached("SELECT * FROM schedules WHERE app_id = ?1")?;
                statement.query_map([app.to_string()], read)?.collect::<Result<Vec<_>, _>>()?
            };
            for gone in known.iter().filter(|known| !wanted.contains(&known.key)) {
                write.sql.execute(
                    "DELETE FROM schedules
                     WHERE app_id = ?1 AND file = ?2 AND cron = ?3 AND timezone = ?4",
                    params![app.to_string(), gone.key.file, gone.key.cron, zone(&gone.key)],
                )?;
            }
            for key in &wanted {
                write.sql.execute(
                    "INSERT OR IGNORE INTO schedules (app_id, file, cron, timezone, seen_until)
                     VALUES (?1, ?2, ?3, ?4, ?5)",
                    params![app.to_string(), key.file, key.cron, zone(key), now.as_microsecond()],
                )?;
            }
            Ok(())
        })
        .await
    }

    /// Records the run of a time that has come, with that all times up to `until` have been looked after. `None` if somebody has
    /// been there since `known` was read.
    pub async fn run_schedule(
        &self,
        known: KnownSchedule,
        until: Timestamp,
        run: NewRun,
    ) -> Result<Option<Run>, Error> {
        self.write(move |write| {
            let KnownSchedule { key, seen_until } = known;
            let moved = write.sql.execute(
                "UPDATE schedules SET seen_until = ?6
                 WHERE app_id = ?1 AND file = ?2 AND cron = ?3 AND timezone = ?4 AND seen_until = ?5",
                params![
                    run.app.to_string(),
                    key.file,
                    key.cron,
                    zone(&key),
                    seen_until.as_microsecond(),
                    until.as_microsecond(),
                ],
            )?;
            if moved == 0 { Ok(None) } else { runs::insert(write, &run, None).map(Some) }
        })
        .await
    }
}

fn zone(key: &ScheduleKey) -> &str {
    key.timezone.as_deref().unwrap_or_default()
}

fn read(row: &Row<'_>) -> row::Result<KnownSchedule> {
    let timezone: String = row.get("timezone")?;
    let timezone = (!timezone.is_empty()).then_some(timezone);
    let key = ScheduleKey { file: row.get("file")?, cron: row.get("cron")?, timezone };
    Ok(KnownSchedule { key, seen_until: row::time(row, "seen_until")? })
}
