//! Processes on a core of their own.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use testkit::wait_until;

/// Ticks of the CPU time in proc(5), per second: USER_HZ, which Linux shows to every program as 100.
const TICKS_PER_SECOND: f64 = 100.0;
const START: Duration = Duration::from_secs(10);

/// Killed when it is dropped.
#[derive(Debug)]
pub(super) struct Pinned {
    child: Child,
}

impl Pinned {
    /// Starts `program` on `core`.
    pub(super) fn start(core: usize, program: &str, arguments: &[&str]) -> Result<Self> {
        let mut command = pinned(core, program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null());
        let child = command.spawn().with_context(|| format!("cannot start {program}"))?;
        Ok(Self { child })
    }

    /// Waits until it takes connections.
    pub(super) fn listens(&mut self, address: SocketAddr) -> Result<()> {
        wait_until(&format!("a listener at {address}"), START, || {
            std::net::TcpStream::connect(address).ok()
        })?;
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("it ended at once: {status}"),
        }
    }

    /// What it has used of its core until now.
    pub(super) fn cpu_seconds(&self) -> Result<f64> {
        let path = format!("/proc/{}/stat", self.child.id());
        let stat = fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
        ticks(&stat).map(|ticks| ticks as f64 / TICKS_PER_SECOND).context("it is cut short")
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// `program`, to be run on `core`. taskset becomes the program, so the child is the program itself.
pub(super) fn pinned(core: usize, program: &str) -> Command {
    let mut command = Command::new("taskset");
    command.args(["--cpu-list", &core.to_string(), program]);
    command
}

/// User and system time, the 14th and 15th field; the 2nd, the name, may hold anything.
fn ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut times = fields.split_whitespace().skip(11).take(2);
    Some(times.next()?.parse::<u64>().ok()? + times.next()?.parse::<u64>().ok()?)
}

pub(super) fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no port is free")?;
    Ok(listener.local_addr()?)
}

pub(super) fn is_there(tool: &str) -> bool {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    // nginx and HAProxy live where only root's PATH leads.
    std::env::split_paths(&folders)
        .chain(["/usr/sbin".into()])
        .any(|folder| folder.join(tool).is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_is_found_behind_any_name() {
        let stat = "7 (a) b (c) S 1 2 3 4 5 6 7 8 9 10 120 34 0 0";
        assert_eq!(ticks(stat), Some(154));
        assert_eq!(ticks("7 (a) S 1 2"), None);
    }
}
