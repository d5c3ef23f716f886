//! Whom a secret or a variable of workflows belongs to.

use api::settings::Scope;
use clap::Args;
use types::{AppName, EnvironmentName};

use super::failure::Failure;
use super::session::Session;

/// Without any of them it is the project.
#[derive(Debug, Args)]
pub(crate) struct ScopeOptions {
    /// Of this app alone
    #[arg(long, value_name = "APP")]
    app: Option<AppName>,
    /// Of this environment alone; the app may be left out inside its repository
    #[arg(long = "env", value_name = "ENV")]
    environment: Option<EnvironmentName>,
}

impl ScopeOptions {
    pub(crate) fn scope(self, session: &Session) -> Result<Scope, Failure> {
        let app = match (self.app, &self.environment) {
            (None, Some(_)) => Some(session.app(None)?),
            (app, _) => app,
        };
        Ok(Scope { app, environment: self.environment })
    }
}
