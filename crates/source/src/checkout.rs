//! A commit's files, laid out in a directory of their own, without git's.
//!
//! They are what `git clone --recurse-submodules` would show. The invariant: the directory appears by a rename once
//! all of it is there and was checked. What a crash left is a hidden sibling, which the next attempt removes.

mod budget;
mod history;
mod lfs;
pub(crate) mod links;
mod modules;
mod tree;

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use types::{AppName, CommitId};

use crate::repositories::blocking;
use crate::{Error, Repositories};
pub(crate) use budget::Budget;
pub use history::History;
pub(crate) use modules::outgrown;
use tree::Listing;

/// Why a commit's files could not be laid out.
#[derive(Debug, thiserror::Error)]
pub enum CheckoutError {
    #[error("{} is there already", .0.display())]
    Occupied(PathBuf),
    #[error(
        "the symbolic link {link} points outside of the repository, at {target}; \
         let it point at a file inside, or remove it"
    )]
    LinkOutside { link: String, target: String },
    #[error("the files of the commit take up more than the {limit} bytes that are allowed")]
    TooLarge { limit: u64 },
    #[error("the commit has more than the {limit} files that are allowed")]
    TooManyFiles { limit: u64 },
    #[error("the submodule {path} cannot be fetched{}: {problem}", Address(.address.as_deref()))]
    Submodule { path: String, address: Option<String>, problem: SubmoduleProblem },
    #[error(transparent)]
    Git(#[from] Error),
}

/// What is wrong with a submodule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubmoduleProblem {
    #[error(
        ".gitmodules says nothing of it; add it with `git submodule add ADDRESS {0}`, or take it out with \
         `git rm --cached {0}`"
    )]
    Unknown(String),
    #[error("its address has to begin with https://, http:// or git://; change it in .gitmodules")]
    Scheme,
    #[error("submodules may be nested {0} deep at most")]
    TooDeep(usize),
    #[error("a commit may have {0} submodules at most")]
    TooMany(usize),
    #[error("it is larger than the {0} bytes that a push may have")]
    TooLarge(u64),
    #[error("its server did not deliver it within {0:?}")]
    TimedOut(Duration),
    #[error("its repository does not have the commit {0}; push that commit there first")]
    NoCommit(CommitId),
    #[error("{0}")]
    Refused(String),
}

/// What whoever pushed should know, though the files are there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CheckoutWarning {
    /// Files that git LFS keeps elsewhere.
    LfsPointers { first: String, count: usize },
}

impl fmt::Display for CheckoutWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LfsPointers { first, count: 1 } => {
                write!(
                    f,
                    "{first} is a git LFS pointer and not the file itself: LFS is not supported"
                )
            }
            Self::LfsPointers { first, count } => write!(
                f,
                "{first} and {} more are git LFS pointers and not the files themselves: LFS is not supported",
                count - 1
            ),
        }
    }
}

struct Address<'a>(Option<&'a str>);

impl fmt::Display for Address<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.map_or(Ok(()), |address| write!(f, " from {address}"))
    }
}

impl Part {
    /// A repository's commit by itself.
    pub(crate) fn whole(git_dir: PathBuf, commit: CommitId) -> Self {
        Self { git_dir, commit, place: PathBuf::new(), depth: 0 }
    }
}

/// How deep submodules may be nested, and how many there may be.
const DEPTH_BOUND: usize = 5;
const MODULE_BOUND: usize = 100;

/// One repository whose commit has a place in the tree.
pub(crate) struct Part {
    git_dir: PathBuf,
    commit: CommitId,
    /// Relative to the root.
    place: PathBuf,
    depth: usize,
}

impl Repositories {
    /// Lays out a commit's files as the directory `into`, which must not be there yet; its parent must. One attempt at
    /// a time for the same `into`.
    pub async fn checkout(
        &self,
        app: &AppName,
        commit: &CommitId,
        into: &Path,
    ) -> Result<Vec<CheckoutWarning>, CheckoutError> {
        if !self.exists(app).await? {
            return Err(Error::NoRepository(app.clone()).into());
        }
        let target = into.to_owned();
        let work = blocking(move || begin(&target)).await?;
        let root = work.path().join("tree");
        let first = Part::whole(self.path(app), commit.clone());
        let listing = match self.lay_out(first, work.path(), &root).await {
            Err(CheckoutError::Git(error @ Error::GitFailed { .. })) => {
                let there = self.has_commit(app, commit).await?;
                let missing = Error::NoCommit { app: app.clone(), commit: commit.clone() };
                return Err(if there { error } else { missing }.into());
            }
            other => other?,
        };
        let target = into.to_owned();
        blocking(move || finish(&work, &root, &target, listing)).await
    }

    /// The commit itself and then its submodules, and theirs.
    async fn lay_out(
        &self,
        first: Part,
        work: &Path,
        root: &Path,
    ) -> Result<Listing, CheckoutError> {
        let mut all = Listing::default();
        let mut budget = Budget::new(self.config().max_tree_bytes);
        let mut parts = VecDeque::from([first]);
        let mut fetched = 0;
        while let Some(part) = parts.pop_front() {
            let index = work.join("index");
            let listing = self.materialise(&part, root, &index, &mut budget).await?;
            let known = if listing.modules.is_empty() {
                BTreeMap::new()
            } else {
                self.module_addresses(&part).await?
            };
            for (path, commit) in &listing.modules {
                fetched += 1;
                let git_dir = work.join(format!("module-{fetched}"));
                let address = known.get(path).map(String::as_str);
                let refuse = |problem| modules::error(path, address, problem);
                if part.depth == DEPTH_BOUND {
                    return Err(refuse(SubmoduleProblem::TooDeep(DEPTH_BOUND)));
                }
                if fetched > MODULE_BOUND {
                    return Err(refuse(SubmoduleProblem::TooMany(MODULE_BOUND)));
                }
                self.fetch_module(path, address, commit, &git_dir).await?;
                let (commit, depth) = (commit.clone(), part.depth + 1);
                parts.push_back(Part { git_dir, commit, place: part.place.join(path), depth });
            }
            all.append(&part.place, listing);
        }
        Ok(all)
    }
}

/// Makes the hidden sibling in which the work is done.
fn begin(into: &Path) -> Result<tempfile::TempDir, CheckoutError> {
    let (Some(parent), Some(name)) = (into.parent(), into.file_name()) else {
        return Err(CheckoutError::Occupied(into.to_owned()));
    };
    match std::fs::symlink_metadata(into) {
        Ok(_) => return Err(CheckoutError::Occupied(into.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(Error::io("looking at a directory", into)(error).into()),
    }
    let prefix = format!(".{}.partial-", name.to_string_lossy());
    let make = || {
        for entry in std::fs::read_dir(parent)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(&prefix) {
                std::fs::remove_dir_all(entry.path())?;
            }
        }
        let work = tempfile::Builder::new().prefix(&prefix).tempdir_in(parent)?;
        std::fs::create_dir(work.path().join("tree"))?;
        Ok(work)
    };
    Ok(make().map_err(Error::io("preparing a checkout", into))?)
}

/// Checks what was laid out and puts it in its place.
fn finish(
    work: &tempfile::TempDir,
    root: &Path,
    into: &Path,
    listing: Listing,
) -> Result<Vec<CheckoutWarning>, CheckoutError> {
    links::check(root, &listing.links)?;
    let warnings = lfs::pointers(root, &listing.attributes)
        .map_err(Error::io("reading a checkout", work.path()))?;
    std::fs::rename(root, into).map_err(Error::io("finishing a checkout", into))?;
    Ok(warnings.into_iter().collect())
}
