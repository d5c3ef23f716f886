//! What is said between a server and the shim of a step: over its socket, a line of JSON each way, and that is all of the
//! connection. How a step goes on is not told but seen: in `state.json`, and when its shim ends.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub(super) const VERSION: u32 = 1;

/// No line is longer, in either direction.
pub(super) const LONGEST_LINE: usize = 4 * 1024;

/// How recent a lease is: whoever holds it now has a higher one than everybody before.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct Epoch(pub u64);

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How long a step that is told to end may take: SIGINT comes at once, and goes to every process of the box, as Ctrl-C at a
/// terminal does. What there is no time for is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Patience {
    /// Before SIGTERM to all of them.
    pub interrupt: Duration,
    /// Before SIGKILL of the whole box, after that.
    pub terminate: Duration,
}

impl Patience {
    /// None at all: SIGKILL at once.
    pub const NONE: Self = Self { interrupt: Duration::ZERO, terminate: Duration::ZERO };
}

impl Default for Patience {
    /// What GitHub's runner gives a step that is cancelled: ten seconds in all
    /// (<https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-cancellation>).
    fn default() -> Self {
        Self { interrupt: Duration::from_millis(7_500), terminate: Duration::from_millis(2_500) }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Request {
    pub(super) protocol: u32,
    pub(super) epoch: Epoch,
    pub(super) wish: Wish,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Wish {
    /// Nothing but to be its owner from now on.
    Own,
    End(Patience),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Answer {
    Done,
    /// Somebody with a higher epoch was here.
    Stale {
        held: Epoch,
    },
    /// The request was of another version than this one.
    Protocol(u32),
}
