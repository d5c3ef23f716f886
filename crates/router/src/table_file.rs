//! The routing table on disk, from which a router that starts alone serves at once.
//!
//! Invariant: the file is always one whole table. It is written beside its name, synced, and renamed. Writers
//! take turns by a lock, and an older table never replaces a newer one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::FlockOperation;

use crate::Error;
use crate::table::{InvalidTable, RouteTable};

const NAME: &str = "table.json";
const NEW_NAME: &str = "table.json.new";
const LOCK_NAME: &str = "table.lock";

/// Why there is no table to start with.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreadable {
    #[error("it cannot be read")]
    Io(#[from] io::Error),
    #[error("it is not a routing table")]
    Syntax(#[from] serde_json::Error),
    #[error(transparent)]
    Invalid(#[from] InvalidTable),
}

/// Makes the router's directory, for its owner only.
pub(crate) fn create_directory(directory: &Path) -> Result<(), Error> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
        .map_err(Error::file("create", directory))
}

/// The table on disk; none when there never was one.
pub(crate) fn load(directory: &Path) -> Result<Option<RouteTable>, Unreadable> {
    let bytes = match fs::read(directory.join(NAME)) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let table: RouteTable = serde_json::from_slice(&bytes)?;
    table.validate()?;
    Ok(Some(table))
}

/// Replaces the table on disk, unless a later one is there. A file that cannot be read is replaced.
pub(crate) fn save(directory: &Path, table: &RouteTable) -> Result<(), Error> {
    table.validate()?;
    create_directory(directory)?;
    let _lock = lock(directory, LOCK_NAME)?;
    if let Ok(Some(current)) = load(directory)
        && current.revision > table.revision
    {
        return Err(Error::Stale { offered: table.revision, current: current.revision });
    }
    let bytes = serde_json::to_vec(table)
        .map_err(|error| Error::file("write", directory.join(NAME))(error.into()))?;
    replace(directory, &bytes).map_err(Error::file("write", directory.join(NAME)))
}

fn replace(directory: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = directory.join(NEW_NAME);
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&new, directory.join(NAME))?;
    File::open(directory)?.sync_all()
}

/// Takes the lock `name`, waiting for whoever has it. It is released when the file is dropped.
pub(crate) fn lock(directory: &Path, name: &str) -> Result<File, Error> {
    let path = directory.join(name);
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(Error::file("open", &path))?;
    rustix::fs::flock(&file, FlockOperation::LockExclusive)
        .map_err(|errno| Error::file("lock", path)(errno.into()))?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(revision: u64) -> RouteTable {
        RouteTable { revision, routes: Vec::new() }
    }

    #[test]
    fn what_was_saved_is_loaded() {
        let directory = tempfile::tempdir().unwrap();
        assert!(load(directory.path()).unwrap().is_none());
        save(directory.path(), &table(3)).unwrap();
        assert_eq!(load(directory.path()).unwrap(), Some(table(3)));
    }

    #[test]
    fn an_older_table_does_not_replace_a_newer_one() {
        let directory = tempfile::tempdir().unwrap();
        save(directory.path(), &table(3)).unwrap();
        let error = save(directory.path(), &table(2)).unwrap_err();
        assert!(matches!(error, Error::Stale { offered: 2, current: 3 }), "{error}");
        assert_eq!(load(directory.path()).unwrap(), Some(table(3)));
        save(directory.path(), &table(3)).unwrap();
    }

    #[test]
    fn a_corrupt_file_is_told_and_can_be_replaced() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join(NAME), "{\"revision\":").unwrap();
        assert!(matches!(load(directory.path()), Err(Unreadable::Syntax(_))));
        save(directory.path(), &table(1)).unwrap();
        assert_eq!(load(directory.path()).unwrap(), Some(table(1)));
    }
}
