//! The process target: instances are processes of this machine, each under a shim.
//!
//! Everything that it knows is on disk or with the shims, below one directory:
//!
//! | path | |
//! |---|---|
//! | `instances/ID/` | one instance: what its shim was told, its state, its socket, its log, what it writes in `/app` |
//! | `layers/APP/DIGEST/` | a layer, laid out, owned by the app's user |
//! | `data/APP/ENVIRONMENT/` | what an app keeps |
//! | `exec/` | one-offs that run now |
//! | `ports/` | a file per port that was ever given to an instance, locked by the shim that has it now; nobody else enters |
//! | `trash/` | what is being removed; emptied at start |

mod client;
mod exec;
mod hint;
pub(crate) mod instances;
mod layers;
mod log_reader;
mod machine;
mod probe;
pub(crate) mod start;
mod unpack;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use types::{Bundle, Clock, Digest, HealthCheck, InstanceId};

use crate::boxes::{Boxes, Isolation};
use crate::shim::directory::{InstanceDirectory, make_private, open_to_walk, remove_tree};
use crate::{
    Blobs, Collected, Driver, Error, Exit, InstanceSpec, LogReader, LogStart, NotReady,
    Observation, Output, Owner, PrepareError, Ready, StartError, Started,
};
use layers::Layers;
pub use machine::Machine;

/// Where ports are reserved, below the target's directory.
const PORTS: &str = "ports";
/// What all boxes show.
const BOXES: &str = "boxes";

/// What the process target needs to know.
#[derive(Debug)]
pub struct ProcessConfig {
    /// Its own; made if it is not there.
    pub directory: PathBuf,
    /// The program whose `shim` subcommand is [`shim::run`](crate::shim::run).
    pub solum: PathBuf,
    /// What bundles have to have been built for.
    pub machine: Machine,
    /// Run apps without a box.
    pub bare: bool,
    pub clock: Arc<dyn Clock>,
}

/// See the crate's page.
#[derive(Debug)]
pub struct ProcessDriver {
    directory: PathBuf,
    solum: PathBuf,
    machine: Machine,
    boxes: Boxes,
    /// Whether the kernel tells whose program listens at an address, and apps are users of their own.
    tells_listeners: bool,
    layers: Arc<Layers>,
    clock: Arc<dyn Clock>,
}

impl ProcessDriver {
    /// Finds out how boxes are made here, and makes its directory. Blocks for some milliseconds. Refuses a machine that
    /// cannot make boxes, unless `bare` is asked for. What runs already is left alone.
    pub fn new(config: ProcessConfig) -> Result<Self, Error> {
        let ProcessConfig { directory, solum, machine, bare, clock } = config;
        let boxes = Boxes::detect(bare, directory.join(BOXES));
        let boxes = boxes.map_err(crate::boxes::BoxError::from)?;
        make_private(&directory).map_err(Error::io("make", &directory))?;
        // A bare process finds its files by walking here as its own user.
        if boxes.isolation() == (Isolation::Bare { root: true }) {
            open_to_walk(&directory).map_err(Error::io("open", &directory))?;
        }
        for name in [BOXES, "instances", "layers", "data", "exec", "trash"] {
            let path = directory.join(name);
            match std::fs::create_dir(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => {
                    return Err(Error::io("make", &path)(error));
                }
                _ => open_to_walk(&path).map_err(Error::io("open", &path))?,
            }
        }
        let ports = directory.join(PORTS);
        make_private(&ports).map_err(Error::io("make", &ports))?;
        let trash = directory.join("trash");
        for entry in std::fs::read_dir(&trash).map_err(Error::io("read", &trash))?.flatten() {
            let _ = remove_tree(&entry.path());
        }
        exec::sweep(&directory);
        // What is left now goes at the next start.
        let _ = boxes.sweep(clock.now());
        let owned = rustix::process::geteuid().is_root();
        let layers = Arc::new(Layers::new(directory.join("layers"), owned));
        let tells_listeners =
            matches!(boxes.isolation(), Isolation::Root | Isolation::Bare { root: true })
                && listeners::can_tell();
        Ok(Self { directory, solum, machine, boxes, tells_listeners, layers, clock })
    }

    /// How boxes are made here, for builds and tests to run in.
    #[must_use]
    pub fn boxes(&self) -> &Boxes {
        &self.boxes
    }

    fn instance(&self, id: InstanceId) -> InstanceDirectory {
        InstanceDirectory::new(self.directory.join("instances").join(id.to_string()))
    }

    /// A name below `trash/` that nobody else uses.
    fn trash(&self) -> PathBuf {
        self.directory.join("trash").join(format!("{:032x}", rand::random::<u128>()))
    }
}

/// Runs what blocks where blocking hurts nobody.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(value) => value,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => std::future::pending().await,
        },
    }
}

#[async_trait]
impl Driver for ProcessDriver {
    async fn prepare(
        &self,
        bundle: &Bundle,
        owner: &Owner,
        blobs: &dyn Blobs,
    ) -> Result<(), PrepareError> {
        self.machine.offers(&bundle.stack).await?;
        for layer in &bundle.layers {
            let blob = blobs.path(&layer.digest);
            let (layers, layer, owner) = (Arc::clone(&self.layers), layer.clone(), *owner);
            let now = self.clock.now();
            blocking(move || layers.lay_out(&owner, &layer, &blob, now)).await?;
        }
        Ok(())
    }

    async fn start(&self, spec: &InstanceSpec) -> Result<Started, StartError> {
        self.start_instance(spec).await
    }

    fn listens_as(&self, owner: &Owner) -> Option<u32> {
        self.tells_listeners.then_some(owner.uid)
    }

    async fn observe(&self, id: InstanceId) -> Result<Observation, Error> {
        self.observe_instance(id).await
    }

    async fn changed(&self, id: InstanceId, seen: &Observation) -> Result<Observation, Error> {
        self.wait_for_change(id, seen).await
    }

    async fn ready(&self, id: InstanceId, health: &HealthCheck) -> Result<Ready, NotReady> {
        probe::wait(self, id, health).await
    }

    async fn stop(&self, id: InstanceId, grace: Duration) -> Result<(), Error> {
        self.stop_instance(id, grace).await
    }

    async fn remove(&self, id: InstanceId) -> Result<(), Error> {
        self.remove_instance(id).await
    }

    async fn list(&self) -> Result<Vec<InstanceId>, Error> {
        self.list_instances()
    }

    async fn logs(
        &self,
        id: InstanceId,
        from: LogStart,
        follow: bool,
    ) -> Result<Box<dyn LogReader>, Error> {
        let directory = self.instance(id);
        if !directory.path().is_dir() {
            return Err(Error::Absent(id));
        }
        Ok(Box::new(log_reader::Reader::open(directory, from, follow).await?))
    }

    async fn exec(
        &self,
        spec: &InstanceSpec,
        command: Vec<String>,
        output: mpsc::Sender<Output>,
        cancel: CancellationToken,
    ) -> Result<Exit, Error> {
        self.exec_one_off(spec, command, output, cancel).await
    }

    async fn collect(&self, keep: &[Digest]) -> Result<Collected, Error> {
        let mut keep: std::collections::BTreeSet<PathBuf> =
            keep.iter().map(|digest| PathBuf::from(digest.hex())).collect();
        for directory in [self.directory.join("instances"), self.directory.join("exec")] {
            keep.extend(start::layers_in_use(&directory));
        }
        let (layers, trash, now) =
            (Arc::clone(&self.layers), self.directory.join("trash"), self.clock.now());
        blocking(move || layers.collect(&keep, &trash, now)).await
    }

    async fn forget(&self, owner: &Owner) -> Result<(), Error> {
        let app = owner.app.to_string();
        for part in ["layers", "data"] {
            let path = self.directory.join(part).join(&app);
            let trash = self.trash();
            blocking(move || instances::discard(&path, &trash)).await?;
        }
        Ok(())
    }
}
