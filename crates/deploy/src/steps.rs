//! Steps of jobs: commands in boxes that outlive the server.
//!
//! [`Steps`] starts each step under a shim of its own (`solum shim --step`), which makes the box, keeps the output, and
//! writes down how it ended. A server that starts again finds the same process under the same [`StepKey`], reads its output
//! from where it was, and waits for its end.
//!
//! What it is not: it knows neither workflows nor scripts, masks nothing in the output, and decides about no retry.
//!
//! # Invariants
//!
//! * A key stands for at most one process, ever. That it was begun is on disk, synced, before its command runs; so where
//!   shim and process are gone without an end (they were killed, the machine went down), the step is seen as
//!   [`StepObservation::Lost`] and never begun again.
//! * How it ended and what it wrote are on disk, synced, before its shim ends.
//! * Whoever asks for something shows the [`Epoch`] of its lease. The shim, and the files where the shim is gone, remember the
//!   highest that was shown and refuse what comes with a lower one.
//!
//! # Below its directory
//!
//! `RUN/NAME/` with a name made from the key: `key.json`, the shim's `state.json`, `lock` and socket, and `output`. What a
//! step was told (it holds secrets) goes to its shim through a pipe and is never on disk. What it wrote may hold secrets, and
//! is readable for the server's user only until somebody calls [`Steps::forget`].

mod attend;
mod client;
mod error;
mod key;
mod output;
mod protocol;
mod reader;
mod requests;
mod shim;
mod state;

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use types::{RunId, Timestamp};

use crate::Exit;
use crate::boxes::{BoxSpec, Boxes};
use crate::process::blocking;
use crate::shim::directory::{InstanceDirectory, make_private, remove_tree};

pub use error::StepError;
pub use key::StepKey;
pub use output::{OutputSummary, RESERVE};
pub use protocol::{Epoch, Patience};
pub use reader::{OutputKind, OutputLine, OutputReader};
pub use shim::run;

/// What a step runs, and what is kept of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepSpec {
    pub boxed: BoxSpec,
    /// How much of its output is kept, with the times of the lines. What comes after that is counted and dropped.
    pub output_bytes: u64,
}

/// What a step is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepObservation {
    /// It was never begun, or was forgotten.
    Absent,
    /// Its box is being made.
    Starting,
    Running {
        /// Of the box's first process, as the machine numbers it.
        pid: u32,
        since: Timestamp,
    },
    Ended {
        exit: Exit,
        at: Timestamp,
        output: OutputSummary,
    },
    /// It was begun, nothing of it is left, and nobody saw how it ended.
    Lost,
}

impl StepObservation {
    /// Whether nothing follows without somebody's doing.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Absent | Self::Ended { .. } | Self::Lost)
    }
}

/// Starts steps, and finds them again.
#[derive(Debug, Clone)]
pub struct Steps {
    directory: PathBuf,
    /// The program whose `shim --step` is [`run`].
    solum: PathBuf,
    boxes: Boxes,
}

/// A shim that was killed at its birth leaves its lock free at once; one that lives reports, or ends, in this time.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(30);

impl Steps {
    /// `directory` is made if it is not there. What runs already is left alone.
    pub fn new(directory: PathBuf, solum: PathBuf, boxes: Boxes) -> Result<Self, StepError> {
        make_private(&directory).map_err(StepError::io("make", &directory))?;
        Ok(Self { directory, solum, boxes })
    }

    /// The runs of which anything is left, in no particular order.
    pub async fn runs(&self) -> Result<Vec<RunId>, StepError> {
        let directory = self.directory.clone();
        blocking(move || {
            let entries =
                std::fs::read_dir(&directory).map_err(StepError::io("read", &directory))?;
            let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
            Ok(names.filter_map(|name| name.parse().ok()).collect())
        })
        .await
    }

    /// Ends every step of every run, at once.
    pub async fn end_all(&self, epoch: Epoch) -> Result<(), StepError> {
        for run in self.runs().await? {
            for key in self.list(run).await? {
                self.cancel(&key, epoch, Patience::NONE).await?;
                self.ended(&key).await?;
            }
        }
        Ok(())
    }

    /// The steps of a run that are not forgotten, in no particular order.
    pub async fn list(&self, run: RunId) -> Result<Vec<StepKey>, StepError> {
        let directory = self.run_directory(run);
        blocking(move || {
            let entries = match std::fs::read_dir(&directory) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
                entries => entries.map_err(StepError::io("read", &directory))?,
            };
            let keys = entries.filter_map(|entry| key::read(&entry.ok()?.path()));
            Ok(keys.collect())
        })
        .await
    }

    /// Forgets every step of a run that has ended; those that still run are left, and told.
    pub async fn forget_run(&self, run: RunId, epoch: Epoch) -> Result<(), StepError> {
        for key in self.list(run).await? {
            self.forget(&key, epoch).await?;
        }
        let directory = self.run_directory(run);
        blocking(move || remove_tree(&directory).map_err(StepError::io("remove", &directory))).await
    }

    fn run_directory(&self, run: RunId) -> PathBuf {
        self.directory.join(run.to_string())
    }

    fn of(&self, key: &StepKey) -> InstanceDirectory {
        InstanceDirectory::new(self.run_directory(key.run).join(key.file_name()))
    }
}
