//! What runs are to do: kept once, however many runs of it there are.

use std::collections::BTreeSet;

use workflow::language::Definition;

use crate::{Error, Store, row};

/// Only those that may have what is looked for are taken apart.
const OF_RUNS_UNDER_WAY: &str = "
    SELECT definition FROM definitions
    WHERE instr(definition, '\"mirror\"') > 0 AND digest IN (
        SELECT definition_digest FROM runs WHERE status IN ('queued', 'running', 'waiting'))";

impl Store {
    /// What runs that have not ended use of the mirror of actions: `owner/repo`, and a commit.
    pub async fn mirrored_actions(&self) -> Result<BTreeSet<(String, String)>, Error> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(OF_RUNS_UNDER_WAY)?;
            let mut rows = statement.query([])?;
            let mut found = BTreeSet::new();
            // One at a time: each may have some MiB.
            while let Some(row) = rows.next()? {
                found.extend(row::json::<Definition>(row, "definition")?.mirrored());
            }
            Ok(found)
        })
        .await
    }
}
