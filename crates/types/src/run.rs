use serde::{Deserialize, Serialize};

use crate::transition::{Transition, state_words};

/// Where a run stands, as users see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Recorded; something before it in its queue has to end first.
    Queued,
    Running,
    /// Nothing can go on until a person, a timer or another system says so.
    Waiting,
    Succeeded,
    Failed,
    Cancelled,
}

state_words!(RunStatus {
    Queued => "queued",
    Running => "running",
    Waiting => "waiting",
    Succeeded => "succeeded",
    Failed => "failed",
    Cancelled => "cancelled",
});

impl Transition for RunStatus {
    fn allows(self, next: Self) -> bool {
        use RunStatus::{Cancelled, Failed, Queued, Running, Succeeded, Waiting};
        match self {
            Queued => matches!(next, Running | Failed | Cancelled),
            Running => matches!(next, Waiting | Succeeded | Failed | Cancelled),
            Waiting => matches!(next, Running | Succeeded | Failed | Cancelled),
            Succeeded | Failed | Cancelled => false,
        }
    }

    fn is_terminal(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_status_is_never_left() {
        for from in RunStatus::ALL.iter().copied().filter(|status| status.is_terminal()) {
            for to in RunStatus::ALL.iter().copied() {
                assert!(from.to(to).is_err(), "{from} must not go to {to}");
            }
        }
    }

    #[test]
    fn every_status_reads_back_from_its_word() {
        for status in RunStatus::ALL {
            assert_eq!(status.as_str().parse::<RunStatus>().unwrap(), *status);
        }
    }
}
