//! Where an instance stands, as its shim writes it down and sends it around.

use std::net::SocketAddr;

use rustix::process::Pid;
use serde::{Deserialize, Serialize};
use types::Timestamp;

use crate::boxes::processes;
use crate::cgroup::Group;
use crate::{Exit, Observation};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) phase: Phase,
    pub(crate) changed_at: Timestamp,
    pub(crate) restarts: u32,
    /// Where it is to listen.
    pub(crate) address: Option<SocketAddr>,
    /// Whose socket it is that has to listen there. Shims of former versions did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) uid: Option<u32>,
    /// Somebody told it to end: it must not be started again.
    pub(crate) stopping: bool,
    /// What to clear away if the shim cannot.
    pub(crate) group: Option<Group>,
    pub(crate) process: Option<BoxProcess>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Phase {
    Starting,
    Running { pid: u32, since: Timestamp },
    BackingOff { until: Timestamp, last: Exit },
    Exited { exit: Exit, at: Timestamp },
}

/// The first process of a box, by a name that no other process ever gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BoxProcess {
    pid: i32,
    start_ticks: u64,
}

impl BoxProcess {
    pub(crate) fn of(pid: Pid) -> Option<Self> {
        let start_ticks = processes::start_ticks(pid)?;
        Some(Self { pid: pid.as_raw_nonzero().get(), start_ticks })
    }

    /// The process, if it is still there.
    pub(crate) fn find(self) -> Option<Pid> {
        let pid = Pid::from_raw(self.pid)?;
        (processes::start_ticks(pid) == Some(self.start_ticks)).then_some(pid)
    }
}

impl State {
    pub(crate) fn new(at: Timestamp) -> Self {
        Self {
            phase: Phase::Starting,
            changed_at: at,
            restarts: 0,
            address: None,
            uid: None,
            stopping: false,
            group: None,
            process: None,
        }
    }

    pub(crate) fn is_final(&self) -> bool {
        matches!(self.phase, Phase::Exited { .. })
    }

    /// What it means while the shim that wrote it lives, or has come to its end.
    pub(crate) fn observation(&self) -> Observation {
        match self.phase {
            Phase::Starting => Observation::Starting,
            Phase::Running { pid, since } => {
                Observation::Running { pid, since, restarts: self.restarts, address: self.address }
            }
            Phase::BackingOff { until, last } => {
                Observation::BackingOff { restarts: self.restarts, until, last }
            }
            Phase::Exited { exit, at } => Observation::Exited { exit, at },
        }
    }

    /// What it means when there is no shim any more.
    pub(crate) fn observation_without_shim(&self) -> Observation {
        if self.is_final() {
            self.observation()
        } else {
            Observation::Exited { exit: Exit::Lost, at: self.changed_at }
        }
    }
}
