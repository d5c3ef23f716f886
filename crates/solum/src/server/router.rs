//! `solum router`: the data plane as a process of its own, which may also be told to leave its starter behind.

use std::fs::{File, OpenOptions};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use router::{Client, Config};

use super::logging;

/// What `solum router` was asked for.
#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) data_directory: PathBuf,
    pub(crate) listen: SocketAddr,
    pub(crate) workers: Option<usize>,
}

/// How long a router that was started has to take connections.
const START: Duration = Duration::from_secs(10);
/// How often it is asked whether it does.
const ASK: Duration = Duration::from_millis(5);
/// A log that is longer than this makes room when a router starts.
const MAX_LOG_BYTES: u64 = 1 << 20;

impl Options {
    fn directory(&self) -> PathBuf {
        self.data_directory.join("router")
    }

    /// Serves until it is replaced or stopped.
    pub(crate) fn serve(&self) -> Result<()> {
        logging::start();
        // Fails for a process that leads a session already, which is just as well.
        let _ = rustix::process::setsid();
        let mut config = Config::new(self.directory(), self.listen);
        config.workers = self.workers.unwrap_or(config.workers);
        Ok(router::run(config)?)
    }

    /// Starts a router that outlives this process, and returns once it takes connections.
    pub(crate) fn detach(&self) -> Result<()> {
        let directory = self.directory();
        std::fs::create_dir_all(&directory)?;
        let log = directory.join("router.log");
        let mut child = self.spawn(&log)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(wait(&mut child, &Client::new(directory), &log))
    }

    fn spawn(&self, log: &Path) -> Result<Child> {
        let program = std::env::current_exe().context("cannot tell where this program is")?;
        let output = open_log(log).with_context(|| format!("cannot write {}", log.display()))?;
        let mut command = Command::new(program);
        command.arg("router").arg("--data-dir").arg(&self.data_directory);
        command.arg("--listen").arg(self.listen.to_string());
        command.args(self.workers.map(|workers| format!("--workers={workers}")));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(output);
        command.spawn().context("cannot start the router")
    }
}

fn open_log(path: &Path) -> std::io::Result<File> {
    if std::fs::metadata(path).is_ok_and(|metadata| metadata.len() > MAX_LOG_BYTES) {
        std::fs::rename(path, path.with_extension("log.1"))?;
    }
    OpenOptions::new().create(true).append(true).open(path)
}

async fn wait(child: &mut Child, client: &Client, log: &Path) -> Result<()> {
    let deadline = Instant::now() + START;
    loop {
        if let Ok(status) = client.status().await
            && status.accepting().is_some_and(|generation| generation.pid == child.id())
        {
            return Ok(());
        }
        if let Some(status) = child.try_wait()? {
            bail!("the router ended at once ({status}): {}", last_line(log));
        }
        if Instant::now() > deadline {
            let _ = child.kill();
            bail!("the router took no connections within {START:?}: {}", last_line(log));
        }
        tokio::time::sleep(ASK).await;
    }
}

fn last_line(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    text.lines().last().unwrap_or("it wrote nothing").to_owned()
}
