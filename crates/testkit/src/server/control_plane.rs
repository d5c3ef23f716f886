use std::process::{Command, ExitStatus};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal, kill_process};

use crate::wait_until;

const DEATH: Duration = Duration::from_secs(30);

/// The running `solum server`. It is waited for all the time, so that it never stays behind as a
/// zombie, which other programs would take for a live process.
#[derive(Debug)]
pub(super) struct ControlPlane {
    pid: u32,
    end: Receiver<std::io::Result<ExitStatus>>,
    ended: Option<ExitStatus>,
}

impl ControlPlane {
    pub(super) fn spawn(command: &mut Command) -> Result<Self> {
        let program = command.get_program().display().to_string();
        let mut child = command.spawn().with_context(|| format!("cannot start {program}"))?;
        let pid = child.id();
        let (tell, end) = mpsc::channel();
        std::thread::spawn(move || tell.send(child.wait()));
        Ok(Self { pid, end, ended: None })
    }

    pub(super) fn pid(&self) -> u32 {
        self.pid
    }

    /// How it ended, once it has.
    pub(super) fn ended(&mut self) -> Option<ExitStatus> {
        if self.ended.is_none() {
            self.ended = self.end.try_recv().ok()?.ok();
        }
        self.ended
    }

    pub(super) fn wait(&mut self, within: Duration) -> Result<ExitStatus> {
        wait_until("the end of the control plane", within, || self.ended())
    }

    /// SIGKILL, and waits until it is gone.
    pub(super) fn kill(mut self) -> Result<()> {
        if self.ended().is_none() {
            let pid = i32::try_from(self.pid).ok().and_then(Pid::from_raw);
            let pid = pid.context("a process id is a positive number")?;
            kill_process(pid, Signal::KILL).context("cannot kill the control plane")?;
        }
        self.wait(DEATH)?;
        Ok(())
    }
}
