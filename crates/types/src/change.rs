use serde::{Deserialize, Serialize};

use crate::transition::{Transition, state_words};

/// Where a change to a deploy branch stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeState {
    /// Waits for the changes before it on the same branch.
    Queued,
    /// At the head of its branch's queue; its run decides.
    Active,
    /// The branch points at it.
    Landed,
    /// The branch does not point at it and never will because of this change.
    Refused,
}

state_words!(ChangeState {
    Queued => "queued",
    Active => "active",
    Landed => "landed",
    Refused => "refused",
});

impl Transition for ChangeState {
    fn allows(self, next: Self) -> bool {
        match self {
            Self::Queued => matches!(next, Self::Active | Self::Refused),
            Self::Active => matches!(next, Self::Landed | Self::Refused),
            Self::Landed | Self::Refused => false,
        }
    }

    fn is_terminal(self) -> bool {
        matches!(self, Self::Landed | Self::Refused)
    }
}
