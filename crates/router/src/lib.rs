//! The data plane: it takes requests for host names and sends each to an instance of the app that
//! the name belongs to.
//!
//! What it is not: it decides nothing. Which instances there are, which release gets what share, and when an
//! instance goes away is told by the control plane, which may be away itself: the router
//! serves its last table, from disk if need be.
//!
//! Invariants: no request reaches an instance that a table has taken out (it is claimed under the lock that
//! a table is swapped under); no request reaches a program of another user than its instance's, however it came by the
//! address (where the kernel tells, `serve::upstream`); a request of which an instance may have seen a byte is never sent twice, but
//! for one that may be and met a kept connection that was being closed (`serve::proxy`); a
//! frame of a WebSocket is never cut by a drain that has time left.
//!
//! When it dies, connections in flight are lost and the next start serves from the table on disk.
//! When it is replaced nothing is lost: the successor takes over the listening sockets, and the old generation ends
//! with its last connection.

mod config;
mod control;
mod error;
mod framing;
mod generation;
mod headers;
mod host;
mod live;
mod metrics;
mod page;
mod serve;
mod shared;
mod split;
pub mod table;
mod table_file;
mod websocket;

pub use config::{Config, Limits, Timeouts};
pub use control::client::Client;
pub use control::{Drained, Generation, Status};
pub use error::Error;
pub use generation::{run, run_then};
pub use metrics::{Errors, Histogram, ReleaseMetrics, Requests};
