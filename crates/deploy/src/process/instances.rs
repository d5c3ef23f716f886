//! Observing, stopping and removing instances.

use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::{Signal, kill_process};
use types::InstanceId;

use super::client::Connection;
use super::{ProcessDriver, blocking};
use crate::cgroup::Group;
use crate::shim::directory::{InstanceDirectory, Lock, remove_tree};
use crate::shim::protocol::Request;
use crate::shim::state::{BoxProcess, Phase, State};
use crate::{Error, Exit, Observation};

/// How long a shim may take for what takes no time: to end, once its instance has.
const SHIM_TIMEOUT: Duration = Duration::from_secs(30);

/// Between two looks at a shim that starts or ends just now.
pub(crate) const GLANCE: Duration = Duration::from_millis(2);

/// What there is of an instance.
pub(super) enum Found {
    Nothing,
    /// A shim that answers.
    Shim(Connection),
    /// A shim that does not answer yet, or no more.
    Busy,
    /// No shim, and the right to act in its place.
    Orphan(Lock, Option<State>),
}

impl ProcessDriver {
    pub(super) async fn find(&self, id: InstanceId) -> Result<Found, Error> {
        let directory = self.instance(id);
        if let Some(connection) = Connection::open(id, &directory).await? {
            return Ok(Found::Shim(connection));
        }
        if !directory.path().is_dir() {
            return Ok(Found::Nothing);
        }
        match directory.lock() {
            // Read under the lock, so that it is the last word of whoever had it before.
            Ok(Some(lock)) => Ok(Found::Orphan(lock, directory.state())),
            Ok(None) => Ok(Found::Busy),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Found::Nothing),
            Err(error) => Err(Error::io("lock", directory.path())(error)),
        }
    }

    pub(super) async fn observe_instance(&self, id: InstanceId) -> Result<Observation, Error> {
        Ok(match self.find(id).await? {
            Found::Nothing | Found::Orphan(_, None) => Observation::Absent,
            Found::Shim(connection) => connection.state.observation(),
            Found::Busy => match self.instance(id).state() {
                Some(state) if state.is_final() => state.observation(),
                _ => Observation::Starting,
            },
            Found::Orphan(_, Some(state)) => state.observation_without_shim(),
        })
    }

    pub(super) async fn wait_for_change(
        &self,
        id: InstanceId,
        seen: &Observation,
    ) -> Result<Observation, Error> {
        loop {
            if let Found::Shim(mut connection) = self.find(id).await? {
                while connection.state.observation() == *seen && !seen.is_final() {
                    if !connection.next().await? {
                        break;
                    }
                }
            }
            let now = self.observe_instance(id).await?;
            if now != *seen || now.is_final() {
                return Ok(now);
            }
            tokio::time::sleep(GLANCE).await;
        }
    }

    pub(super) async fn stop_instance(&self, id: InstanceId, grace: Duration) -> Result<(), Error> {
        let patience = grace.saturating_add(SHIM_TIMEOUT);
        match tokio::time::timeout(patience, self.stop_patiently(id, grace)).await {
            Ok(result) => result,
            Err(_) => Err(Error::Silent { id, after: patience }),
        }
    }

    async fn stop_patiently(&self, id: InstanceId, grace: Duration) -> Result<(), Error> {
        let grace_ms = u64::try_from(grace.as_millis()).unwrap_or(u64::MAX);
        loop {
            match self.find(id).await? {
                Found::Nothing => return Ok(()),
                Found::Shim(mut connection) => {
                    connection.ask(Request::Stop { grace_ms }).await;
                    // Until it hangs up: it then has ended itself.
                    while connection.next().await? {}
                }
                Found::Busy => tokio::time::sleep(GLANCE).await,
                Found::Orphan(lock, state) => {
                    let directory = self.instance(id);
                    return blocking(move || settle(&directory, state, lock)).await;
                }
            }
        }
    }

    pub(super) async fn remove_instance(&self, id: InstanceId) -> Result<(), Error> {
        let started = Instant::now();
        loop {
            match self.find(id).await? {
                Found::Nothing => return Ok(()),
                Found::Orphan(lock, state) => {
                    let (directory, trash) = (self.instance(id), self.trash());
                    return blocking(move || {
                        clear_leftovers(state.as_ref());
                        let result = discard(directory.path(), &trash);
                        drop(lock);
                        result
                    })
                    .await;
                }
                // One that has just ended needs a moment to be gone.
                found => {
                    let ending = match &found {
                        Found::Shim(connection) => connection.state.is_final(),
                        _ => self.instance(id).state().is_some_and(|state| state.is_final()),
                    };
                    if !ending || started.elapsed() > SHIM_TIMEOUT {
                        return Err(Error::StillRunning(id));
                    }
                    tokio::time::sleep(GLANCE).await;
                }
            }
        }
    }

    pub(super) fn list_instances(&self) -> Result<Vec<InstanceId>, Error> {
        let directory = self.directory.join("instances");
        let entries = fs::read_dir(&directory).map_err(Error::io("read", &directory))?;
        Ok(entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect())
    }
}

/// Brings an instance without a shim to an end that nobody takes back.
fn settle(directory: &InstanceDirectory, state: Option<State>, _lock: Lock) -> Result<(), Error> {
    clear_leftovers(state.as_ref());
    let Some(mut state) = state else { return Ok(()) };
    if state.is_final() {
        return Ok(());
    }
    state.phase = Phase::Exited { exit: Exit::Lost, at: state.changed_at };
    state.stopping = true;
    state.group = None;
    state.process = None;
    directory.write_state(&state, false).map_err(Error::io("write the state in", directory.path()))
}

/// Waits until nothing is left of a box whose shim was killed. The kernel kills it, and we what it overlooks.
pub(super) fn clear_leftovers(state: Option<&State>) {
    let Some(state) = state else { return };
    clear_box(state.group.as_ref(), state.process);
}

/// The same, by what its shim wrote down of it.
pub(crate) fn clear_box(group: Option<&Group>, process: Option<BoxProcess>) {
    if let Some(group) = group {
        group.kill_all(SHIM_TIMEOUT / 2);
        group.remove();
    }
    if let Some(pid) = process.and_then(BoxProcess::find) {
        let _ = kill_process(pid, Signal::KILL);
        if let Ok(watch) = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()) {
            let patience = rustix::event::Timespec {
                tv_sec: (SHIM_TIMEOUT / 2).as_secs().cast_signed(),
                tv_nsec: 0,
            };
            let watch = rustix::event::PollFd::new(&watch, rustix::event::PollFlags::IN);
            let _ = rustix::event::poll(&mut [watch], Some(&patience));
        }
    }
}

/// Takes a directory out of sight in one step, then removes it. Absent is fine.
pub(crate) fn discard(path: &Path, trash: &Path) -> Result<(), Error> {
    match fs::rename(path, trash) {
        Ok(()) => remove_tree(trash).map_err(Error::io("remove", trash)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Error::io("remove", path)(error)),
    }
}
