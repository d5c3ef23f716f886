//! What an expression is evaluated over.

use super::value::Value;

/// Answers for everything that an expression names.
pub trait Scope {
    /// The context of this name, in lower case; `None` where there is none of that name, which is an error.
    fn context(&self, name: &str) -> Option<Value>;

    /// How things stand, for `success()`, `failure()` and `cancelled()`; `None` where those may not be asked.
    fn status(&self) -> Option<Status> {
        None
    }

    /// The digest of the files that match the patterns, or nothing if none does.
    fn hash_files(&self, _patterns: &[String]) -> Result<String, HashFilesError> {
        Err(HashFilesError::NotHere)
    }
}

/// How the steps before this one went, or the jobs that a job needs, with all of theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status {
    /// None failed, none was cancelled, none was skipped where that counts.
    pub success: bool,
    pub failure: bool,
    pub cancelled: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HashFilesError {
    #[error("there are no files to look at here")]
    NotHere,
    /// In words that may be shown.
    #[error("{0}")]
    Failed(String),
}
