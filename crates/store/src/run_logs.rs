//! Whose logs are gone. The logs themselves are files, which are not kept here.

use jiff::Timestamp;
use rusqlite::params;
use types::RunId;

use crate::{Error, Store, Topic, row};

impl Store {
    /// Records that the logs of a run are thrown away, before they are: a second time changes nothing.
    pub async fn mark_logs_removed(&self, run: RunId) -> Result<(), Error> {
        self.write(move |write| {
            let marked = write.sql.execute(
                "UPDATE runs SET logs_removed_at = ?2 WHERE id = ?1 AND logs_removed_at IS NULL",
                params![run.to_string(), write.now.as_microsecond()],
            )?;
            if marked > 0 {
                write.touch(Topic::Runs);
            }
            Ok(())
        })
        .await
    }

    /// When they were, if they were.
    pub async fn logs_removed_at(&self, run: RunId) -> Result<Option<Timestamp>, Error> {
        self.read(move |connection| {
            let mut statement =
                connection.prepare_cached("SELECT logs_removed_at FROM runs WHERE id = ?1")?;
            let mut rows = statement.query([run.to_string()])?;
            match rows.next()? {
                Some(row) => Ok(row::optional_time(row, "logs_removed_at")?),
                None => Err(Error::NotFound { what: format!("run {run}") }),
            }
        })
        .await
    }
}
