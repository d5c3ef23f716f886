//! What hooks and server say to each other: one JSON document a line, one request, then replies until a verdict.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::push::{RefOutcome, RefUpdate};

/// Raised whenever the meaning of a message changes. Hooks are run from the program on the disk, which an upgrade may
/// have replaced under a running server.
pub(crate) const VERSION: u32 = 1;
/// The longest line that either side reads.
pub(crate) const LINE_BOUND: u64 = 8 << 20;
/// The most refs that one push may move.
pub(crate) const REF_BOUND: usize = 10_000;
/// The most push options, and the most bytes in one: git sends each in one packet.
pub(crate) const OPTION_BOUND: usize = 100;

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Request {
    pub(crate) version: u32,
    pub(crate) push: String,
    pub(crate) call: Call,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Call {
    PreReceive {
        updates: Vec<RefUpdate>,
        /// Where the objects are; `None` if the push brought none.
        quarantine: Option<PathBuf>,
    },
    ProcReceive {
        updates: Vec<RefUpdate>,
        options: Vec<String>,
        atomic: bool,
    },
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reply {
    /// For the person who pushes.
    Line(String),
    /// The server is still there.
    Alive,
    Admitted,
    /// With what to tell the person who pushes.
    Rejected(String),
    /// One for each update, in order.
    Decided(Vec<RefOutcome>),
}
