use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use crate::{Error, Exit};

/// An instance answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready {
    /// Where; `None` for a process that serves nothing.
    pub address: Option<SocketAddr>,
    pub by: ReadyBy,
    /// From the call to the answer.
    pub after: Duration,
}

/// What counted as the good answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadyBy {
    /// An HTTP status below the one that counts as a failure.
    Answered { path: String, status: u16 },
    /// It accepts connections and does not speak HTTP.
    OpenPort,
    /// It has no port and did not exit for this long.
    Ran(Duration),
}

impl fmt::Display for ReadyBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered { path, status } => write!(f, "GET {path} answered {status}"),
            Self::OpenPort => f.write_str("its port is open"),
            Self::Ran(lapse) => write!(f, "it kept running for {lapse:?}"),
        }
    }
}

/// An instance is not fit for traffic.
#[derive(Debug, thiserror::Error)]
pub enum NotReady {
    /// Its process ended for good, or again and again.
    #[error("the process {exit}{}", Times(*.restarts))]
    Exited { exit: Exit, restarts: u32 },
    #[error("no good answer within {after:?}: {last_probe}{}", Hint(.hint.as_deref()))]
    TimedOut {
        after: Duration,
        /// What the last attempt met: `GET /healthz answered 500 Internal Server Error: …`.
        last_probe: String,
        /// What looks wrong, and its mend.
        hint: Option<String>,
    },
    /// It was never started, or it was removed meanwhile.
    #[error("the instance is not on this target")]
    Absent,
    #[error("cannot watch the instance")]
    Unseen(#[source] Error),
}

struct Times(u32);

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => Ok(()),
            restarts => write!(f, ", {} times in a row", restarts + 1),
        }
    }
}

struct Hint<'a>(Option<&'a str>);

impl fmt::Display for Hint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(hint) => write!(f, " ({hint})"),
            None => Ok(()),
        }
    }
}
