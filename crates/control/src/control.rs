//! Putting the parts together, and taking up what a former server left under way.

use std::collections::HashSet;
use std::fmt;
use std::fs::Permissions;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use build::{ArtifactStore, Builder, BuilderConfig};
use deploy::boxes::Boxes;
use deploy::steps::{Epoch, Steps};
use deploy::{Driver, Machine, ProcessConfig, ProcessDriver};
use parking_lot::Mutex;
use source::{
    Git, GitConfig, GitHttp, GitHttpConfig, HookServer, Mirror, MirrorConfig, Repositories,
    RepositoriesConfig,
};
use store::Store;
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use types::Clock;

use crate::actions::artifacts::Artifacts;
use crate::actions::cache::Caches;
use crate::actions::step_logs::StepLogs;
use crate::engine;
use crate::jobs::vault::Vaults;
use crate::mirrored_actions::Actions;
use crate::pushes::Pushes;
use crate::reconcile::{self, Routes};
use crate::sandbox::Sandbox;
use crate::settings::{Isolation, Settings};
use crate::transcripts::Transcripts;
use crate::under_way::{Cancellations, Driven, PinsUnderWay, Said};

/// Where the process target keeps its own, in the data directory.
const TARGET: &str = "target";
const ARTIFACTS: &str = "artifacts";
/// Where steps of jobs run, among what runs keep.
const STEPS: &str = "steps";
/// Calls to other systems that are under way at once.
const CALLS: usize = 32;
/// How long the mirror of actions may take to say what a reference is, and to hand over a commit.
const MIRROR_ANSWER: Duration = Duration::from_secs(20);
const MIRROR_FETCH: Duration = Duration::from_secs(120);
/// Where apps are built.
const BUILD: &str = "build";
/// Where the router keeps its own.
pub(crate) const ROUTER: &str = "router";

/// The control plane. Clones are the same one.
#[derive(Clone)]
pub struct Control {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) settings: Settings,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) store: Store,
    pub(crate) repositories: Repositories,
    pub(crate) git_http: GitHttp,
    pub(crate) artifacts: Arc<ArtifactStore>,
    pub(crate) builder: Builder,
    pub(crate) driver: Arc<dyn Driver>,
    pub(crate) router: router::Client,
    pub(crate) routes: Routes,
    pub(crate) transcripts: Transcripts,
    /// Where steps of jobs run, and the lease under which this server asks for them.
    pub(crate) steps: Steps,
    pub(crate) epoch: Epoch,
    pub(crate) step_logs: StepLogs,
    /// What `actions/upload-artifact` keeps.
    pub(crate) run_artifacts: Artifacts,
    /// What `actions/cache` keeps.
    pub(crate) caches: Caches,
    /// Actions of other repositories.
    pub(crate) actions: Actions,
    pub(crate) cancellations: Cancellations,
    /// What runs keep to themselves.
    pub(crate) vaults: Vaults,
    /// Steps of jobs in boxes take a place each.
    pub(crate) boxes: Semaphore,
    /// Builds and tests take a place each.
    pub(crate) builds: Semaphore,
    /// Calls that steps make to other systems take a place each.
    pub(crate) calls: Arc<Semaphore>,
    /// What reconcilers are at work on, so that nothing is driven twice at once.
    pub(crate) driven: Driven,
    pub(crate) deployments_nudge: Notify,
    /// Deployments of which it was said that they wait.
    pub(crate) waiting: Said,
    pub(crate) pushes_under_way: PinsUnderWay,
    /// Layers whose bytes were held against their digests since the server was started.
    pub(crate) verified: Mutex<HashSet<types::Digest>>,
    pub(crate) tracker: TaskTracker,
    pub(crate) stop: CancellationToken,
}

impl fmt::Debug for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Control").field("settings", &self.inner.settings).finish_non_exhaustive()
    }
}

/// Why a server does not start. The message says what to do.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("cannot prepare {}", .path.display())]
    Directory {
        path: std::path::PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("the database cannot be opened")]
    Store(#[source] store::Error),
    #[error("hosted git does not work")]
    Source(#[from] source::Error),
    #[error("the artifact store cannot be opened")]
    Artifacts(#[source] build::StoreError),
    #[error("apps cannot be run on this machine")]
    Driver(#[source] deploy::Error),
    #[error("steps of jobs cannot be run on this machine")]
    Steps(#[source] deploy::steps::StepError),
    #[error("what a former server was building cannot be removed")]
    Builds(#[source] build::BuildError),
    #[error("the router was not stopped")]
    Router(#[source] router::Error),
}

impl Control {
    /// Opens everything under the data directory and goes on with whatever was under way.
    pub async fn start(settings: Settings, clock: Arc<dyn Clock>) -> Result<Self, StartError> {
        make_directories(&settings)?;
        let store =
            Store::open(&settings.database(), Arc::clone(&clock)).map_err(StartError::Store)?;
        let epoch = Epoch(store.begin_epoch().await.map_err(StartError::Store)?);
        let (tracker, stop) = (TaskTracker::new(), CancellationToken::new());
        let repositories = open_repositories(&settings).await?;
        let pushes = source::Pushes::default();
        let git_http = GitHttp::new(
            repositories.clone(),
            pushes.clone(),
            GitHttpConfig::default(),
            tracker.clone(),
            stop.clone(),
        );
        let artifacts = settings.data_directory.join(ARTIFACTS);
        let artifacts =
            ArtifactStore::open(artifacts, Arc::clone(&clock)).map_err(StartError::Artifacts)?;
        let artifacts = Arc::new(artifacts);
        let machine = build::machine_stack().await;
        let driver = ProcessDriver::new(ProcessConfig {
            directory: settings.data_directory.join(TARGET),
            solum: settings.program.clone(),
            machine: Machine::new(machine.clone(), build::machine_stack),
            bare: settings.isolation == Isolation::Bare,
            clock: Arc::clone(&clock),
        })
        .map_err(StartError::Driver)?;
        let builder = Builder::new(BuilderConfig {
            directory: settings.data_directory.join(BUILD),
            store: Arc::clone(&artifacts),
            boxes: Arc::new(Sandbox::new(driver.boxes().clone())),
            machine,
            pass_env: settings.build_environment.clone(),
            rustup: settings.rustup.clone(),
            solum: settings.program.clone(),
            min_free_bytes: settings.limits.min_free_bytes,
            max_import_bytes: settings.limits.tree_bytes,
        });
        // Before the engine goes on with anything: what is swept may be what filled the disk.
        builder.sweep().await.map_err(StartError::Builds)?;
        let transcripts = settings.transcripts_directory();
        let transcripts = Transcripts::new(transcripts.clone())
            .map_err(|source| StartError::Directory { path: transcripts, source })?;
        let runs = settings.runs_directory();
        let steps = Steps::new(runs.join(STEPS), settings.program.clone(), driver.boxes().clone())
            .map_err(StartError::Steps)?;
        let kept = |name: &str| runs.join(name);
        let made = |path: PathBuf| move |source| StartError::Directory { path, source };
        let step_logs = StepLogs::new(kept("logs")).map_err(made(kept("logs")))?;
        let most = settings.limits.run_artifact_bytes;
        let run_artifacts =
            Artifacts::new(kept("artifacts"), most).map_err(made(kept("artifacts")))?;
        let most = settings.limits.workflow_cache_bytes;
        let caches = Caches::new(kept("caches"), most).map_err(made(kept("caches")))?;
        let actions = open_actions(&settings, &repositories, &clock).await?;
        let actions = Actions::new(actions, store.clone());
        let router = router::Client::new(settings.router_directory());
        let inner = Inner {
            vaults: Vaults::default(),
            boxes: Semaphore::new(settings.limits.boxes),
            builds: Semaphore::new(settings.limits.builds),
            calls: Arc::new(Semaphore::new(CALLS)),
            settings,
            clock,
            store,
            repositories: repositories.clone(),
            git_http,
            artifacts,
            builder,
            driver: Arc::new(driver),
            router,
            routes: Routes::default(),
            transcripts,
            steps,
            epoch,
            step_logs,
            run_artifacts,
            caches,
            actions,
            cancellations: Cancellations::default(),
            driven: Driven::default(),
            deployments_nudge: Notify::new(),
            waiting: Said::default(),
            pushes_under_way: PinsUnderWay::default(),
            verified: Mutex::default(),
            tracker: tracker.clone(),
            stop: stop.clone(),
        };
        let control = Self { inner: Arc::new(inner) };
        control.prepare_secret_keys().await;
        control.inner.store.release_idempotency_keys().await.map_err(StartError::Store)?;
        crate::engine::recall_stops(&control).await.map_err(StartError::Store)?;
        let handler = Arc::new(Pushes::new(control.clone()));
        let hooks = HookServer::bind(repositories, pushes, handler, tracker.clone(), stop)?;
        tracker.spawn(hooks.serve());
        reconcile::spawn(&control);
        engine::spawn(&control);
        Ok(control)
    }

    /// Ends every task of the control plane. Apps go on serving, and runs go on when a server is started again.
    pub async fn shut_down(&self) {
        self.inner.stop.cancel();
        self.inner.tracker.close();
        let ended = tokio::time::timeout(Duration::from_secs(10), self.inner.tracker.wait());
        if ended.await.is_err() {
            tracing::warn!(
                "some tasks did not end in time; what they did goes on at the next start"
            );
        }
    }

    /// Waits until the router takes connections and knows its routes.
    pub async fn router_ready(&self) -> Result<(), crate::Error> {
        reconcile::ensure_router(self).await.map_err(|error| crate::Error::Io {
            doing: "start the router",
            source: std::io::Error::other(error),
        })
    }

    /// Cancelled when the control plane is to end.
    #[must_use]
    pub fn stopping(&self) -> CancellationToken {
        self.inner.stop.clone()
    }

    /// Where tasks of the control plane's users belong: they end with it.
    #[must_use]
    pub fn tracker(&self) -> &TaskTracker {
        &self.inner.tracker
    }

    /// Whether it can do its work: the database answers.
    pub async fn check(&self) -> Result<(), crate::Error> {
        Ok(self.inner.store.check().await?)
    }
}

/// Ends every app and the router of a data directory in which no server works. What ran runs again after the next start.
pub async fn stop_everything(data_directory: &Path, program: &Path) -> Result<(), StartError> {
    let machine = build::machine_stack().await;
    let driver = |bare| {
        ProcessDriver::new(ProcessConfig {
            directory: data_directory.join(TARGET),
            solum: program.to_owned(),
            machine: Machine::from(machine.clone()),
            bare,
            clock: Arc::new(types::SystemClock),
        })
    };
    // Where no boxes can be made any more, what runs can still be stopped.
    let driver = driver(false).or_else(|_| driver(true)).map_err(StartError::Driver)?;
    reconcile::stop_instances(&driver).await;
    end_steps(data_directory, program, driver.boxes().clone()).await?;
    let router = router::Client::new(data_directory.join(ROUTER));
    match router.stop().await {
        Ok(()) | Err(router::Error::NotRunning(_)) => Ok(()),
        Err(error) => Err(StartError::Router(error)),
    }
}

/// The next server takes them up as steps that were killed.
async fn end_steps(data: &Path, program: &Path, boxes: Boxes) -> Result<(), StartError> {
    let steps = Steps::new(Settings::runs_of(data).join(STEPS), program.to_owned(), boxes)
        .map_err(StartError::Steps)?;
    if steps.runs().await.map_err(StartError::Steps)?.is_empty() {
        return Ok(());
    }
    let store = Store::open(&Settings::database_of(data), Arc::new(types::SystemClock))
        .map_err(StartError::Store)?;
    let epoch = Epoch(store.begin_epoch().await.map_err(StartError::Store)?);
    steps.end_all(epoch).await.map_err(StartError::Steps)
}

async fn open_repositories(settings: &Settings) -> Result<Repositories, source::Error> {
    let git = Git::find(GitConfig::from_environment()).await?;
    let config = RepositoriesConfig {
        directory: settings.data_directory.join("repositories"),
        program: settings.program.clone(),
        hook_socket: settings.hook_socket(),
        max_pack_bytes: settings.limits.pack_bytes,
        max_tree_bytes: settings.limits.tree_bytes,
        min_free_bytes: settings.limits.min_free_bytes,
    };
    Repositories::open(git, config).await
}

async fn open_actions(
    settings: &Settings,
    repositories: &Repositories,
    clock: &Arc<dyn Clock>,
) -> Result<Mirror, source::Error> {
    let config = MirrorConfig {
        base: settings.actions_mirror.clone(),
        directory: settings.actions_directory(),
        max_pack_bytes: settings.limits.action_bytes,
        max_tree_bytes: settings.limits.action_bytes,
        max_bytes: settings.limits.actions_bytes,
        answer_timeout: MIRROR_ANSWER,
        fetch_timeout: MIRROR_FETCH,
    };
    Mirror::open(repositories.clone(), config, Arc::clone(clock)).await
}

/// Readable for the server's own user only, whatever they were before. What runs for apps gets at its own parts through
/// mounts, and without boxes by walking.
fn make_directories(settings: &Settings) -> Result<(), StartError> {
    let data = &settings.data_directory;
    let make = |path: &Path, mode: u32| {
        let made = std::fs::DirBuilder::new().recursive(true).mode(mode).create(path);
        made.and_then(|()| std::fs::set_permissions(path, Permissions::from_mode(mode)))
            .map_err(|source| StartError::Directory { path: path.to_owned(), source })
    };
    if !data.exists() {
        make(data, 0o700)?;
    }
    for path in [
        settings.uploads_directory(),
        settings.transcripts_directory(),
        settings.runs_directory(),
        data.join(ARTIFACTS),
    ] {
        make(&path, 0o700)?;
    }
    // Without boxes, an app's user walks through these to what is for it.
    let mode = if settings.isolation == Isolation::Bare { 0o711 } else { 0o700 };
    for path in [data.join(BUILD), settings.work_directory(), settings.actions_directory()] {
        make(&path, mode)?;
    }
    Ok(())
}
