//! Tidying up: what a crash left behind, and what git collects as garbage.

use std::fs;
use std::path::Path;

use types::AppName;

use super::{CREATING, DELETING, Repositories, is_directory};
use crate::Error;
use crate::git::{Invocation, failed};

/// How git names the directory in which a push waits for its verdict.
const QUARANTINE: &str = "tmp_objdir-";

impl Repositories {
    /// Packs an app's repository, and drops what nothing refers to any more and is two days old, when enough
    /// has gathered to be worth it. Pushes and fetches may go on meanwhile.
    pub async fn maintain(&self, app: &AppName) -> Result<(), Error> {
        let path = self.path(app);
        if !is_directory(&path).await? {
            return Err(Error::NoRepository(app.clone()));
        }
        let output = Invocation::nice(self.git(), "gc", &self.inner.settings)
            .env("GIT_DIR", path)
            .args(["-c", "gc.auto=1000", "-c", "gc.autoPackLimit=20"])
            .args(["-c", "gc.pruneExpire=2.days.ago", "gc", "--auto", "--quiet"])
            .output()
            .await?;
        if output.status.success() { Ok(()) } else { Err(failed("gc", &output)) }
    }
}

/// Removes repositories that were being made or deleted, quarantined pushes, and locks whose holders died.
pub(super) fn sweep(directory: &Path) -> Result<(), Error> {
    for (name, path) in entries(directory)? {
        if name.starts_with(CREATING) || name.starts_with(DELETING) {
            super::remove(&path)?;
        } else if name.ends_with(".git") {
            sweep_repository(&path)?;
        }
    }
    Ok(())
}

fn sweep_repository(path: &Path) -> Result<(), Error> {
    for (name, quarantine) in entries(&path.join("objects"))? {
        if name.starts_with(QUARANTINE) {
            super::remove(&quarantine)?;
        }
    }
    for lock in ["HEAD.lock", "packed-refs.lock", "config.lock", "gc.pid.lock"] {
        remove_file(&path.join(lock))?;
    }
    sweep_locks(&path.join("refs"))
}

fn sweep_locks(directory: &Path) -> Result<(), Error> {
    for (name, path) in entries(directory)? {
        if path.is_dir() {
            sweep_locks(&path)?;
        } else if name.ends_with(".lock") {
            remove_file(&path)?;
        }
    }
    Ok(())
}

fn remove_file(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::io("removing a file", path)(error))
        }
        _ => Ok(()),
    }
}

fn entries(directory: &Path) -> Result<Vec<(String, std::path::PathBuf)>, Error> {
    let read = || {
        fs::read_dir(directory)?
            .map(|entry| entry.map(|e| (e.file_name().to_string_lossy().into_owned(), e.path())))
            .collect::<std::io::Result<_>>()
    };
    read().map_err(Error::io("reading a directory", directory))
}
