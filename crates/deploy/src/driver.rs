use std::fmt::Debug;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use types::{Bundle, Digest, HealthCheck, InstanceId};

use crate::{
    Error, Exit, InstanceSpec, LogReader, LogStart, NotReady, Observation, Output, Owner,
    PrepareError, Ready, StartError, Started,
};

/// Where the bytes of layers are, checked against their digests by whoever stores them.
pub trait Blobs: Send + Sync {
    fn path(&self, digest: &Digest) -> PathBuf;
}

/// A place where instances run.
///
/// Calls about different instances may be made at the same time, and so may calls about one instance: what
/// each of them promises then stands at the method. Every method may be called again after a crash of the
/// caller at any point, and a call whose future was dropped half-way leaves nothing that its repetition
/// trips over.
#[async_trait]
pub trait Driver: Debug + Send + Sync + 'static {
    /// Lays a bundle out so that [`start`](Self::start) finds it. The first call per owner and layer does the
    /// work, later ones find it done. Comes before the first `start` of the bundle, and again after a reboot of the
    /// target or a [`collect`](Self::collect). May run beside anything, itself included; a layer is there whole or not
    /// at all. Refuses a bundle that the target cannot run.
    async fn prepare(
        &self,
        bundle: &Bundle,
        owner: &Owner,
        blobs: &dyn Blobs,
    ) -> Result<(), PrepareError>;

    /// Starts an instance, and returns once its process has been created; whether it works is for
    /// [`ready`](Self::ready). Idempotent by `spec.id`: where the instance runs already, it is left as it is, whatever else
    /// the spec says. An instance that ended for good (stopped, or `Restart::Never` and exited or lost) is not started
    /// again: the answer is the same, and [`observe`](Self::observe) tells. One with `Restart::Always` that was lost is started anew.
    /// Of two calls at once, one starts and both succeed.
    async fn start(&self, spec: &InstanceSpec) -> Result<Started, StartError>;

    /// The user of the machine to whom everything belongs that instances of `owner` listen with, where the target keeps
    /// apps apart by user: what anybody else listens with at an instance's address is not the instance. `None` where
    /// this cannot be told.
    fn listens_as(&self, _owner: &Owner) -> Option<u32> {
        None
    }

    /// What an instance is doing now. Changes nothing; an instance that was never started, or was removed, is
    /// [`Observation::Absent`].
    async fn observe(&self, id: InstanceId) -> Result<Observation, Error>;

    /// Waits until what [`observe`](Self::observe) would say differs from `seen`, and says it. Event-driven. Dropping the future ends the
    /// wait. Returns at once for an instance that is absent or has exited: nothing follows by itself.
    async fn changed(&self, id: InstanceId, seen: &Observation) -> Result<Observation, Error>;

    /// Waits for the first good answer of an instance that was started, `health.timeout` at most, counted from this
    /// call. Gives up early when the process exits for good or keeps exiting. Changes nothing, so that it may be
    /// repeated or dropped; an instance that is not ready stays started.
    async fn ready(&self, id: InstanceId, health: &HealthCheck) -> Result<Ready, NotReady>;

    /// Ends an instance for good: SIGTERM to each of its processes (or what the target has for it), SIGKILL to what
    /// is left after `grace`. Returns when nothing of it runs any more. Idempotent; an absent instance is fine. A second
    /// call with a shorter grace brings the end forward. Dropping the future does not take the stop back.
    async fn stop(&self, id: InstanceId, grace: Duration) -> Result<(), Error>;

    /// Forgets an instance and what it wrote, its logs included (not its app's kept data). Comes after
    /// [`stop`](Self::stop), or after it exited: one that runs is refused with [`Error::StillRunning`]. Idempotent.
    async fn remove(&self, id: InstanceId) -> Result<(), Error>;

    /// Every instance that was started and not yet removed, in any order.
    async fn list(&self) -> Result<Vec<InstanceId>, Error>;

    /// What an instance wrote, oldest first, from `from` on. With `follow` the reader waits for more until the instance has
    /// exited for good; without, it ends where the log ends now. Logs are bounded: the oldest lines go first. Kept
    /// until [`remove`](Self::remove).
    async fn logs(
        &self,
        id: InstanceId,
        from: LogStart,
        follow: bool,
    ) -> Result<Box<dyn LogReader>, Error>;

    /// Runs one command, as it stands and not through a shell, in a fresh box like that of `spec`'s app, and returns when
    /// nothing of it is left. `spec.id` plays no part and need not run; the bundle must be prepared. Output goes to `output` as it comes and waits
    /// for room there; when the receiver is gone, `cancel` fires, the future is dropped or the caller dies, the command is killed.
    /// Not idempotent: each call runs it.
    async fn exec(
        &self,
        spec: &InstanceSpec,
        command: Vec<String>,
        output: mpsc::Sender<Output>,
        cancel: CancellationToken,
    ) -> Result<Exit, Error>;

    /// Drops what [`prepare`](Self::prepare) laid out, apart from the layers in `keep`, those of instances that are listed, and those that were
    /// prepared within the last hour. May run beside anything.
    async fn collect(&self, keep: &[Digest]) -> Result<Collected, Error>;

    /// Drops everything kept for an app: its layers and the data of all its environments. Comes after the last of its
    /// instances was removed. Idempotent. There is no way back.
    async fn forget(&self, owner: &Owner) -> Result<(), Error>;
}

/// What [`Driver::collect`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Collected {
    pub layers: usize,
    pub kept: usize,
}
