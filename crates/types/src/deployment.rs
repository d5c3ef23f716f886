use serde::{Deserialize, Serialize};

use crate::transition::{Transition, state_words};

/// How far a deployment has come. Each state names the work that is *being done* in it, so that a
/// reconciler that finds the row knows what to do next, whoever wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeploymentState {
    /// Another deployment of the environment is under way.
    Queued,
    /// The artifact is being laid out on the target.
    Preparing,
    /// The `release` command runs.
    Releasing,
    /// The old instances are being stopped before the new ones start (strategy `recreate` only);
    /// the router holds the requests meanwhile.
    Stopping,
    /// New instances start and have to answer their health checks.
    Starting,
    /// The router is being told.
    Switching,
    /// It serves.
    Succeeded,
    /// What was started for it is being taken away again; then it is `Failed`.
    Aborting,
    Failed,
    Cancelled,
}

state_words!(DeploymentState {
    Queued => "queued",
    Preparing => "preparing",
    Releasing => "releasing",
    Stopping => "stopping",
    Starting => "starting",
    Switching => "switching",
    Succeeded => "succeeded",
    Aborting => "aborting",
    Failed => "failed",
    Cancelled => "cancelled",
});

impl Transition for DeploymentState {
    fn allows(self, next: Self) -> bool {
        use DeploymentState::{
            Aborting, Cancelled, Failed, Preparing, Queued, Releasing, Starting, Stopping,
            Succeeded, Switching,
        };
        match self {
            Queued => matches!(next, Preparing | Cancelled),
            Preparing => matches!(next, Releasing | Stopping | Starting | Aborting),
            Releasing => matches!(next, Stopping | Starting | Aborting),
            Stopping => matches!(next, Starting | Aborting),
            Starting => matches!(next, Switching | Aborting),
            // Past this point traffic may have moved: forward is the only way out.
            Switching => matches!(next, Succeeded),
            Aborting => matches!(next, Failed | Cancelled),
            Succeeded | Failed | Cancelled => false,
        }
    }

    fn is_terminal(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

/// The part of a deployment that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailedPhase {
    Preparing,
    Releasing,
    Stopping,
    Starting,
}

state_words!(FailedPhase {
    Preparing => "preparing",
    Releasing => "releasing",
    Stopping => "stopping",
    Starting => "starting",
});
