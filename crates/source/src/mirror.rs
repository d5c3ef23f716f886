//! Actions of other repositories: `owner/repo` at a tag, a branch or a commit, out of a mirror that the administrator names.
//!
//! A mirror is git repositories at `BASE/owner/repo`, in a directory or behind HTTP. What a commit has is fetched once and
//! kept on a [`shelf`]: its objects, out of which single files are read, and its files, laid out for whoever runs them.
//!
//! It knows nothing of workflows: which file describes an action, and which run needs a commit, is somebody else's.
//!
//! The invariant: a commit on the shelf is whole, lies there under its own name and never changes. What a crash left of one is
//! swept when the shelf is opened. A mirror that is away or silent is told of within bounds, and keeps nobody from a commit
//! that is on the shelf already.

mod base;
mod fetch;
mod shelf;

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use types::{Clock, CommitId};

use crate::checkout::CheckoutError;
use crate::git::failed;
use crate::repositories::blocking;
use crate::{Error, Repositories};
pub use base::{ActionRepository, InvalidMirror, MirrorBase};
use shelf::Shelf;
pub use shelf::{Evicted, Room};

/// Fetches that are under way at once.
const FETCHES: usize = 4;
/// For how long a mirror that did not answer is not asked again.
const REST: Duration = Duration::from_secs(10);

/// Where actions come from, and what they may cost.
#[derive(Debug, Clone)]
pub struct MirrorConfig {
    /// Without one, only what is on the shelf is there.
    pub base: Option<MirrorBase>,
    /// Holds the shelf.
    pub directory: PathBuf,
    /// The most that one commit may take: on its way, and laid out.
    pub max_pack_bytes: u64,
    pub max_tree_bytes: u64,
    /// With more than this on the shelf nothing is added to it.
    pub max_bytes: u64,
    /// How long the mirror may take to say what a reference is.
    pub answer_timeout: Duration,
    /// How long it may take to hand over a commit, with the wait for others that are fetched.
    pub fetch_timeout: Duration,
}

/// Why something of the mirror is not to be had.
#[derive(Debug, Clone, thiserror::Error)]
pub enum MirrorError {
    #[error(
        "this server has no mirror: its administrator names one by `solum server --actions-mirror`"
    )]
    NoMirror,
    #[error("{0}")]
    Invalid(String),
    #[error("the mirror has no repository {0} that can be read without credentials")]
    NoRepository(ActionRepository),
    #[error("{repository} has no tag and no branch '{reference}' in the mirror{hint}")]
    NoReference { repository: ActionRepository, reference: String, hint: &'static str },
    #[error("{repository} has no commit {commit} in the mirror")]
    NoCommit { repository: ActionRepository, commit: CommitId },
    #[error("the mirror cannot be reached: {0}")]
    Unreachable(String),
    #[error("the mirror did not answer within {0:?}")]
    Silent(Duration),
    #[error("the mirror did not deliver {0} within {1:?}")]
    Slow(ActionRepository, Duration),
    #[error("{repository} cannot be fetched: {said}")]
    Refused { repository: ActionRepository, said: String },
    #[error("{0} is larger than the {1} bytes that an action may have")]
    TooLarge(ActionRepository, u64),
    #[error("the server keeps {bytes} bytes of actions already; {max_bytes} are the most")]
    Full { bytes: u64, max_bytes: u64 },
    #[error("the server's disk is nearly full")]
    DiskFull,
    #[error("{repository}: {problem}")]
    Files { repository: ActionRepository, problem: Arc<CheckoutError> },
    #[error("{repository} has a link or a folder at {path}, where a file has to be")]
    NotAFile { repository: ActionRepository, path: String },
    #[error("the server cannot keep actions")]
    Git(#[source] Arc<Error>),
}

impl From<Error> for MirrorError {
    fn from(error: Error) -> Self {
        Self::Git(Arc::new(error))
    }
}

impl MirrorError {
    /// Whether the same may be had a while later, with nothing changed by anybody who writes workflows.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(
            self,
            Self::Unreachable(_)
                | Self::Silent(_)
                | Self::Slow(..)
                | Self::Full { .. }
                | Self::DiskFull
        )
    }
}

/// The mirror, and what was fetched from it. Clones are the same.
#[derive(Debug, Clone)]
pub struct Mirror {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    repositories: Repositories,
    config: MirrorConfig,
    shelf: Arc<Shelf>,
    fetches: Semaphore,
    /// Since when it is left alone, and why.
    resting: Mutex<Option<(Instant, MirrorError)>>,
}

impl Mirror {
    /// Opens the shelf, made if need be, and sweeps what a crash left there.
    pub async fn open(
        repositories: Repositories,
        config: MirrorConfig,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        let directory = config.directory.clone();
        let shelf = Arc::new(blocking(move || Shelf::open(directory, clock)).await?);
        let fetches = Semaphore::new(FETCHES);
        let inner = Inner { repositories, config, shelf, fetches, resting: Mutex::default() };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The commit that a reference is now: a tag, else a branch of this name; or a commit, which stays itself. When this returns it is
    /// on the shelf.
    pub async fn resolve(
        &self,
        repository: &ActionRepository,
        reference: &str,
    ) -> Result<CommitId, MirrorError> {
        base::check_reference(reference)?;
        if let Ok(commit) = reference.parse::<CommitId>() {
            self.keep(repository, &commit).await?;
            return Ok(commit);
        }
        let (name, commit) = self.asked(self.look_up(repository, reference).await)?;
        if self.inner.shelf.take(repository, &commit)?.is_some() {
            return Ok(commit);
        }
        self.fetch(repository, &name, &commit).await
    }

    /// The directory with a commit's files. What is not on the shelf any more is fetched again.
    pub async fn keep(
        &self,
        repository: &ActionRepository,
        commit: &CommitId,
    ) -> Result<PathBuf, MirrorError> {
        if let Some(tree) = self.inner.shelf.take(repository, commit)? {
            return Ok(tree);
        }
        self.asked(self.look_for(repository).await)?;
        self.fetch(repository, commit.as_str(), commit).await?;
        Ok(self.tree(repository, commit))
    }

    /// Where [`keep`](Self::keep) has a commit's files, whether they are there or not.
    #[must_use]
    pub fn tree(&self, repository: &ActionRepository, commit: &CommitId) -> PathBuf {
        self.inner.shelf.tree(repository, commit)
    }

    /// The bytes of a file of a commit that is on the shelf; `None` if it has nothing at this path, relative to its root.
    pub async fn read_file(
        &self,
        repository: &ActionRepository,
        commit: &CommitId,
        path: &str,
        max_bytes: u64,
    ) -> Result<Option<Vec<u8>>, MirrorError> {
        let git_dir = self.inner.shelf.git_dir(repository, commit);
        let git =
            |what: &'static str| self.inner.repositories.invoke(what).env("GIT_DIR", &git_dir);
        let listed = git("ls-tree").args(["ls-tree", "-l", "-z", "--full-tree"]);
        let listed = listed.args([commit.as_str(), "--", path]).text().await?;
        // `100644 blob 257cc56…      12\tPATH\0`
        let Some((about, _)) = listed.split_once('\t') else { return Ok(None) };
        let about: Vec<&str> = about.split_ascii_whitespace().collect();
        let [mode, "blob", object, size] = about[..] else {
            return self.no_file(repository, path);
        };
        if mode == "120000" {
            return self.no_file(repository, path);
        }
        let bytes = size.parse().unwrap_or(u64::MAX);
        if bytes > max_bytes {
            return Err(Error::FileTooLarge { path: path.to_owned(), bytes, max_bytes }.into());
        }
        let file = git("cat-file").args(["cat-file", "blob", object]).output().await?;
        if !file.status.success() {
            return Err(failed("cat-file", &file).into());
        }
        Ok(Some(file.stdout))
    }

    /// What the shelf holds.
    #[must_use]
    pub fn room(&self) -> Room {
        Room { bytes: self.inner.shelf.bytes(), max_bytes: self.inner.config.max_bytes }
    }

    /// Removes what fetches have left that were broken off at least `age` ago.
    pub async fn sweep(&self, age: Duration) -> Result<(), Error> {
        let shelf = Arc::clone(&self.inner.shelf);
        blocking(move || shelf.sweep(age)).await
    }

    /// Commits of which nobody has asked for anything for `unused_for`, and that may go if nothing else needs them.
    pub async fn unused(
        &self,
        unused_for: Duration,
    ) -> Result<HashSet<(ActionRepository, CommitId)>, Error> {
        let shelf = Arc::clone(&self.inner.shelf);
        let entries = blocking(move || shelf.unused(unused_for)).await?;
        Ok(entries.into_iter().map(|entry| (entry.repository, entry.commit)).collect())
    }

    /// Takes commits away that `needed` does not have: all that were not used for `unused_for`, and of those that were not
    /// used for `young` the ones that were used longest ago, until no more than `bytes` are left.
    pub async fn evict(
        &self,
        needed: HashSet<(ActionRepository, CommitId)>,
        unused_for: Duration,
        young: Duration,
        bytes: u64,
    ) -> Result<Evicted, Error> {
        let shelf = Arc::clone(&self.inner.shelf);
        blocking(move || shelf.evict(&needed, unused_for, young, bytes)).await
    }

    fn no_file(
        &self,
        repository: &ActionRepository,
        path: &str,
    ) -> Result<Option<Vec<u8>>, MirrorError> {
        Err(MirrorError::NotAFile { repository: repository.clone(), path: path.to_owned() })
    }

    /// Keeps in mind whether the mirror answered.
    fn asked<T>(&self, answer: Result<T, MirrorError>) -> Result<T, MirrorError> {
        let mut resting = self.inner.resting.lock();
        match &answer {
            Err(error @ (MirrorError::Unreachable(_) | MirrorError::Silent(_))) => {
                // Of a directory nobody waits for an answer.
                let is_web = matches!(self.inner.config.base, Some(MirrorBase::Web(_)));
                if is_web && resting.is_none() {
                    *resting = Some((Instant::now(), error.clone()));
                }
            }
            _ => *resting = None,
        }
        answer
    }

    /// Why it is left alone now.
    fn resting(&self) -> Option<MirrorError> {
        let mut resting = self.inner.resting.lock();
        if resting.as_ref().is_some_and(|(since, _)| since.elapsed() >= REST) {
            *resting = None;
        }
        resting.as_ref().map(|(_, error)| error.clone())
    }
}
