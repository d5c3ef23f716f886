use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use types::{Digest, InstanceId, StackMismatch};

use crate::boxes::BoxError;

/// What goes wrong with an instance that was started, or with a target as a whole.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("instance {0} is not on this target")]
    Absent(InstanceId),
    #[error("instance {0} still runs; it has to be stopped first")]
    StillRunning(InstanceId),
    #[error("the shim of instance {id} did not answer within {after:?}")]
    Silent { id: InstanceId, after: Duration },
    #[error(
        "the shim of instance {id} speaks protocol {theirs}, and this server only {oldest} to {newest}; \
         restart the instance with the server that started it, or stop it by hand"
    )]
    Protocol { id: InstanceId, theirs: u32, oldest: u32, newest: u32 },
    #[error(transparent)]
    Box(#[from] BoxError),
    #[error(transparent)]
    Start(#[from] StartError),
    #[error("cannot {action} {}", .path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

impl Error {
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}

/// Why an instance could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// [`prepare`](crate::Driver::prepare) comes first, and again after a reboot.
    #[error("layer {} of the bundle is not laid out on this target", .0.short())]
    NotPrepared(Digest),
    #[error("the value of {0} holds a NUL byte, which no environment can carry")]
    NulInVariable(String),
    #[error(
        "the environment is {bytes} bytes long, more than the {limit} that a process can be given"
    )]
    EnvironmentTooLarge { bytes: usize, limit: usize },
    /// The shim said so, in these words.
    #[error("the instance could not be started: {0}")]
    Refused(String),
    #[error("it cannot be seen whether the instance runs already")]
    Unseen(#[source] Box<Error>),
    #[error("the shim did not report within {0:?}")]
    Silent(Duration),
    #[error("cannot {action} {}", .path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

impl StartError {
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}

/// Why a bundle could not be laid out.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    #[error("the bundle does not run here")]
    Stack(#[from] StackMismatch),
    /// A layer holds what no layer may hold. Nobody's mistake but the bundle's.
    #[error("layer {} is refused: {reason}", .layer.short())]
    Layer { layer: Digest, reason: String },
    #[error("cannot {action} {}", .path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

impl PrepareError {
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}
