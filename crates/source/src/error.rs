use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

use types::{AppName, CommitId};

use crate::git::GitVersion;

/// Why something about a hosted repository did not work.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "git was not found in PATH; Solum needs git {oldest} or newer (Debian and Ubuntu: apt-get install git)",
        oldest = GitVersion::OLDEST
    )]
    GitMissing,
    #[error(
        "{} is git {found}, and Solum needs git {oldest} or newer; install a newer one, or put it first in PATH",
        .program.display(), oldest = GitVersion::OLDEST
    )]
    GitTooOld { program: PathBuf, found: GitVersion },
    #[error("{} does not answer `git version` as git does", .program.display())]
    GitUnknown { program: PathBuf, source: crate::git::InvalidGitVersion },
    #[error("git could not be run ({what})")]
    GitNotStarted { what: &'static str, source: io::Error },
    #[error("git did not finish within {after:?} ({what})")]
    GitTimedOut { what: &'static str, after: Duration },
    #[error("git failed ({what}, {status}): {stderr}")]
    GitFailed { what: &'static str, status: ExitStatus, stderr: String },
    #[error("git said nothing where it had to answer ({what}): {stderr}")]
    GitSilent { what: &'static str, stderr: String },

    #[error("{0} has no repository here")]
    NoRepository(AppName),
    #[error("the repository of {app} has no commit {commit}")]
    NoCommit { app: AppName, commit: CommitId },
    #[error("{path} is {bytes} bytes long; {max_bytes} are the most")]
    FileTooLarge { path: String, bytes: u64, max_bytes: u64 },
    #[error("`{0}` cannot be the name of a branch")]
    InvalidBranch(String),
    #[error("the directory of the repositories cannot be used, its path has a line break: {0:?}")]
    UnusablePath(PathBuf),
    #[error("{doing} failed: {}", .path.display())]
    Io { doing: &'static str, path: PathBuf, source: io::Error },
}

impl Error {
    /// For `map_err`: names what was being done, and to what.
    pub(crate) fn io(
        doing: &'static str,
        path: &std::path::Path,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { doing, path, source }
    }
}
