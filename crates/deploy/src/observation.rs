use std::fmt;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};
use types::Timestamp;

/// The answer to [`Driver::start`](crate::Driver::start).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Started {
    /// Where it is to listen, for an instance with a port. It keeps it over restarts of its process, unless somebody else
    /// has taken the port meanwhile: then [`Observation::Running`] names another one.
    pub address: Option<SocketAddr>,
}

/// What an instance is doing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Observation {
    /// Nothing is known of it.
    Absent,
    /// It was told to start and has no process yet.
    Starting,
    Running {
        /// Of the box's first process, as the machine numbers it.
        pid: u32,
        since: Timestamp,
        /// How often the process was started again.
        restarts: u32,
        /// Where it is to listen.
        address: Option<SocketAddr>,
    },
    /// Its process exited and is started again at `until`.
    BackingOff { restarts: u32, until: Timestamp, last: Exit },
    /// Nothing of it runs, and nothing of it will by itself.
    Exited { exit: Exit, at: Timestamp },
}

impl Observation {
    /// Whether nothing follows without somebody's doing.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Absent | Self::Exited { .. })
    }

    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        match self {
            Self::Running { address, .. } => *address,
            _ => None,
        }
    }
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    Code(i32),
    /// By a signal; also a shell's way to say that of its last command (128 and the signal's number).
    Signal(i32),
    /// The kernel killed it for what it took beyond its memory limit.
    OutOfMemory,
    /// Nobody saw it: its shim was killed, or the machine went down.
    Lost,
    /// It was stopped before it had a process, or between two of them.
    NotRun,
}

impl Exit {
    #[must_use]
    pub fn is_success(self) -> bool {
        self == Self::Code(0)
    }

    /// From what a shell, or bubblewrap, says: 128 and more stands for a signal.
    pub(crate) fn from_code(code: i32) -> Self {
        match code {
            129..=192 => Self::Signal(code - 128),
            code => Self::Code(code),
        }
    }
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exited with status {code}"),
            Self::Signal(number) => match signal_name(*number) {
                Some(name) => write!(f, "was killed by {name}"),
                None => write!(f, "was killed by signal {number}"),
            },
            Self::OutOfMemory => f.write_str("ran out of memory"),
            Self::Lost => f.write_str("was lost: whatever watched over it was killed"),
            Self::NotRun => f.write_str("was stopped before it ran"),
        }
    }
}

fn signal_name(number: i32) -> Option<&'static str> {
    Some(match number {
        1 => "SIGHUP",
        2 => "SIGINT",
        3 => "SIGQUIT",
        4 => "SIGILL",
        6 => "SIGABRT",
        7 => "SIGBUS",
        8 => "SIGFPE",
        9 => "SIGKILL",
        11 => "SIGSEGV",
        13 => "SIGPIPE",
        15 => "SIGTERM",
        24 => "SIGXCPU",
        25 => "SIGXFSZ",
        31 => "SIGSYS",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shells_code_for_a_signal_is_read_as_that_signal() {
        assert_eq!(Exit::from_code(137), Exit::Signal(9));
        assert_eq!(Exit::from_code(3), Exit::Code(3));
        assert_eq!(Exit::from_code(255), Exit::Code(255));
        assert_eq!(Exit::Signal(9).to_string(), "was killed by SIGKILL");
        assert_eq!(Exit::Signal(40).to_string(), "was killed by signal 40");
    }
}
