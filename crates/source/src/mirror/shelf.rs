//! Commits of actions on the disk: `OWNER/REPO/COMMIT/`, with `git`, its objects, `tree`, its files, and `about`, whose time is
//! when the commit was last asked for.
//!
//! The invariant: a directory `COMMIT` appears and disappears by a rename, and what is in it does not change. Whoever asked for
//! one lately finds it there: [`Shelf::take`] and [`Shelf::evict`] exclude each other.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;
use types::{Clock, CommitId};

use super::{ActionRepository, MirrorError};
use crate::Error;

const FETCHING: &str = ".fetching-";
const DELETING: &str = ".deleting-";
const ABOUT: &str = "about";

/// What the shelf holds, and may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    pub bytes: u64,
    pub max_bytes: u64,
}

impl Room {
    #[must_use]
    pub fn is_used_up(&self) -> bool {
        self.bytes >= self.max_bytes
    }
}

/// What was taken away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Evicted {
    pub commits: usize,
    pub bytes: u64,
}

#[derive(Debug)]
pub(super) struct Shelf {
    directory: PathBuf,
    clock: Arc<dyn Clock>,
    /// What is on it, together.
    bytes: Mutex<u64>,
}

/// A commit that is there.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) repository: ActionRepository,
    pub(super) commit: CommitId,
    path: PathBuf,
    bytes: u64,
    used: SystemTime,
}

impl Shelf {
    pub(super) fn open(directory: PathBuf, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let failed = |source| Error::Io {
            doing: "opening the shelf of actions",
            path: directory.clone(),
            source,
        };
        fs::DirBuilder::new().recursive(true).mode(0o711).create(&directory).map_err(failed)?;
        let shelf = Self { directory: directory.clone(), clock, bytes: Mutex::default() };
        shelf.sweep(Duration::ZERO)?;
        let bytes = shelf.all()?.iter().map(|entry| entry.bytes).sum();
        *shelf.bytes.lock() = bytes;
        Ok(shelf)
    }

    /// Removes what is neither there nor gone, and has been so for `age`: what a git that was told to end still wrote.
    pub(super) fn sweep(&self, age: Duration) -> Result<(), Error> {
        let before = self.now().checked_sub(age).unwrap_or(SystemTime::UNIX_EPOCH);
        let sweep = || {
            for (name, path) in entries(&self.directory)? {
                if !name.starts_with(FETCHING) && !name.starts_with(DELETING) {
                    continue;
                }
                let changed = modified(&path)?;
                if changed.is_some_and(|changed| age.is_zero() || changed <= before) {
                    fs::remove_dir_all(path)?;
                }
            }
            Ok(())
        };
        sweep().map_err(Error::io("sweeping the shelf of actions", &self.directory))
    }

    pub(super) fn bytes(&self) -> u64 {
        *self.bytes.lock()
    }

    pub(super) fn tree(&self, repository: &ActionRepository, commit: &CommitId) -> PathBuf {
        self.place(repository, commit).join("tree")
    }

    pub(super) fn git_dir(&self, repository: &ActionRepository, commit: &CommitId) -> PathBuf {
        self.place(repository, commit).join("git")
    }

    /// The files of a commit that is there, which from now on counts as used.
    pub(super) fn take(
        &self,
        repository: &ActionRepository,
        commit: &CommitId,
    ) -> Result<Option<PathBuf>, MirrorError> {
        let place = self.place(repository, commit);
        let about = place.join(ABOUT);
        let _held = self.bytes.lock();
        let touched = fs::File::options().write(true).open(&about);
        match touched.and_then(|file| file.set_modified(self.now())) {
            Ok(()) => Ok(Some(place.join("tree"))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io("using an action", &about)(error).into()),
        }
    }

    /// A directory to fetch into, which goes away unless it is [put](Self::put) into its place.
    pub(super) fn begin(&self) -> Result<tempfile::TempDir, MirrorError> {
        let made = tempfile::Builder::new().prefix(FETCHING).tempdir_in(&self.directory);
        Ok(made.map_err(Error::io("making a directory", &self.directory))?)
    }

    /// Puts what was fetched and laid out into its place, unless somebody else has by now.
    pub(super) fn put(
        &self,
        work: tempfile::TempDir,
        repository: &ActionRepository,
        commit: &CommitId,
    ) -> Result<(), MirrorError> {
        let place = self.place(repository, commit);
        self.keep(work, &place).map_err(Error::io("keeping an action", &place)).map_err(Into::into)
    }

    fn keep(&self, work: tempfile::TempDir, place: &Path) -> io::Result<()> {
        open_to_all(&work.path().join("tree"))?;
        let bytes = size(&work.path().join("git"))? + size(&work.path().join("tree"))?;
        let about = work.path().join(ABOUT);
        fs::write(&about, bytes.to_string())?;
        fs::File::options().write(true).open(&about)?.set_modified(self.now())?;
        // The directory itself is nobody's business: it is only walked through.
        fs::set_permissions(work.path(), fs::Permissions::from_mode(0o711))?;
        // All of it, before it is there under its name.
        rustix::fs::syncfs(fs::File::open(work.path())?)?;
        let mut held = self.bytes.lock();
        for above in [place.ancestors().nth(2), place.parent()].into_iter().flatten() {
            fs::DirBuilder::new().recursive(true).create(above)?;
            fs::set_permissions(above, fs::Permissions::from_mode(0o711))?;
        }
        match fs::rename(work.path(), place) {
            Ok(()) => {
                *held += bytes;
                // It has moved: nothing is left to remove.
                let _ = work.keep();
                Ok(())
            }
            Err(_) if place.is_dir() => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// What was not used for so long.
    pub(super) fn unused(&self, unused_for: Duration) -> Result<Vec<Entry>, Error> {
        let before = self.now().checked_sub(unused_for).unwrap_or(SystemTime::UNIX_EPOCH);
        Ok(self.all()?.into_iter().filter(|entry| entry.used <= before).collect())
    }

    pub(super) fn evict(
        &self,
        needed: &HashSet<(ActionRepository, CommitId)>,
        unused_for: Duration,
        young: Duration,
        bytes: u64,
    ) -> Result<Evicted, Error> {
        let ago = |age| self.now().checked_sub(age).unwrap_or(SystemTime::UNIX_EPOCH);
        let (old, not_young) = (ago(unused_for), ago(young));
        let mut entries = self.all()?;
        entries.retain(|it| !needed.contains(&(it.repository.clone(), it.commit.clone())));
        entries.sort_by_key(|entry| entry.used);
        let mut evicted = Evicted::default();
        for entry in entries {
            let goes = entry.used <= old || (entry.used <= not_young && self.bytes() > bytes);
            if goes && self.remove(&entry, not_young.max(old))? {
                evicted.commits += 1;
                evicted.bytes += entry.bytes;
            }
        }
        Ok(evicted)
    }

    /// Unless it was used after `not_since`, which somebody may have done by now.
    fn remove(&self, entry: &Entry, not_since: SystemTime) -> Result<bool, Error> {
        let failed =
            |source| Error::Io { doing: "removing an action", path: entry.path.clone(), source };
        let doomed = self.directory.join(format!("{DELETING}{:016x}", rand::random::<u64>()));
        {
            let mut held = self.bytes.lock();
            let used = modified(&entry.path.join(ABOUT)).map_err(failed)?;
            if used.is_none_or(|used| used > not_since) {
                return Ok(false);
            }
            fs::rename(&entry.path, &doomed).map_err(failed)?;
            *held = held.saturating_sub(entry.bytes);
            // Those that are not empty stay.
            let mut above = entry.path.ancestors().skip(1).take(2);
            while above.next().is_some_and(|above| fs::remove_dir(above).is_ok()) {}
        }
        fs::remove_dir_all(&doomed).map_err(failed)?;
        Ok(true)
    }

    fn all(&self) -> Result<Vec<Entry>, Error> {
        let read = || {
            let mut all = Vec::new();
            for (owner, path) in entries(&self.directory)? {
                for (name, path) in entries(&path)? {
                    let Ok(repository) = format!("{owner}/{name}").parse::<ActionRepository>()
                    else {
                        continue;
                    };
                    for (commit, path) in entries(&path)? {
                        all.extend(entry(repository.clone(), &commit, path)?);
                    }
                }
            }
            Ok(all)
        };
        read().map_err(Error::io("reading the shelf of actions", &self.directory))
    }

    fn place(&self, repository: &ActionRepository, commit: &CommitId) -> PathBuf {
        let directory = self.directory.join(repository.owner()).join(repository.name());
        directory.join(commit.as_str())
    }

    fn now(&self) -> SystemTime {
        self.clock.now().into()
    }
}

/// `None` where somebody else has taken it away meanwhile.
fn modified(path: &Path) -> io::Result<Option<SystemTime>> {
    match fs::metadata(path).and_then(|it| it.modified()) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        found => found.map(Some),
    }
}

fn entry(repository: ActionRepository, commit: &str, path: PathBuf) -> io::Result<Option<Entry>> {
    let Ok(commit) = commit.parse() else { return Ok(None) };
    let about = path.join(ABOUT);
    let Some(used) = modified(&about)? else { return Ok(None) };
    let text = match fs::read_to_string(&about) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        text => text?,
    };
    let bytes = text.trim().parse().unwrap_or(0);
    Ok(Some(Entry { repository, commit, path, bytes, used }))
}

/// Of a directory; none where there is no such directory, or something else.
fn entries(directory: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let read = match fs::read_dir(directory) {
        Err(error)
            if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) =>
        {
            return Ok(Vec::new());
        }
        read => read?,
    };
    read.map(|entry| entry.map(|it| (it.file_name().to_string_lossy().into_owned(), it.path())))
        .collect()
}

/// Every user may read the tree and nobody but ours may write to it: it is shared by the steps of all apps.
fn open_to_all(tree: &Path) -> io::Result<()> {
    let mut ahead = vec![tree.to_owned()];
    while let Some(path) = ahead.pop() {
        let found = fs::symlink_metadata(&path)?;
        let mode = match () {
            () if found.is_dir() => 0o755,
            () if found.is_symlink() => continue,
            () if found.mode() & 0o100 != 0 => 0o755,
            () => 0o644,
        };
        fs::set_permissions(&path, fs::Permissions::from_mode(mode))?;
        if found.is_dir() {
            ahead.extend(entries(&path)?.into_iter().map(|(_, path)| path));
        }
    }
    Ok(())
}

/// What a tree takes up on the disk.
fn size(tree: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    let mut ahead = vec![tree.to_owned()];
    while let Some(path) = ahead.pop() {
        let found = fs::symlink_metadata(&path)?;
        bytes += found.blocks() * 512;
        if found.is_dir() {
            ahead.extend(entries(&path)?.into_iter().map(|(_, path)| path));
        }
    }
    Ok(bytes)
}
