//! Where a step stands, as its shim writes it down.

use serde::{Deserialize, Serialize};
use std::fs;
use std::io;
use types::Timestamp;

use super::{Epoch, OutputSummary, StepObservation};
use crate::Exit;
use crate::cgroup::Group;
use crate::shim::directory::InstanceDirectory;
use crate::shim::state::BoxProcess;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct StepState {
    /// The highest that anybody has shown.
    pub(super) epoch: Epoch,
    pub(super) phase: Phase,
    /// Whose end is the end of everything.
    pub(super) shim: BoxProcess,
    /// What to clear away if the shim cannot.
    pub(super) group: Option<Group>,
    pub(super) process: Option<BoxProcess>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Phase {
    Starting,
    Running { pid: u32, since: Timestamp },
    Ended { exit: Exit, at: Timestamp, output: OutputSummary },
}

impl StepState {
    pub(super) fn read(directory: &InstanceDirectory) -> Option<Self> {
        serde_json::from_slice(&fs::read(directory.path().join("state.json")).ok()?).ok()
    }

    /// `lasting`: a machine that goes down now comes up with it.
    pub(super) fn write(&self, directory: &InstanceDirectory, lasting: bool) -> io::Result<()> {
        directory.write("state.json", &serde_json::to_vec(self)?, lasting)?;
        if lasting {
            fs::File::open(directory.path())?.sync_all()?;
        }
        Ok(())
    }

    pub(super) fn has_ended(&self) -> bool {
        matches!(self.phase, Phase::Ended { .. })
    }

    /// What it means while the shim that wrote it lives, or has come to its end.
    pub(super) fn observation(&self) -> StepObservation {
        match self.phase {
            Phase::Starting => StepObservation::Starting,
            Phase::Running { pid, since } => StepObservation::Running { pid, since },
            Phase::Ended { exit, at, output } => StepObservation::Ended { exit, at, output },
        }
    }
}
