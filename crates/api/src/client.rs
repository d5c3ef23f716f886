//! The typed client: one method for each thing the API does, blocking, over HTTP without TLS.
//!
//! What it is not: it never touches the terminal, the environment or a file of its own. It follows no redirect,
//! since the token would go along.
//!
//! Everything has a timeout, and what is kept of an answer is bounded. A request whose connection was refused is
//! sent again for a short while; one whose connection broke is sent again when that cannot do the work twice,
//! which for a POST its idempotency key sees to. Feeds reconnect and go on after the last event that arrived.

mod address;
mod apps;
mod environments;
mod error;
mod exec;
mod feed;
mod lines;
mod logs;
mod pages;
mod patience;
mod releases;
mod request;
mod run_artifacts;
mod runs;
mod settings;
mod step_logs;
mod tokens;
mod uploads;
mod workflow_checks;
mod workflows;

use types::Secret;

pub use address::{InvalidServerUrl, ServerUrl};
pub use error::Error;
pub use exec::ExecStream;
pub use logs::{LogFeed, LogsQuery};
pub use patience::Patience;
pub use runs::{RunEvent, RunFeed};
pub use step_logs::StepLogFeed;

/// Talks to one server with one token.
#[derive(Debug, Clone)]
pub struct Client {
    agent: ureq::Agent,
    server: ServerUrl,
    token: Option<Secret>,
}

impl Client {
    #[must_use]
    pub fn new(server: ServerUrl, token: Option<Secret>) -> Self {
        let agent = request::agent(&server);
        Self { agent, server, token }
    }

    #[must_use]
    pub fn server(&self) -> &ServerUrl {
        &self.server
    }
}
