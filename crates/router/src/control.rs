//! What is said on a generation's control socket: one command and one reply per connection, each a
//! line of JSON, with the number of the protocol.
//!
//! Every generation that still serves has a socket of its own in the router's directory,
//! `generation-N.sock`; the one with the highest number accepts connections. A socket that
//! refuses belongs to a generation that died.

pub(crate) mod client;
pub(crate) mod handover;
pub(crate) mod server;
pub(crate) mod socket;

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use types::InstanceId;

use crate::metrics::ReleaseMetrics;
use crate::table::RouteTable;

/// What this program speaks.
pub(crate) const PROTOCOL: u32 = 1;
/// The oldest protocol that this program still understands.
pub(crate) const OLDEST_PROTOCOL: u32 = 1;

/// The longest line that is read: a table of some 100,000 instances.
pub(crate) const MAX_LINE: usize = 32 << 20;

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Request {
    pub(crate) protocol: u32,
    pub(crate) command: Command,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Command {
    Apply(RouteTable),
    Drain {
        instances: Vec<InstanceId>,
        deadline_ms: u64,
    },
    Status,
    Metrics,
    /// The reply carries the listening sockets as file descriptors.
    HandOver,
    /// The successor accepts now: accept no more, and end with the last connection. When it did not take over
    /// the listening sockets, they are closed.
    Retire {
        took_over: bool,
    },
    /// What a generation that ends has counted, so that the sums never go down.
    Absorb(Vec<ReleaseMetrics>),
    Stop,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Response {
    pub(crate) protocol: u32,
    pub(crate) reply: Reply,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reply {
    Done,
    Drained(Drained),
    Status(Box<Generation>),
    Metrics(Vec<ReleaseMetrics>),
    Listeners(Vec<SocketAddr>),
    Stale { current: u64 },
    StillRouted(Vec<InstanceId>),
    Unsupported { protocol: u32 },
    Refused(String),
}

/// How a drain ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drained {
    /// Requests and upgraded connections that were still under way at the deadline, and were cut.
    /// Empty when everything ended by itself.
    pub cut: BTreeMap<InstanceId, u64>,
}

impl Drained {
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.cut.is_empty()
    }
}

/// The generations that serve, the accepting one first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Status {
    pub generations: Vec<Generation>,
}

impl Status {
    /// The generation that takes new connections.
    #[must_use]
    pub fn accepting(&self) -> Option<&Generation> {
        self.generations.iter().find(|generation| generation.accepting)
    }
}

/// One router process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Generation {
    pub number: u64,
    pub pid: u32,
    /// The version of the program.
    pub version: String,
    pub protocol: u32,
    pub listen: SocketAddr,
    /// Of the routing table that it serves; 0 for none.
    pub revision: u64,
    /// Open client connections.
    pub connections: usize,
    /// Requests and upgraded connections under way.
    pub in_flight: usize,
    /// Requests that wait for an instance.
    pub held: usize,
    pub accepting: bool,
    /// Why the table on disk could not be read at start, until a good one is applied.
    pub table_error: Option<String>,
}
