mod clone;
mod create;
mod delete;
mod list;
mod show;

use api::apps::App as Record;
use api::client::{Client, ServerUrl};
use clap::Subcommand;

use crate::cli::Outcome;
use crate::cli::session::Session;

#[derive(Debug, Subcommand)]
pub(crate) enum App {
    /// Make an app; inside a repository, make `git push solum` work too
    Create(create::Create),
    /// Clone an app's repository, with the remote `solum` and the credential for it
    Clone(clone::Clone),
    /// List all apps
    List(list::List),
    /// Show one app
    Show(show::Show),
    /// Stop an app and remove it with its repository, its releases and its data
    Delete(delete::Delete),
}

impl App {
    pub(crate) fn run(self, session: &Session) -> Outcome {
        match self {
            Self::Create(command) => command.run(session),
            Self::Clone(command) => command.run(session),
            Self::List(command) => command.run(session),
            Self::Show(command) => command.run(session),
            Self::Delete(command) => command.run(session),
        }
    }
}

/// Where to push to: the path that the server gives, at the address by which it was just reached.
fn repository(client: &Client, app: &Record) -> Option<String> {
    let (_, path) = ServerUrl::split(app.git_url.as_deref()?).ok()?;
    Some(format!("{}{path}", client.server()))
}
