//! `solum server stop`: ends the server of a data directory and, with `--all`, everything that it started.

use std::path::Path;

use anyhow::{Context as _, Result};
use rustix::process::{Signal, kill_process};

use super::data_directory::DataDirectory;

/// What was there to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stopped {
    Server,
    NothingRan,
}

/// Returns once the server, and with `all` every app and the router, have ended.
pub(crate) fn stop(data_directory: &Path, all: bool) -> Result<Stopped> {
    let directory = DataDirectory::open(data_directory)?;
    let server = directory.server()?;
    if let Some(server) = server {
        kill_process(server, Signal::TERM).context("cannot tell the server to end")?;
    }
    // Taken: no other server begins while what the former one left is stopped.
    let _lock = directory.wait_for_lock()?;
    if all {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let program = std::env::current_exe().context("cannot tell where this program is")?;
        runtime.block_on(control::stop_everything(directory.path(), &program))?;
    }
    Ok(if server.is_some() { Stopped::Server } else { Stopped::NothingRan })
}
