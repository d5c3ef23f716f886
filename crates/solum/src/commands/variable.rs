mod list;
mod set;
mod unset;

use clap::Subcommand;

use crate::cli::Outcome;
use crate::cli::session::Session;

#[derive(Debug, Subcommand)]
pub(crate) enum Variable {
    /// Set variables
    Set(set::Set),
    /// Remove variables
    Unset(unset::Unset),
    /// List the variables and their values
    List(list::List),
}

impl Variable {
    pub(crate) fn run(self, session: &Session) -> Outcome {
        match self {
            Self::Set(command) => command.run(session),
            Self::Unset(command) => command.run(session),
            Self::List(command) => command.run(session),
        }
    }
}
