//! A small app without dependencies, and what every test does with it.

use anyhow::{Context as _, Result};
use testkit::{Repository, Server};

pub(crate) const SERVER: &str = r#"import http.server, os, socketserver

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = f"hello v1 {os.environ.get('GREETING', '')}\n".encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, form, *args):
        pass

class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True
    request_queue_size = 128

print("ready", flush=True)
Server(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"#;

pub(crate) const PROCFILE: &str = "web: exec python3 server.py\n";

/// The app, committed and known to the server as `hello`, not pushed yet.
pub(crate) fn create(server: &Server) -> Result<Repository> {
    let repository =
        Repository::from_files(server, &[("server.py", SERVER), ("Procfile", PROCFILE)])?;
    repository.create_app("hello")?;
    Ok(repository)
}

/// The same, pushed and serving.
pub(crate) fn deployed(server: &Server) -> Result<Repository> {
    let repository = create(server)?;
    repository.push()?.require()?;
    assert_eq!(answer(server)?, "hello v1");
    Ok(repository)
}

/// Changes what the app says and pushes that.
pub(crate) fn push_version(repository: &Repository, from: &str, to: &str) -> Result<()> {
    repository.edit("server.py", &format!("hello {from}"), &format!("hello {to}"))?;
    repository.commit(&format!("say {to}"))?;
    repository.push()?.require()?;
    Ok(())
}

/// What the app says, without the space around it.
pub(crate) fn answer(server: &Server) -> Result<String> {
    let response = server.get("hello-dev.localhost", "/")?;
    anyhow::ensure!(response.status == 200, "{}: {}", response.status, response.text());
    Ok(response.text().trim().to_owned())
}

/// The newest run of the app.
pub(crate) fn newest_run(server: &Server) -> Result<serde_json::Value> {
    let runs = server.solum_json(&["run", "list", "--json"])?;
    runs.get(0).cloned().context("there is a run")
}
