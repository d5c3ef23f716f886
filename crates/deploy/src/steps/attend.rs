//! Starting a step, finding it again, waiting for it, ending it, forgetting it.

use std::io;
use std::time::Instant;

use rustix::process::{PidfdFlags, pidfd_open};
use tokio::net::unix::pipe;

use super::client::ask;
use super::protocol::{Epoch, Patience, VERSION, Wish};
use super::reader::OutputReader;
use super::shim::Told;
use super::state::StepState;
use super::{SETTLE_TIMEOUT, StepError, StepKey, StepObservation, StepSpec, Steps, key};
use crate::process::blocking;
use crate::process::instances::{GLANCE, clear_box, discard};
use crate::process::start::{check_environment, make};
use crate::shim::directory::{InstanceDirectory, Lock};
use crate::shim::state::BoxProcess;

/// What there is of a step.
enum Found {
    Nothing,
    /// A shim that lives.
    Shim(StepState),
    /// A shim that has not begun the step yet, or has just ended.
    Busy,
    /// No shim, and the right to act in its place.
    Orphan(Lock, StepState),
}

impl Steps {
    /// Begins a step. One that was begun before, by anybody, is left as it is, whatever has become of it.
    pub async fn start(
        &self,
        key: &StepKey,
        spec: &StepSpec,
        epoch: Epoch,
    ) -> Result<(), StepError> {
        check_environment(&spec.boxed.env)?;
        let directory = self.of(key);
        let started = Instant::now();
        while started.elapsed() < SETTLE_TIMEOUT {
            if !matches!(self.own(key, epoch).await?, StepObservation::Absent) {
                return Ok(());
            }
            make(&self.run_directory(key.run))?;
            make(directory.path())?;
            key::write(&directory, key).map_err(StepError::io("write", directory.path()))?;
            let told = Told {
                protocol: VERSION,
                epoch,
                name: format!("step-{}", key.file_name()),
                boxes: self.boxes.clone(),
                spec: spec.clone(),
            };
            // Where somebody else's shim was quicker, have a look at it.
            if self.run_shim(&directory, &told).await? {
                return Ok(());
            }
        }
        Err(StepError::Silent { key: key.clone(), after: SETTLE_TIMEOUT })
    }

    /// Takes a step over for the lease of this epoch, and tells how it stands.
    pub async fn attach(&self, key: &StepKey, epoch: Epoch) -> Result<StepObservation, StepError> {
        self.own(key, epoch).await
    }

    /// How a step stands. Changes nothing.
    pub async fn observe(&self, key: &StepKey) -> Result<StepObservation, StepError> {
        Ok(match self.settled(key).await? {
            Found::Nothing | Found::Busy => StepObservation::Absent,
            Found::Shim(state) => state.observation(),
            Found::Orphan(_lock, state) => observation_without_shim(state),
        })
    }

    /// Waits until nothing more comes of a step by itself, and tells what has become of it. The kernel tells when.
    pub async fn ended(&self, key: &StepKey) -> Result<StepObservation, StepError> {
        loop {
            match self.settled(key).await? {
                Found::Shim(state) if !state.has_ended() => until_gone(&state, key).await?,
                Found::Nothing | Found::Busy => return Ok(StepObservation::Absent),
                Found::Shim(state) => return Ok(state.observation()),
                Found::Orphan(_lock, state) => return Ok(observation_without_shim(state)),
            }
        }
    }

    /// Asks a step to end and does not wait for it. One that has ended, or was never begun, is left as it is. Asked a second
    /// time, the time that is left can only become shorter.
    pub async fn cancel(
        &self,
        key: &StepKey,
        epoch: Epoch,
        patience: Patience,
    ) -> Result<(), StepError> {
        self.demand(key, epoch, Wish::End(patience)).await?;
        Ok(())
    }

    /// Reads what a step writes, from `offset` on; with `follow` until its end, otherwise what is there now.
    pub async fn output(
        &self,
        key: &StepKey,
        offset: u64,
        follow: bool,
    ) -> Result<OutputReader, StepError> {
        OutputReader::open(key.clone(), self.of(key), offset, follow).await
    }

    /// Removes what is kept of a step that has ended. Absent is fine.
    pub async fn forget(&self, key: &StepKey, epoch: Epoch) -> Result<(), StepError> {
        let started = Instant::now();
        loop {
            match self.settled(key).await? {
                Found::Nothing | Found::Busy => return Ok(()),
                Found::Shim(state) if state.epoch > epoch => return Err(stale(key, &state, epoch)),
                Found::Orphan(_, state) if state.epoch > epoch => {
                    return Err(stale(key, &state, epoch));
                }
                // One whose end is written down needs a moment to be gone.
                Found::Shim(state) => {
                    if !state.has_ended() || started.elapsed() > SETTLE_TIMEOUT {
                        return Err(StepError::StillRunning(key.clone()));
                    }
                    until_gone(&state, key).await?;
                }
                Found::Orphan(lock, state) => {
                    let path = self.of(key).path().to_owned();
                    let trash = path.with_extension(format!("{:08x}", rand::random::<u32>()));
                    return blocking(move || {
                        clear_box(state.group.as_ref(), state.process);
                        let removed = discard(&path, &trash);
                        drop(lock);
                        removed.map_err(|error| {
                            StepError::io("remove", &path)(io::Error::other(error))
                        })
                    })
                    .await;
                }
            }
        }
    }

    async fn own(&self, key: &StepKey, epoch: Epoch) -> Result<StepObservation, StepError> {
        self.demand(key, epoch, Wish::Own).await
    }

    /// Makes this epoch the owner and asks for something, if there is still a shim to ask.
    async fn demand(
        &self,
        key: &StepKey,
        epoch: Epoch,
        wish: Wish,
    ) -> Result<StepObservation, StepError> {
        let directory = self.of(key);
        loop {
            match self.settled(key).await? {
                Found::Nothing | Found::Busy => return Ok(StepObservation::Absent),
                Found::Shim(state) => {
                    if ask(key, &directory, epoch, wish).await? {
                        let after = StepState::read(&directory);
                        return Ok(after.unwrap_or(state).observation());
                    }
                    // It ends just now.
                    until_gone(&state, key).await?;
                }
                Found::Orphan(_, state) if state.epoch > epoch => {
                    return Err(stale(key, &state, epoch));
                }
                Found::Orphan(_lock, mut state) => {
                    if state.epoch < epoch {
                        state.epoch = epoch;
                        state
                            .write(&directory, false)
                            .map_err(StepError::io("write the state in", directory.path()))?;
                    }
                    let has_ended = state.has_ended();
                    let (group, process) = (state.group.clone(), state.process);
                    if !has_ended {
                        blocking(move || clear_box(group.as_ref(), process)).await;
                    }
                    return Ok(observation_without_shim(state));
                }
            }
        }
    }

    /// [`find`](Self::find), after a shim that is just being born has begun the step or has given up. `Busy` only after more
    /// time than that takes.
    async fn settled(&self, key: &StepKey) -> Result<Found, StepError> {
        let started = Instant::now();
        loop {
            match self.find(key)? {
                Found::Busy if started.elapsed() < SETTLE_TIMEOUT => {
                    // Between a shim's lock and its first word there is nothing to wait on.
                    tokio::time::sleep(GLANCE).await;
                }
                Found::Busy => {
                    return Err(StepError::Silent { key: key.clone(), after: SETTLE_TIMEOUT });
                }
                found => return Ok(found),
            }
        }
    }

    fn find(&self, key: &StepKey) -> Result<Found, StepError> {
        let directory = self.of(key);
        if let Some(state) = StepState::read(&directory)
            && state.shim.find().is_some()
        {
            return Ok(Found::Shim(state));
        }
        if !directory.path().is_dir() {
            return Ok(Found::Nothing);
        }
        match directory.lock() {
            // Read under the lock, so that it is the last word of whoever had it before.
            Ok(Some(lock)) => Ok(match StepState::read(&directory) {
                Some(state) => Found::Orphan(lock, state),
                None => Found::Nothing,
            }),
            Ok(None) => Ok(Found::Busy),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Found::Nothing),
            Err(error) => Err(StepError::io("lock", directory.path())(error)),
        }
    }
}

fn observation_without_shim(state: StepState) -> StepObservation {
    if state.has_ended() { state.observation() } else { StepObservation::Lost }
}

fn stale(key: &StepKey, state: &StepState, shown: Epoch) -> StepError {
    StepError::Stale { key: key.clone(), held: state.epoch, shown }
}

/// Until the shim of a step has ended, and let go of its lock.
async fn until_gone(state: &StepState, key: &StepKey) -> Result<(), StepError> {
    let failed = |error| StepError::io("watch the shim of", key.to_string().as_ref())(error);
    let Some(shim) = watch(state.shim).map_err(failed)? else { return Ok(()) };
    shim.readable().await.map_err(failed)
}

/// What becomes readable when a process has ended, which to tokio is like a pipe; `None` when it has.
pub(super) fn watch(process: BoxProcess) -> io::Result<Option<pipe::Receiver>> {
    let Some(pid) = process.find() else { return Ok(None) };
    let watch = match pidfd_open(pid, PidfdFlags::empty()) {
        Err(rustix::io::Errno::SRCH) => return Ok(None),
        watch => watch?,
    };
    // The number may have got another owner before it was opened, and only before.
    if process.find().is_none() {
        return Ok(None);
    }
    pipe::Receiver::from_owned_fd_unchecked(watch).map(Some)
}

/// For readers, who need nothing but the state.
pub(super) fn state(directory: &InstanceDirectory) -> Option<StepState> {
    StepState::read(directory)
}
