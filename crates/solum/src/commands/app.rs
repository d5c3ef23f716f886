mod create;
mod delete;
mod list;
mod show;

use clap::Subcommand;

use crate::cli::Outcome;
use crate::cli::session::Session;

#[derive(Debug, Subcommand)]
pub(crate) enum App {
    /// Make an app; inside a repository, make `git push solum` work too
    Create(create::Create),
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
            Self::List(command) => command.run(session),
            Self::Show(command) => command.run(session),
            Self::Delete(command) => command.run(session),
        }
    }
}
