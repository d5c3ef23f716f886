//! What is said between a shim and the server: lines of JSON over the socket `shim.sock`.
//!
//! The shim greets with its version and its state, and sends a line with its state after each change, until it ends and
//! the connection with it. Requests are not answered: what comes of one shows as a change.
//!
//! A server speaks its own version and the two before; a shim speaks one.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::state::State;

pub(crate) const VERSION: u32 = 1;

/// The oldest that a server still speaks.
pub(crate) const OLDEST: u32 = VERSION.saturating_sub(2);

/// No line is longer, in either direction.
pub(crate) const LONGEST_LINE: usize = 64 * 1024;

/// A line from the shim.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Update {
    pub(crate) protocol: u32,
    pub(crate) state: State,
}

/// A line to the shim.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Request {
    /// End the instance for good.
    Stop { grace_ms: u64 },
}

/// What a shim says on its standard output, once.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Report {
    Started {
        address: Option<SocketAddr>,
    },
    /// Another shim has the instance, or it has ended for good.
    Superfluous,
    /// Why it could not be started.
    Refused(String),
}
