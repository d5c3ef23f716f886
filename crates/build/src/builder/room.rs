//! The directories of one app, and the lock that leaves one call at a time in them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};
use types::AppId;

use super::BuildError;
use crate::blocking::blocking;

/// Every app's room.
#[derive(Debug)]
pub(super) struct Rooms {
    directory: PathBuf,
    locks: Mutex<HashMap<AppId, Weak<AsyncMutex<()>>>>,
}

/// One app's room, with nobody else in it. A clone belongs into whatever works in the room on another thread, so that
/// the room stays taken until that has ended too.
#[derive(Debug, Clone)]
pub(super) struct Room {
    directory: PathBuf,
    pub(super) uid: u32,
    _alone: Arc<OwnedMutexGuard<()>>,
}

/// There from the moment when a call enters the room until it leaves it in order.
const ENTERED: &str = "entered";
const TREE: &str = "tree";
const TEMPORARY: &str = "temporary";

/// A room whose call was broken off.
#[derive(Debug)]
pub(super) struct Abandoned(PathBuf);

impl Abandoned {
    /// Without what that call was working on.
    pub(super) fn clear_work(&self) -> Result<(), BuildError> {
        remove(&self.0.join(TEMPORARY))?;
        remove(&self.0.join(TREE))
    }

    pub(super) fn leave(&self) -> Result<(), BuildError> {
        remove(&self.0.join(ENTERED))
    }

    pub(super) fn clear(&self) -> Result<(), BuildError> {
        remove(&self.0)
    }
}

impl Rooms {
    pub(super) fn new(directory: PathBuf) -> Self {
        Self { directory, locks: Mutex::default() }
    }

    /// Waits until the room is free.
    pub(super) async fn enter(&self, app: AppId, uid: u32) -> Result<Room, BuildError> {
        let alone = self.lock(app).lock_owned().await;
        let directory = self.directory.join(app.to_string());
        let room = Room { directory, uid, _alone: Arc::new(alone) };
        let prepared = room.clone();
        blocking(move || prepared.prepare()).await?;
        Ok(room)
    }

    /// As [`Rooms::enter`], and takes all of it away.
    pub(super) async fn clear(&self, app: AppId) -> Result<(), BuildError> {
        let alone = self.lock(app).lock_owned().await;
        let directory = self.directory.join(app.to_string());
        blocking(move || {
            let _alone = alone;
            remove(&directory)
        })
        .await
    }

    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Every room that a call has entered and not left: its process was killed. Nobody may be in one.
    pub(super) fn abandoned(&self) -> Vec<Abandoned> {
        let entries = std::fs::read_dir(&self.directory).into_iter().flatten();
        let paths = entries.filter_map(Result::ok).map(|entry| entry.path());
        paths.filter(|path| path.join(ENTERED).exists()).map(Abandoned).collect()
    }

    fn lock(&self, app: AppId) -> Arc<AsyncMutex<()>> {
        let mut locks = self.locks.lock();
        locks.retain(|_, lock| lock.strong_count() > 0);
        if let Some(lock) = locks.get(&app).and_then(Weak::upgrade) {
            return lock;
        }
        let lock = Arc::new(AsyncMutex::new(()));
        locks.insert(app, Arc::downgrade(&lock));
        lock
    }
}

impl Room {
    /// The caches of tools; a box sees them at `/cache`.
    pub(super) fn cache(&self) -> PathBuf {
        self.directory.join("cache")
    }

    /// The tree that is built and tested in.
    pub(super) fn tree(&self) -> PathBuf {
        self.directory.join(TREE)
    }

    /// Installed dependencies, by key.
    pub(super) fn dependencies(&self) -> PathBuf {
        self.directory.join("dependencies")
    }

    /// A directory that `build.cache` names.
    pub(super) fn kept(&self, directory: &str) -> PathBuf {
        self.directory.join("kept").join(directory.replace('%', "%25").replace('/', "%2F"))
    }

    /// What scratch directories of dependencies stand for.
    pub(super) fn scratch(&self, name: &str) -> PathBuf {
        self.directory.join("scratch").join(name)
    }

    /// Things of one call: emptied before they are used.
    pub(super) fn temporary(&self, name: &str) -> PathBuf {
        self.directory.join(TEMPORARY).join(name)
    }

    pub(super) fn buildpacks(&self) -> PathBuf {
        self.directory.join("buildpacks")
    }

    /// The call has ended and left nothing that it should not have.
    pub(super) fn leave(&self) -> Result<(), BuildError> {
        Abandoned(self.directory.clone()).leave()
    }

    pub(super) fn clear_temporary(&self) -> Result<(), BuildError> {
        remove(&self.directory.join(TEMPORARY))
    }

    /// Without anything of this call.
    pub(super) fn clear_work(&self) -> Result<(), BuildError> {
        Abandoned(self.directory.clone()).clear_work()
    }

    /// Without anything at all: the next call begins anew.
    pub(super) fn clear(&self) -> Result<(), BuildError> {
        Abandoned(self.directory.clone()).clear()
    }

    fn prepare(&self) -> Result<(), BuildError> {
        // What goes first makes room for what comes.
        remove(&self.directory.join(TEMPORARY))?;
        std::fs::create_dir_all(&self.directory)
            .map_err(BuildError::io("create", &self.directory))?;
        let entered = self.directory.join(ENTERED);
        std::fs::File::create(&entered).map_err(BuildError::io("create", &entered))?;
        for directory in [self.dependencies(), self.buildpacks(), self.directory.join("kept")] {
            std::fs::create_dir_all(&directory).map_err(BuildError::io("create", &directory))?;
        }
        self.create_owned(&self.cache())?;
        self.create_owned(&self.cache().join("home"))?;
        self.create_owned(&self.tree())
    }

    /// A directory that belongs to the app's user. What stood there under another kind is removed.
    pub(super) fn create_owned(&self, path: &Path) -> Result<(), BuildError> {
        let is_dir = std::fs::symlink_metadata(path).is_ok_and(|found| found.is_dir());
        if !is_dir {
            remove(path)?;
            std::fs::create_dir_all(path).map_err(BuildError::io("create", path))?;
        }
        self.own(path)
    }

    /// Gives a file to the app's user. Not as root, everything is that user's anyway.
    pub(super) fn own(&self, path: &Path) -> Result<(), BuildError> {
        if !rustix::process::geteuid().is_root() {
            return Ok(());
        }
        std::os::unix::fs::lchown(path, Some(self.uid), Some(self.uid))
            .map_err(BuildError::io("change the owner of", path))
    }
}

/// Whatever stands there, if anything does. Symbolic links are not followed.
pub(super) fn remove(path: &Path) -> Result<(), BuildError> {
    let Ok(found) = std::fs::symlink_metadata(path) else { return Ok(()) };
    let removed =
        if found.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) };
    removed.map_err(BuildError::io("remove", path))
}
