mod list;
mod run;

use clap::Subcommand;

use crate::cli::Outcome;
use crate::cli::session::Session;

#[derive(Debug, Subcommand)]
pub(crate) enum Workflow {
    /// List an app's workflow files, what starts them, and the inputs of those that are started by hand
    List(list::List),
    /// Start a workflow by hand, and wait for its end
    Run(run::Run),
}

impl Workflow {
    pub(crate) fn run(self, session: &Session) -> Outcome {
        match self {
            Self::List(command) => command.run(session),
            Self::Run(command) => command.run(session),
        }
    }
}
