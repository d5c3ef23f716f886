//! Room on the disk. Whatever runs out of a repository may fill it, and then nothing else on the machine works any more: so
//! it is watched while a box runs, and what a call that failed has written is taken away before the call returns.

use std::path::PathBuf;
use std::time::Duration;

use super::{BuildError, Job};
use crate::blocking::blocking;

/// How often the disk is looked at while a box runs: one system call.
const LOOK: Duration = Duration::from_millis(100);
/// Files, directories and links that can still be made; where the file system counts them.
pub(super) const MIN_FREE_FILES: u64 = 4_096;

/// The disk that the rooms are on, and what has to stay free of it.
#[derive(Debug, Clone)]
pub(crate) struct Space {
    /// There, or below a directory that is.
    pub(crate) directory: PathBuf,
    pub(crate) min_free_bytes: u64,
}

impl Space {
    /// A disk that cannot be asked counts as one with room: what comes next meets the fault itself.
    pub(crate) fn is_short(&self) -> bool {
        let known = self.directory.ancestors().find_map(|path| rustix::fs::statvfs(path).ok());
        known.is_some_and(|disk| {
            let files_are_counted = disk.f_files > 0;
            disk.f_bavail.saturating_mul(disk.f_frsize) < self.min_free_bytes
                || (files_are_counted && disk.f_favail < MIN_FREE_FILES)
        })
    }

    /// Returns once there is too little room.
    pub(super) async fn ran_short(&self) {
        while !self.is_short() {
            tokio::time::sleep(LOOK).await;
        }
    }

    pub(super) fn error(&self) -> BuildError {
        BuildError::DiskFull { min_free_bytes: self.min_free_bytes }
    }
}

impl Job<'_> {
    /// Leaves the room as it has to be after `result`: with what the next call builds on, or without what a failed one has
    /// written.
    pub(super) async fn conclude<T>(&self, result: Result<T, BuildError>) -> Result<T, BuildError> {
        let result = match result {
            // A command, or we, met the full disk before the watch did.
            Err(error) if is_about_the_disk(&error) && self.space.is_short() => {
                Err(self.space.error())
            }
            result => result,
        };
        let cleared = match &result {
            Ok(_) => self.room.leave(),
            Err(error) => self.clear_after(error).await,
        };
        if let Err(error) = cleared {
            self.transcript.warning(&format!("What was written is not all taken away: {error}"));
        }
        result
    }

    async fn clear_after(&self, error: &BuildError) -> Result<(), BuildError> {
        let (room, space) = (self.room.clone(), self.space.clone());
        let keeps_tree = matches!(error, BuildError::Failed { .. });
        let ran_full = matches!(error, BuildError::DiskFull { .. });
        if keeps_tree && self.sync().await.is_ok() {
            // As before the call. Tools that go by the times of files do not begin anew because of a test that fails.
            return blocking(move || room.clear_temporary().and_then(|()| room.leave())).await;
        }
        let emptied = blocking(move || {
            room.clear_work()?;
            let too_little = ran_full && space.is_short();
            if too_little { room.clear() } else { room.leave() }?;
            Ok::<_, BuildError>(too_little)
        });
        if emptied.await? {
            self.transcript.line("The app's build caches were removed to make room");
        }
        Ok(())
    }
}

/// The rest says what is wrong with the app, or was asked for.
fn is_about_the_disk(error: &BuildError) -> bool {
    !matches!(error, BuildError::Cancelled | BuildError::Plan(_) | BuildError::DiskFull { .. })
}
