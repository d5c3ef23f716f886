//! From a checked-out tree to a bundle in the store.
//!
//! A plan is made outside of any box; whatever runs out of the repository runs in one. Each app has a room of its own
//! under the builder's directory: the caches of its package managers, its installed dependencies by what they are
//! made from, and the tree that it builds in. The checked-out tree itself is only read.
//!
//! A box sees the tree at `/app` and the app's caches at `/cache`, both of which it may write to, the dependencies at their
//! place in `/app` (tests may only read them; a build has a copy), and of the machine what every box shows, plus a
//! Rust toolchain at `/rust`. A buildpack works at `/build`, as Heroku's do.
//!
//! The invariant: nothing of an earlier or a broken-off call shows in a later one, except in what was handed to tools
//! as a cache. The tree is brought to the source's state before anything runs, dependencies appear under their key
//! by a rename, and one call per app works at a time. So [`Builder::test`] and [`Builder::build`] may be called
//! again after a crash anywhere, and the same input gives the same digest as far as the app's own tools do.

mod assemble;
mod buildpack;
mod environment;
mod error;
mod execute;
mod install;
mod program;
mod room;
mod space;
mod sync;
mod trim;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use types::{AppId, Bundle, Stack, Transcript};

use crate::blocking::blocking;
use crate::boxes::Boxes;
use crate::plan::{Language, Plan, PlanError, Tests};
use crate::source::Source;
use crate::store::ArtifactStore;
use crate::tools::Probe;

pub(crate) use environment::run_env;
pub use error::{BuildError, Stage};

use program::Program;
use room::Rooms;
pub(crate) use space::Space;

/// What a [`Builder`] works with.
pub struct BuilderConfig {
    /// For caches and trees, a folder per app. Only the server's user may reach into it.
    pub directory: PathBuf,
    pub store: Arc<ArtifactStore>,
    pub boxes: Arc<dyn Boxes>,
    /// What bundles built here are built for.
    pub machine: Stack,
    /// Set in every box: the server's proxies, certificate files and registries. Where the value is the path of a
    /// file that a box does not show, the box gets the file at a place of its own and the variable names that.
    pub pass_env: Vec<(String, String)>,
    /// rustup's home directory, where the server has one: its toolchains are not visible in a box otherwise.
    pub rustup: Option<PathBuf>,
    /// Our own program, which static sites carry with them.
    pub solum: PathBuf,
    /// What has to stay free on the disk of `directory`: nothing is begun with less, and what runs is ended.
    pub min_free_bytes: u64,
    /// The most that an archive that is handed in may expand to.
    pub max_import_bytes: u64,
}

/// Plans, tests, builds. See the module's documentation.
#[derive(Debug)]
pub struct Builder {
    config: BuilderConfig,
    probe: Probe,
    rooms: Rooms,
    space: Space,
    /// The layer with our own program, once it was packed.
    program: Program,
}

/// One commit of one app, checked out.
#[derive(Clone)]
pub struct Workspace {
    pub app: AppId,
    /// Whom the app's commands run as: user and group.
    pub uid: u32,
    /// Without a `.git`. It is only read, and has to stay as it is until the call returns.
    pub source: PathBuf,
    /// The commit's time in seconds since 1970: the time of every file in the app's layer.
    pub committed_at: u64,
    /// Variables for tests and the build on top of the manifest's `env`. They may be secret: nothing prints their
    /// values.
    pub build_env: BTreeMap<String, String>,
}

/// What came of testing. Tests that fail are a [`BuildError::Failed`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tested {
    Passed,
    /// Nothing was there to run, and why.
    Skipped(String),
}

impl fmt::Debug for BuilderConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            directory,
            store,
            boxes,
            machine,
            pass_env,
            rustup,
            solum,
            min_free_bytes,
            max_import_bytes,
        } = self;
        // A proxy's address may hold a password.
        let passed: Vec<_> = pass_env.iter().map(|(name, _)| name).collect();
        f.debug_struct("BuilderConfig")
            .field("directory", directory)
            .field("store", store)
            .field("boxes", boxes)
            .field("machine", machine)
            .field("pass_env", &passed)
            .field("rustup", rustup)
            .field("solum", solum)
            .field("min_free_bytes", min_free_bytes)
            .field("max_import_bytes", max_import_bytes)
            .finish()
    }
}

impl fmt::Debug for Workspace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { app, uid, source, committed_at, build_env } = self;
        f.debug_struct("Workspace")
            .field("app", app)
            .field("uid", uid)
            .field("source", source)
            .field("committed_at", committed_at)
            .field("build_env", &build_env.keys())
            .finish()
    }
}

impl Builder {
    #[must_use]
    pub fn new(config: BuilderConfig) -> Self {
        let probe = Probe::new(config.rustup.clone());
        let rooms = Rooms::new(config.directory.clone());
        let space =
            Space { directory: config.directory.clone(), min_free_bytes: config.min_free_bytes };
        Self { config, probe, rooms, space, program: Program::default() }
    }

    /// Reads the tree and decides how it is built, tested and run. Runs nothing out of it.
    pub async fn plan(&self, source: &Path) -> Result<Plan, PlanError> {
        let tools = self.probe.look().await;
        let root = source.to_owned();
        blocking(move || Plan::make(&Source::open(&root)?, &tools)).await
    }

    /// Runs the app's tests, with everything they need installed.
    pub async fn test(
        &self,
        workspace: &Workspace,
        plan: &Plan,
        transcript: &dyn Transcript,
        cancel: &CancellationToken,
    ) -> Result<Tested, BuildError> {
        let commands = match &plan.recipe.tests {
            Tests::Run(commands) => commands.clone(),
            Tests::Skip(why) => return Ok(Tested::Skipped(why.clone())),
        };
        let job = self.begin(workspace, plan, transcript, cancel).await?;
        job.conclude(job.test(&commands).await).await?;
        Ok(Tested::Passed)
    }

    /// Builds the app and puts the bundle into the store.
    pub async fn build(
        &self,
        workspace: &Workspace,
        plan: &Plan,
        transcript: &dyn Transcript,
        cancel: &CancellationToken,
    ) -> Result<Bundle, BuildError> {
        let job = self.begin(workspace, plan, transcript, cancel).await?;
        job.conclude(job.build().await).await
    }

    pub(crate) fn store(&self) -> &Arc<ArtifactStore> {
        &self.config.store
    }

    pub(crate) fn machine(&self) -> &Stack {
        &self.config.machine
    }

    pub(crate) fn space(&self) -> &Space {
        &self.space
    }

    pub(crate) fn max_import_bytes(&self) -> u64 {
        self.config.max_import_bytes
    }

    async fn begin<'a>(
        &'a self,
        workspace: &'a Workspace,
        plan: &'a Plan,
        transcript: &'a dyn Transcript,
        cancel: &'a CancellationToken,
    ) -> Result<Job<'a>, BuildError> {
        let entered = tokio::select! {
            entered = self.rooms.enter(workspace.app, workspace.uid) => entered,
            () = cancel.cancelled() => return Err(BuildError::Cancelled),
        };
        let (config, program, space) = (&self.config, &self.program, &self.space);
        let room = match entered {
            Ok(room) if space.is_short() => {
                room.leave()?;
                return Err(space.error());
            }
            Err(_) if space.is_short() => return Err(space.error()),
            entered => entered?,
        };
        Ok(Job { config, program, space, room, workspace, plan, transcript, cancel })
    }
}

/// One call for one app, alone in its room.
struct Job<'a> {
    config: &'a BuilderConfig,
    program: &'a Program,
    space: &'a Space,
    room: room::Room,
    workspace: &'a Workspace,
    plan: &'a Plan,
    transcript: &'a dyn Transcript,
    cancel: &'a CancellationToken,
}

impl Job<'_> {
    async fn test(&self, commands: &[String]) -> Result<(), BuildError> {
        let dependencies = self.install_for_work().await?;
        self.sync().await?;
        self.transcript.step("Testing");
        let recipe = &self.plan.recipe;
        let commands = [&recipe.in_tree[..], &recipe.in_tree_development, commands].concat();
        self.run(Stage::Test, &commands, self.app_binds(dependencies.as_ref()).await?).await
    }

    async fn build(&self) -> Result<Bundle, BuildError> {
        if self.plan.language == Language::Buildpack {
            return self.build_with_buildpacks().await;
        }
        let shipped = self.install_shipped().await?;
        let recipe = &self.plan.recipe;
        let commands = [&recipe.in_tree[..], &recipe.compile, &recipe.finish].concat();
        if commands.is_empty() {
            return self.assemble_untouched(shipped).await;
        }
        let dependencies = self.install_for_work().await?;
        self.sync().await?;
        self.transcript.step("Building");
        let binds = self.writable_binds(dependencies.as_ref()).await?;
        self.run(Stage::Build, &commands, binds).await?;
        self.assemble_built(shipped, dependencies).await
    }
}
