//! What the proxies stand before: nginx with two files, on the core of the load.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context, Result};

use super::process::{Pinned, free_address};

pub(super) const LOAD_CORE: usize = 1;

#[derive(Debug)]
pub(super) struct Instance {
    pub(super) address: SocketAddr,
    _process: Pinned,
}

impl Instance {
    pub(super) fn start(scratch: &Path) -> Result<Self> {
        let root = scratch.join("files");
        fs::create_dir(&root)?;
        fs::write(root.join("1k"), vec![b'x'; 1024])?;
        fs::write(root.join("100k"), vec![b'x'; 100 * 1024])?;
        let address = free_address()?;
        let configuration = format!(
            "{}http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000;\n\
             open_file_cache max=10; default_type text/plain;\n\
             server {{ listen {address} backlog=4096; root {}; }} }}\n",
            preamble(scratch, "instance"),
            root.display()
        );
        let file = scratch.join("instance.conf");
        fs::write(&file, configuration)?;
        let mut process = nginx(LOAD_CORE, &file)?;
        process.listens(address).context("the instance (nginx)")?;
        Ok(Self { address, _process: process })
    }
}

/// One process that stays in the foreground and writes nothing outside of `scratch`.
pub(super) fn preamble(scratch: &Path, name: &str) -> String {
    format!(
        "daemon off; master_process off; worker_processes 1; pid {0}/{name}.pid;\n\
         error_log {0}/{name}.log; events {{ worker_connections 4096; }}\n",
        scratch.display()
    )
}

pub(super) fn nginx(core: usize, configuration: &Path) -> Result<Pinned> {
    let configuration =
        configuration.to_str().context("the scratch directory's name is not text")?;
    // Its own log of errors at start would go to a system directory.
    Pinned::start(core, "/usr/sbin/nginx", &["-e", "/dev/stderr", "-c", configuration])
}
