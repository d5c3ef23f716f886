use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use crate::table::InvalidTable;

/// Why the router, or its client, could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("no router is running in {}", .0.display())]
    NotRunning(PathBuf),
    /// The caller works from old knowledge: somebody else has published a later table.
    #[error("the routing table {offered} is older than {current}, which is in force")]
    Stale { offered: u64, current: u64 },
    #[error("the routing table cannot be served")]
    InvalidTable(#[from] InvalidTable),
    #[error(
        "the instances {} are still in the routing table; take them out before draining them",
        .0.join(", ")
    )]
    StillRouted(Vec<String>),
    /// The generation is alive and did not answer; what it serves is not known.
    #[error("the router's {socket} did not answer within {seconds} s")]
    Unresponsive { socket: String, seconds: u64 },
    #[error(
        "the router's {socket} speaks protocol {theirs} and this program {ours}; upgrade the older one"
    )]
    Protocol { socket: String, theirs: u32, ours: u32 },
    #[error("the router's {socket} gave an answer that makes no sense: {message}")]
    Garbled { socket: String, message: String },
    #[error("the router refused: {0}")]
    Refused(String),
    #[error("cannot listen on {address}; is another program using it?")]
    Listen { address: SocketAddr, source: io::Error },
    #[error("a worker of the router panicked")]
    WorkerPanicked,
    #[error("cannot {action} {}", .path.display())]
    File { action: &'static str, path: PathBuf, source: io::Error },
    #[error("cannot {action}")]
    System { action: &'static str, source: io::Error },
}

impl Error {
    pub(crate) fn file(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { action, path, source }
    }

    pub(crate) fn system(action: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::System { action, source }
    }
}
