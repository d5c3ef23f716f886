mod list;
mod show;

use clap::Subcommand;

use crate::cli::Outcome;
use crate::cli::session::Session;

#[derive(Debug, Subcommand)]
pub(crate) enum Environment {
    /// List an app's environments
    List(list::List),
    /// Show what an environment serves, and its ledger of deployments and config
    Show(show::Show),
}

impl Environment {
    pub(crate) fn run(self, session: &Session) -> Outcome {
        match self {
            Self::List(command) => command.run(session),
            Self::Show(command) => command.run(session),
        }
    }
}
