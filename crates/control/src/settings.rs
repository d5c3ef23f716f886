use std::path::{Path, PathBuf};
use std::time::Duration;

use source::MirrorBase;
use types::HostName;

/// What a server is started with.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Holds everything: database, repositories, artifacts, instances, logs.
    pub data_directory: PathBuf,
    /// This program, for hooks, shims and the router.
    pub program: PathBuf,
    /// Apps are reached at `APP-ENV.DOMAIN`.
    pub domain: HostName,
    /// The address at which users reach the API and git: `http://127.0.0.1:8080`.
    pub api_url: String,
    /// Where the router listens.
    pub router_listen: std::net::SocketAddr,
    /// The port at which users reach the router.
    pub router_port: u16,
    pub isolation: Isolation,
    /// Variables that builds get from the server's environment: proxies, certificates, registries.
    pub build_environment: Vec<(String, String)>,
    /// rustup's home directory, if the server's user has one: builds see its toolchains.
    pub rustup: Option<PathBuf>,
    /// Where actions of other repositories come from.
    pub actions_mirror: Option<MirrorBase>,
    pub limits: Limits,
}

/// How builds and apps are kept apart from the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isolation {
    /// In boxes; where none can be made, the server does not start.
    Boxed,
    /// The administrator asked for it: as plain processes.
    Bare,
}

#[derive(Debug, Clone)]
pub struct Limits {
    /// The most that one push may send, compressed.
    pub pack_bytes: u64,
    /// The most that a commit's files may take, checked out.
    pub tree_bytes: u64,
    /// The most that an uploaded bundle may take.
    pub upload_bytes: u64,
    /// Pushes and uploads are refused while the disk has less room than this.
    pub min_free_bytes: u64,
    /// What an app's build caches may take; one that has more begins anew.
    pub build_cache_bytes: u64,
    /// The most that the artifacts of one run may take, packed; and the caches that an app's workflows keep.
    pub run_artifact_bytes: u64,
    pub workflow_cache_bytes: u64,
    /// The most that one action of another repository may take, packed and laid out; and all that are kept.
    pub action_bytes: u64,
    pub actions_bytes: u64,
    /// The most that is kept of what one step says.
    pub step_log_bytes: u64,
    /// How long after its end a run's logs are kept, and the most that those of all runs that have ended may take.
    pub run_logs_kept: Duration,
    pub run_logs_bytes: u64,
    /// Steps of jobs that run in boxes at once. Others wait for a place.
    pub boxes: usize,
    /// Builds and tests that run at once.
    pub builds: usize,
    /// The most instances that one process of an environment may be scaled to.
    pub instances: u32,
    /// Releases of each app whose artifacts are kept for a way back.
    pub rollback_window: u32,
    /// Stopped instances of each environment whose logs are kept.
    pub stopped_instances: u32,
    /// How long a process has after SIGTERM.
    pub stop_grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            pack_bytes: 2 << 30,
            tree_bytes: 4 << 30,
            upload_bytes: 2 << 30,
            min_free_bytes: 512 << 20,
            build_cache_bytes: 10 << 30,
            run_artifact_bytes: 2 << 30,
            workflow_cache_bytes: 10 << 30,
            action_bytes: 512 << 20,
            actions_bytes: 8 << 30,
            step_log_bytes: 64 << 20,
            run_logs_kept: Duration::from_secs(90 * 24 * 60 * 60),
            run_logs_bytes: 20 << 30,
            boxes: 8,
            builds: 2,
            instances: 100,
            rollback_window: 20,
            stopped_instances: 10,
            stop_grace: Duration::from_secs(10),
        }
    }
}

impl Settings {
    pub(crate) fn database(&self) -> PathBuf {
        Self::database_of(&self.data_directory)
    }

    pub(crate) fn database_of(data_directory: &Path) -> PathBuf {
        data_directory.join("solum.db")
    }

    /// The keys that secrets are sealed with.
    pub(crate) fn secret_key_file(&self) -> PathBuf {
        self.data_directory.join("secrets.key")
    }

    /// Where the router keeps its table and its sockets.
    pub(crate) fn router_directory(&self) -> PathBuf {
        self.data_directory.join(crate::control::ROUTER)
    }

    pub(crate) fn work_directory(&self) -> PathBuf {
        self.data_directory.join("work")
    }

    pub(crate) fn transcripts_directory(&self) -> PathBuf {
        self.data_directory.join("transcripts")
    }

    /// What runs keep of their steps: where these run, and what they said.
    pub(crate) fn runs_directory(&self) -> PathBuf {
        Self::runs_of(&self.data_directory)
    }

    pub(crate) fn runs_of(data_directory: &Path) -> PathBuf {
        data_directory.join("runs")
    }

    /// Actions of other repositories, as they were fetched.
    pub(crate) fn actions_directory(&self) -> PathBuf {
        self.data_directory.join("actions")
    }

    pub(crate) fn uploads_directory(&self) -> PathBuf {
        self.data_directory.join("uploads")
    }

    pub(crate) fn hook_socket(&self) -> PathBuf {
        self.data_directory.join("hooks.sock")
    }
}
