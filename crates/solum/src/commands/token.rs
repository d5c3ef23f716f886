mod create;
mod list;
mod revoke;

use clap::Subcommand;

use crate::cli::Outcome;
use crate::cli::session::Session;

#[derive(Debug, Subcommand)]
pub(crate) enum Token {
    /// Make a token and print it; it cannot be shown again
    Create(create::Create),
    /// List the tokens there are, without their text
    List(list::List),
    /// Take a token away
    Revoke(revoke::Revoke),
}

impl Token {
    pub(crate) fn run(self, session: &Session) -> Outcome {
        match self {
            Self::Create(command) => command.run(session),
            Self::List(command) => command.run(session),
            Self::Revoke(command) => command.run(session),
        }
    }
}
