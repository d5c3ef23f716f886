//! Opening the database with the guarantees that the rest relies on, and reading them back.

use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use rusqlite_migration::{M, Migrations};

use crate::Error;

/// How long a statement waits for another process's lock (a backup, somebody's shell) before it fails.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

const MIGRATIONS: &[M<'static>] = &[
    M::up(include_str!("../migrations/0001_initial.sql")),
    M::up(include_str!("../migrations/0002_rollbacks.sql")),
    M::up(include_str!("../migrations/0003_secrets_and_variables.sql")),
    M::up(include_str!("../migrations/0004_setbacks.sql")),
    M::up(include_str!("../migrations/0005_runs.sql")),
    M::up(include_str!("../migrations/0006_epochs.sql")),
    M::up(include_str!("../migrations/0007_triggers.sql")),
    M::up(include_str!("../migrations/0008_queues.sql")),
    M::up(include_str!("../migrations/0010_environments.sql")),
    M::up(include_str!("../migrations/0009_run_logs.sql")),
];

pub(crate) fn open_writer(path: &Path) -> Result<Connection, Error> {
    close_to_others(path).map_err(Error::File)?;
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    pragma(&connection, "journal_mode", "WAL", "wal")?;
    pragma(&connection, "synchronous", "FULL", "2")?;
    pragma(&connection, "foreign_keys", "ON", "1")?;
    let migrations = Migrations::from_slice(MIGRATIONS);
    migrations.to_latest(&mut connection).map_err(|error| match error {
        rusqlite_migration::Error::MigrationDefinition(
            rusqlite_migration::MigrationDefinitionError::DatabaseTooFarAhead,
        ) => Error::FromTheFuture,
        other => Error::Migration(other),
    })?;
    connection.set_prepared_statement_cache_capacity(128);
    Ok(connection)
}

/// Config, and with it passwords, is in there. SQLite gives the files beside it the rights of this one.
fn close_to_others(path: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.append(true).create(true).mode(0o600).open(path)?;
    for beside in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(beside);
        match std::fs::set_permissions(&name, std::fs::Permissions::from_mode(0o600)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

pub(crate) fn open_reader(path: &Path) -> Result<Connection, Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

fn pragma(
    connection: &Connection,
    name: &'static str,
    value: &'static str,
    wanted: &'static str,
) -> Result<(), Error> {
    connection.pragma_update(None, name, value)?;
    let found = connection.pragma_query_value(None, name, |row| {
        row.get::<_, rusqlite::types::Value>(0).map(|value| match value {
            rusqlite::types::Value::Integer(number) => number.to_string(),
            rusqlite::types::Value::Text(text) => text,
            other => format!("{other:?}"),
        })
    })?;
    if found == wanted { Ok(()) } else { Err(Error::Pragma { pragma: name, found, wanted }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_migrations_are_well_formed() {
        Migrations::from_slice(MIGRATIONS).validate().unwrap();
    }

    #[test]
    fn runs_of_the_first_engine_keep_how_they_ended() {
        let mut connection = Connection::open_in_memory().unwrap();
        let migrations = Migrations::from_slice(MIGRATIONS);
        migrations.to_version(&mut connection, 4).unwrap();
        let (ended, under_way) =
            ("run_01h2xcejqtf2nbrexx3vqjhp41", "run_01h2xcejqtf2nbrexx3vqjhp42");
        connection
            .execute_batch(&format!(
                "INSERT INTO apps (id, name, default_branch, deploy_branch, state, uid, created_at, created_by)
                     VALUES ('app_01h2xcejqtf2nbrexx3vqjhp40', 'shop', 'main', 'main', 'ready', 20001, 1, '\"system\"');
                 INSERT INTO runs (id, app_id, workflow, definition, definition_digest, status, title, created_at, created_by, started_at)
                     VALUES ('{ended}', 'app_01h2xcejqtf2nbrexx3vqjhp40', 'deliver', 'old', 'old', 'succeeded', 'one', 1, '\"system\"', 2),
                            ('{under_way}', 'app_01h2xcejqtf2nbrexx3vqjhp40', 'deliver', 'old', 'old', 'running', 'two', 3, '\"system\"', 4);
                 INSERT INTO changes (id, app_id, number, branch, commit_id, subject, run_id, state, created_at)
                     VALUES ('chg_01h2xcejqtf2nbrexx3vqjhp41', 'app_01h2xcejqtf2nbrexx3vqjhp40', 1, 'main', 'a', 'one', '{ended}', 'landed', 1);
                 INSERT INTO journal (run_id, seq, at, record) VALUES ('{ended}', 1, 2, 'old'), ('{under_way}', 1, 4, 'old');"
            ))
            .unwrap();
        migrations.to_latest(&mut connection).unwrap();
        let change: String = connection
            .query_row("SELECT change_id FROM runs WHERE id = ?1", [ended], |row| row.get(0))
            .unwrap();
        assert_eq!(change, "chg_01h2xcejqtf2nbrexx3vqjhp41", "its change is still its own");
        for (id, status) in [(ended, "succeeded"), (under_way, "failed")] {
            let kept = connection
                .query_row("SELECT status FROM runs WHERE id = ?1", [id], |row| row.get(0));
            assert_eq!(kept, Ok(status.to_owned()));
            let state = crate::runs::load_state(&connection, id.parse().unwrap()).unwrap();
            assert_eq!(state.records(), 0, "nothing of its journal is left to misread");
        }
    }

    #[test]
    fn a_database_from_a_newer_version_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("solum.db");
        drop(open_writer(&path).unwrap());
        let connection = Connection::open(&path).unwrap();
        connection.pragma_update(None, "user_version", 1_000).unwrap();
        drop(connection);
        assert!(matches!(open_writer(&path), Err(Error::FromTheFuture)));
    }

    #[test]
    fn nobody_else_may_read_the_database_also_when_it_was_there() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("solum.db");
        std::fs::write(&path, "").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let _writer = open_writer(&path).unwrap();
        let mut found = 0;
        for entry in std::fs::read_dir(directory.path()).unwrap() {
            let mode = entry.unwrap().metadata().unwrap().permissions().mode() & 0o777;
            assert_eq!(mode, 0o600);
            found += 1;
        }
        assert_eq!(found, 3, "the database, its log and its index");
    }

    #[test]
    fn opening_twice_keeps_what_is_there() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("solum.db");
        let connection = open_writer(&path).unwrap();
        connection
            .execute("INSERT INTO events (id, at, actor, kind) VALUES ('evt_1', 0, '{}', 'x')", [])
            .unwrap();
        drop(connection);
        let connection = open_writer(&path).unwrap();
        let count: i64 =
            connection.query_row("SELECT count(*) FROM events", [], |row| row.get(0)).unwrap();
        assert_eq!(count, 1);
    }
}
