//! `solum server`: opens the data directory, starts the control plane, serves until it is told to end.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use control::{Control, Isolation, MirrorBase, Settings};
use rustix::fs::Mode;
use tokio::signal::unix::{SignalKind, signal};
use types::{HostName, SystemClock};

use super::addresses::Addresses;
use super::data_directory::DataDirectory;
use super::{build_environment, logging};

/// What `solum server` was asked for.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) data_directory: PathBuf,
    pub(crate) listen: Option<SocketAddr>,
    pub(crate) router_listen: Option<SocketAddr>,
    pub(crate) domain: HostName,
    pub(crate) isolation: Isolation,
    pub(crate) actions_mirror: Option<MirrorBase>,
    /// After the end of a run.
    pub(crate) run_logs_kept: Duration,
}

/// Threads of the control plane: it mostly waits.
const THREADS: usize = 2;
/// What blocks a thread at the end has this long: a call to another system would keep the server until its own time limit.
/// What it was part of goes on at the next start.
const LAST_GRACE: Duration = Duration::from_secs(2);

pub(crate) fn run(options: &Options) -> Result<()> {
    logging::start();
    let directory = DataDirectory::open(&options.data_directory)?;
    // Without boxes, apps that are other users than the server walk through it to their own.
    let passable = options.isolation == Isolation::Bare && rustix::process::geteuid().is_root();
    directory.make_private(passable)?;
    if !passable {
        rustix::process::umask(Mode::RWXG | Mode::RWXO);
    }
    let _lock = directory.lock()?;
    Addresses::withdraw(&directory)?;
    let (addresses, listener) =
        Addresses::choose(&directory, options.listen, options.router_listen)?;
    let program = std::env::current_exe().context("cannot tell where this program is")?;
    let settings = settings(options, &directory, addresses, &program);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(THREADS)
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let served = runtime.block_on(serve(settings, &directory, addresses, listener));
    runtime.shutdown_timeout(LAST_GRACE);
    served
}

fn settings(
    options: &Options,
    directory: &DataDirectory,
    addresses: Addresses,
    program: &Path,
) -> Settings {
    Settings {
        data_directory: directory.path().to_owned(),
        program: program.to_owned(),
        domain: options.domain.clone(),
        api_url: addresses.api_url(),
        router_listen: addresses.router,
        router_port: addresses.router.port(),
        isolation: options.isolation,
        build_environment: build_environment::collect(),
        rustup: build_environment::rustup(),
        actions_mirror: options.actions_mirror.clone(),
        limits: control::Limits { run_logs_kept: options.run_logs_kept, ..Default::default() },
    }
}

async fn serve(
    settings: Settings,
    directory: &DataDirectory,
    addresses: Addresses,
    listener: std::net::TcpListener,
) -> Result<()> {
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let control = Control::start(settings, Arc::new(SystemClock)).await?;
    let token = directory.file("admin.token");
    let is_first = control.ensure_admin_token(&token).await?;
    control.router_ready().await.context("the router does not start")?;
    let mut serving = tokio::task::JoinSet::new();
    serving.spawn(web::serve(listener, control.clone()));
    addresses.publish(directory)?;
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        api = addresses.api_url(),
        router = %addresses.router,
        data = %directory.path().display(),
        "serving"
    );
    if is_first {
        let (url, token) = (addresses.api_url(), token.display());
        tracing::info!("log in with: solum login {url} --token-file {token}");
    }
    tokio::select! {
        ended = serving.join_next() => {
            let ended = ended.context("nothing serves")??;
            ended.context("the API stopped serving")?;
        }
        _ = interrupt.recv() => tracing::info!("interrupted; the apps and the router are left running"),
        _ = terminate.recv() => tracing::info!("told to end; the apps and the router are left running"),
    }
    Addresses::withdraw(directory)?;
    control.shut_down().await;
    serving.shutdown().await;
    Ok(())
}
