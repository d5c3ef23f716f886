mod list;
mod set;
mod unset;

use clap::Subcommand;

use crate::cli::Outcome;
use crate::cli::session::Session;

#[derive(Debug, Subcommand)]
pub(crate) enum Secret {
    /// Set a secret to what is read from stdin, or asked for
    Set(set::Set),
    /// Remove secrets
    Unset(unset::Unset),
    /// List the secrets there are; their values are never shown
    List(list::List),
}

impl Secret {
    pub(crate) fn run(self, session: &Session) -> Outcome {
        match self {
            Self::Set(command) => command.run(session),
            Self::Unset(command) => command.run(session),
            Self::List(command) => command.run(session),
        }
    }
}
