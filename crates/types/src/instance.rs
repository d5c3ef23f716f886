use serde::{Deserialize, Serialize};

use crate::transition::{Transition, state_words};

/// What an instance is meant to be doing. What it *is* doing is observed, not stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InstanceState {
    /// Started, not yet trusted with traffic.
    Starting,
    /// Answered its health check; the router may send to it.
    Serving,
    /// Out of the routing table; in-flight requests may end until the deadline.
    Draining,
    /// To be stopped and forgotten.
    Stopping,
    Stopped,
}

state_words!(InstanceState {
    Starting => "starting",
    Serving => "serving",
    Draining => "draining",
    Stopping => "stopping",
    Stopped => "stopped",
});

impl Transition for InstanceState {
    fn allows(self, next: Self) -> bool {
        match self {
            Self::Starting => matches!(next, Self::Serving | Self::Stopping),
            Self::Serving => matches!(next, Self::Draining | Self::Stopping),
            Self::Draining => matches!(next, Self::Stopping),
            Self::Stopping => matches!(next, Self::Stopped),
            Self::Stopped => false,
        }
    }

    fn is_terminal(self) -> bool {
        matches!(self, Self::Stopped)
    }
}
