use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::space::MIN_FREE_FILES;
use crate::boxes::{BoxError, BoxExit};
use crate::layer::PackError;
use crate::plan::PlanError;
use crate::store::StoreError;

/// Part of the work on an app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    Install,
    Test,
    Build,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Install => "installing the dependencies",
            Self::Test => "testing",
            Self::Build => "building",
        })
    }
}

/// Why there is no bundle, or the tests did not pass. Nothing is left running.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The app's own doing: its output is in the transcript.
    #[error("{stage} failed: `{command}` {}", Ended(*.exit))]
    Failed { stage: Stage, command: String, exit: BoxExit },
    #[error("it was cancelled")]
    Cancelled,
    /// There was, or came to be, less room on the disk than has to stay free. What ran was ended, and the room that it
    /// took is free again.
    #[error(
        "the server's disk ran full: {} MiB of it and {MIN_FREE_FILES} files have to stay free while an app is built", min_free_bytes >> 20
    )]
    DiskFull { min_free_bytes: u64 },
    /// What a buildpack or a manifest said turned out not to hold.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// What was built cannot be a bundle.
    #[error(transparent)]
    Pack(#[from] PackError),
    #[error(transparent)]
    Box(#[from] BoxError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("cannot {action} {}", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

impl BuildError {
    pub(super) fn io<'a>(
        action: &'static str,
        path: &'a Path,
    ) -> impl FnOnce(io::Error) -> Self + 'a {
        move |source| Self::Io { action, path: path.to_owned(), source }
    }

    /// What to do about it, where that is not plain from the transcript.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Plan(error) => error.hint(),
            Self::Failed { exit: BoxExit::OutOfMemory, .. } => {
                Some("give the server more memory, or have the command use less".to_owned())
            }
            Self::Failed { exit: BoxExit::Code(127), .. } => Some(
                "127 says that a program was not found; builds see the programs of /usr on the server"
                    .to_owned(),
            ),
            Self::DiskFull { .. } => Some(
                "have the commands write less, or ask whoever runs the server to make room on its disk"
                    .to_owned(),
            ),
            Self::Pack(PackError::PointsOutside { .. }) => {
                Some("replace the symbolic link by the file it stands for".to_owned())
            }
            _ => None,
        }
    }
}

struct Ended(BoxExit);

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            BoxExit::Code(code) => write!(f, "ended with exit code {code}"),
            BoxExit::Signal(signal) => write!(f, "was ended by signal {signal}"),
            BoxExit::OutOfMemory => f.write_str("ran out of memory"),
            BoxExit::TimedOut => f.write_str("took too long and was stopped"),
            BoxExit::Cancelled => f.write_str("was cancelled"),
        }
    }
}
