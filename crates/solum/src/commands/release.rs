mod list;
mod show;

use clap::Subcommand;

use crate::cli::Outcome;
use crate::cli::session::Session;

#[derive(Debug, Subcommand)]
pub(crate) enum Release {
    /// List an app's releases, newest first
    List(list::List),
    /// Show one release
    Show(show::Show),
}

impl Release {
    pub(crate) fn run(self, session: &Session) -> Outcome {
        match self {
            Self::List(command) => command.run(session),
            Self::Show(command) => command.run(session),
        }
    }
}
