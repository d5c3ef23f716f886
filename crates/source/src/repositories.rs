//! The bare repositories of the apps: one directory each, named `APP.git`.
//!
//! What is true of every repository stands in one configuration file beside them and not in each, so
//! that a newer Solum changes it for all at once.
//!
//! The invariant: a directory `APP.git` is a complete repository. It appears and disappears by a rename; what a
//! crash left of either is swept when the directory is opened.

mod commits;
mod files;
mod history;
mod maintenance;
mod refs;
mod settings;

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use types::AppName;

use crate::Error;
use crate::git::{Git, Invocation};
pub use commits::CommitInfo;
pub use files::{EntryKind, FolderEntry};
pub use history::{PushedCommit, Signature};
pub use refs::{Advance, change_ref, check_branch};

/// Where the repositories are, and what they may cost.
#[derive(Debug, Clone)]
pub struct RepositoriesConfig {
    pub directory: PathBuf,
    /// The program whose `hook` subcommand git's hooks call: Solum itself.
    pub program: PathBuf,
    /// The socket on which [`HookServer`](crate::HookServer) listens.
    pub hook_socket: PathBuf,
    /// The most that one push may send, compressed.
    pub max_pack_bytes: u64,
    /// The most that a commit's files may take, checked out.
    pub max_tree_bytes: u64,
    /// Pushes are refused while the disk has less room than this, and never fill it further.
    pub min_free_bytes: u64,
}

/// All repositories that are hosted here. Clones are the same.
#[derive(Debug, Clone)]
pub struct Repositories {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    git: Git,
    config: RepositoriesConfig,
    settings: PathBuf,
}

const CREATING: &str = ".creating-";
const DELETING: &str = ".deleting-";

impl Repositories {
    /// Opens the directory, makes it if need be, writes the settings and the hooks that all repositories share, and
    /// sweeps what a crash left behind. No push may be under way.
    pub async fn open(git: Git, config: RepositoriesConfig) -> Result<Self, Error> {
        let settings = config.directory.join("git.config");
        let repositories = Self { inner: Arc::new(Inner { git, config, settings }) };
        let this = repositories.clone();
        blocking(move || {
            settings::write(&this.inner.config, &this.inner.settings)?;
            maintenance::sweep(this.directory())
        })
        .await?;
        Ok(repositories)
    }

    /// Makes an empty repository, unless there is one already.
    pub async fn create(&self, app: &AppName, default_branch: &str) -> Result<(), Error> {
        refs::branch_ref(default_branch)?;
        let path = self.path(app);
        if is_directory(&path).await? {
            return Ok(());
        }
        let unfinished = self.unique(CREATING, app);
        self.invoke("init")
            .args(["init", "--quiet", "--bare", "--template="])
            .arg(format!("--initial-branch={default_branch}"))
            .arg(&unfinished)
            .text()
            .await?;
        let directory = self.directory().to_owned();
        blocking(move || {
            settings::own(&unfinished)?;
            match std::fs::rename(&unfinished, &path) {
                Ok(()) => sync(&directory),
                // Somebody else made it at the same time.
                Err(_) if path.is_dir() => remove(&unfinished),
                Err(source) => Err(Error::Io { doing: "making a repository", path, source }),
            }
        })
        .await
    }

    /// Removes a repository with all that is in it; one that is not there is no error.
    pub async fn delete(&self, app: &AppName) -> Result<(), Error> {
        let path = self.path(app);
        let doomed = self.unique(DELETING, app);
        let directory = self.directory().to_owned();
        blocking(move || {
            match std::fs::rename(&path, &doomed) {
                Ok(()) => sync(&directory)?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                Err(source) => {
                    return Err(Error::Io { doing: "removing a repository", path, source });
                }
            }
            remove(&doomed)
        })
        .await
    }

    pub async fn exists(&self, app: &AppName) -> Result<bool, Error> {
        is_directory(&self.path(app)).await
    }

    /// The bytes that pushes may still take up on the disk.
    pub fn room(&self) -> Result<u64, Error> {
        let directory = self.directory();
        let disk = rustix::fs::statvfs(directory)
            .map_err(io::Error::from)
            .map_err(Error::io("asking for the free space of the disk", directory))?;
        Ok((disk.f_bavail * disk.f_frsize).saturating_sub(self.inner.config.min_free_bytes))
    }

    pub(crate) fn config(&self) -> &RepositoriesConfig {
        &self.inner.config
    }

    pub(crate) fn git(&self) -> &Git {
        &self.inner.git
    }

    pub(crate) fn path(&self, app: &AppName) -> PathBuf {
        self.directory().join(format!("{app}.git"))
    }

    /// One run of git under the settings of hosted repositories.
    pub(crate) fn invoke(&self, what: &'static str) -> Invocation {
        self.inner.git.invoke(what, Some(&self.inner.settings))
    }

    /// One run of git in an app's repository.
    pub(crate) async fn invoke_in(
        &self,
        app: &AppName,
        what: &'static str,
    ) -> Result<Invocation, Error> {
        let path = self.path(app);
        if !is_directory(&path).await? {
            return Err(Error::NoRepository(app.clone()));
        }
        Ok(self.invoke(what).env("GIT_DIR", path))
    }

    fn directory(&self) -> &Path {
        &self.inner.config.directory
    }

    fn unique(&self, prefix: &str, app: &AppName) -> PathBuf {
        self.directory().join(format!("{prefix}{app}-{:016x}", rand::random::<u64>()))
    }
}

async fn is_directory(path: &Path) -> Result<bool, Error> {
    match tokio::fs::metadata(path).await {
        Ok(found) => Ok(found.is_dir()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(source) => {
            Err(Error::Io { doing: "looking for a repository", path: path.to_owned(), source })
        }
    }
}

fn remove(path: &Path) -> Result<(), Error> {
    std::fs::remove_dir_all(path).map_err(Error::io("removing a directory", path))
}

fn sync(directory: &Path) -> Result<(), Error> {
    std::fs::File::open(directory)
        .and_then(|directory| directory.sync_all())
        .map_err(Error::io("writing a directory to the disk", directory))
}

/// Runs file system work where it may block.
pub(crate) async fn blocking<T: Send + 'static, E: Send + 'static>(
    work: impl FnOnce() -> Result<T, E> + Send + 'static,
) -> Result<T, E> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        // The runtime is shutting down, or the work panicked; both end this task as well.
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => std::future::pending().await,
        },
    }
}
