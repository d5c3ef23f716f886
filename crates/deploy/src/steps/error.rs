use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Epoch, StepKey};
use crate::StartError;

/// What goes wrong with a step. None of these says how its command ended.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// Somebody else carries the step out now; whoever is told this has to stop doing so.
    #[error("step {key} belongs to the owner of lease {held}, and this is the owner of {shown}")]
    Stale { key: StepKey, held: Epoch, shown: Epoch },
    #[error("step {0} still runs; it has to end first")]
    StillRunning(StepKey),
    #[error("the shim of step {key} did not answer within {after:?}")]
    Silent { key: StepKey, after: Duration },
    #[error(
        "the shim of step {key} speaks protocol {theirs} and this server {ours}; end the step with the server \
         that started it, or by hand"
    )]
    Protocol { key: StepKey, theirs: u32, ours: u32 },
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

impl StepError {
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }
}
