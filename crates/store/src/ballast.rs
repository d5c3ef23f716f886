//! A file beside the database that takes up room for nothing. It goes when the disk is full, so that what has happened can
//! still be recorded, and comes back when there is room again.
//!
//! It is looked after before each group of writes: with less than [`FLOOR`] bytes free it is dropped, with [`PLENTY`] it is
//! made again. So the first write that would find no room finds what the ballast held. Whoever writes on until that is gone
//! too gets [`Error::Full`](crate::Error::Full).
//!
//! What it cannot do: an app that goes on writing takes what was dropped as well. Where no ballast can be made, the store
//! works without, and the log says so once.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use rustix::fs::FallocateFlags;

/// What it takes up: some thousand results of steps.
const BYTES: u64 = 16 << 20;
/// With less room than this left it is dropped: more than one group of writes takes.
const FLOOR: u64 = 4 << 20;
/// With this much room it is made again; far enough from [`FLOOR`] that it does not come and go.
const PLENTY: u64 = 64 << 20;

#[derive(Debug)]
pub(crate) struct Ballast {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Held,
    Dropped,
    /// It could not be made. Not tried again before the next start.
    Impossible,
}

impl Ballast {
    /// Beside the database at `path`. Nothing is made yet.
    pub(crate) fn beside(path: &Path) -> Self {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".ballast");
        let path = path.with_file_name(name);
        let held = allocated(&path) >= BYTES;
        Self { path, state: Mutex::new(if held { State::Held } else { State::Dropped }) }
    }

    /// Drops it, or makes it again, as the room on the disk is.
    pub(crate) fn balance(&self) {
        let Some(free) = self.free() else { return };
        let mut state = self.state.lock();
        match *state {
            State::Held if free < FLOOR => *state = self.drop_file(),
            State::Dropped if free >= PLENTY => *state = self.make(),
            _ => {}
        }
    }

    /// For when a write has found the disk full.
    pub(crate) fn give_up(&self) {
        let mut state = self.state.lock();
        if *state == State::Held {
            *state = self.drop_file();
        }
    }

    fn free(&self) -> Option<u64> {
        let directory = self.path.parent()?;
        let disk = rustix::fs::statvfs(directory).ok()?;
        Some(disk.f_bavail * disk.f_frsize)
    }

    fn drop_file(&self) -> State {
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::error!(%error, path = %self.path.display(), "the disk is full, and its ballast cannot be removed");
                State::Held
            }
            _ => {
                tracing::warn!(
                    "the disk is full; the database goes on with the room of its ballast"
                );
                State::Dropped
            }
        }
    }

    fn make(&self) -> State {
        match allocate(&self.path) {
            Ok(()) => State::Held,
            Err(error) => {
                let _ = std::fs::remove_file(&self.path);
                tracing::warn!(%error, path = %self.path.display(), "no ballast can be made for a full disk");
                State::Impossible
            }
        }
    }
}

/// What the file takes up on the disk; nothing if it is not there.
fn allocated(path: &Path) -> u64 {
    std::fs::symlink_metadata(path).map_or(0, |found| found.blocks() * 512)
}

/// With blocks of its own. Where the file system cannot be asked for those, zeros are written.
fn allocate(path: &Path) -> io::Result<()> {
    let mut options = File::options();
    let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(path)?;
    match rustix::fs::fallocate(&file, FallocateFlags::empty(), 0, BYTES) {
        Ok(()) => {}
        Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => {
            let zeros = vec![0; 1 << 20];
            for _ in 0..BYTES >> 20 {
                file.write_all(&zeros)?;
            }
        }
        Err(error) => return Err(error.into()),
    }
    file.sync_all()
}

#[cfg(test)]
mod tests;
