use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Result, ensure};
use rustix::process::{Pid, Signal, kill_process};

use crate::processes::{self, Process};
use crate::{command, wait_until};

const STOP: Duration = Duration::from_secs(60);
/// How long a process that was told to end may still be listed.
const VANISH: Duration = Duration::from_secs(2);

/// Ends everything that runs on a data directory, and proves that nothing is left.
#[derive(Debug)]
pub struct Stopper {
    solum: Command,
    /// Its name is this server's own, by which its processes are found.
    directory: PathBuf,
    data_dir: PathBuf,
}

impl Stopper {
    pub(super) fn new(solum: Command, directory: PathBuf, data_dir: PathBuf) -> Self {
        Self { solum, directory, data_dir }
    }

    /// # Errors
    /// When `solum server stop --all` fails, or leaves a process; that is killed then.
    pub fn stop(mut self) -> Result<()> {
        self.solum.args(["server", "stop", "--all", "--data-dir"]).arg(&self.data_dir);
        let said = command::run(&mut self.solum, STOP).and_then(command::Finished::require);
        let left = self.kill_what_is_left();
        said?;
        ensure!(left.is_empty(), "`solum server stop --all` left processes running: {left:#?}");
        Ok(())
    }

    fn kill_what_is_left(&self) -> Vec<Process> {
        let gone = wait_until("the end of every process", VANISH, || {
            processes::of(&self.directory).is_empty().then_some(())
        });
        if gone.is_ok() {
            return Vec::new();
        }
        let left = processes::of(&self.directory);
        for pid in left.iter().filter_map(|process| Pid::from_raw(process.pid)) {
            // It may have ended since it was listed.
            let _ = kill_process(pid, Signal::KILL);
        }
        left
    }
}
