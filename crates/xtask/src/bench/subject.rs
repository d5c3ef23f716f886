//! The app that is measured: a web server of Python's standard library. It installs nothing, and what
//! it needs to start is known, because it can be started by hand.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use testkit::http::{self, Request};
use testkit::{Repository, wait_until};

const FILE: &str = "server.py";
const SOURCE: &str = r#"import http.server
import os

MESSAGE = b"version 0\n"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(MESSAGE)))
        self.end_headers()
        self.wfile.write(MESSAGE)

    def log_message(self, *words):
        pass


address = ("127.0.0.1", int(os.environ["PORT"]))
http.server.ThreadingHTTPServer(address, Handler).serve_forever()
"#;
/// The one that apps see, too.
const PYTHON: &str = "/usr/bin/python3";

pub(super) const FILES: [(&str, &str); 3] = [
    (FILE, SOURCE),
    ("Procfile", "web: python3 server.py\n"),
    ("requirements.txt", "# Nothing to install.\n"),
];

/// Changes one line and commits.
pub(super) fn change(repository: &Repository, from: &str, to: &str) -> Result<()> {
    repository.edit(FILE, &format!("b\"{from}\\n\""), &format!("b\"{to}\\n\""))?;
    repository.commit(to)?;
    Ok(())
}

/// From its start to its first answer, without anything of ours.
pub(super) fn own_start(repository: &Repository) -> Result<Duration> {
    let address = free_address()?;
    let began = Instant::now();
    let app = Started::new(repository.path(), address)?;
    wait_until("the app's first answer", Duration::from_secs(20), || {
        http::send(address, &Request::get("app", "/"), Duration::from_secs(5)).ok()
    })?;
    let took = began.elapsed();
    drop(app);
    Ok(took)
}

fn free_address() -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").context("cannot find a free port")?;
    Ok(listener.local_addr()?)
}

struct Started(Child);

impl Started {
    fn new(folder: &Path, address: SocketAddr) -> Result<Self> {
        let child = Command::new(PYTHON)
            .arg(FILE)
            .current_dir(folder)
            .env("PORT", address.port().to_string())
            .stdin(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start {PYTHON}"))?;
        Ok(Self(child))
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        // It may have ended by itself, which the wait for its answer has told.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
