mod check;
mod eject;
mod list;
mod plan;
mod run;
mod simulate;

use clap::Subcommand;

use crate::cli::Outcome;
use crate::cli::session::Session;

#[derive(Debug, Subcommand)]
pub(crate) enum Workflow {
    /// List an app's workflow files, what starts them, and the inputs of those that are started by hand
    List(list::List),
    /// Start a workflow by hand, and wait for its end
    Run(run::Run),
    /// Find everything that is wrong with workflow files
    Check(check::Check),
    /// Show which jobs of a workflow an event would run, and why
    Plan(plan::Plan),
    /// Play scenarios: a workflow in virtual time, with outcomes that you state
    Simulate(simulate::Simulate),
    /// Write out a workflow that Solum brings, to change it
    Eject(eject::Eject),
}

impl Workflow {
    pub(crate) fn run(self, session: &Session) -> Outcome {
        match self {
            Self::List(command) => command.run(session),
            Self::Run(command) => command.run(session),
            Self::Check(command) => command.run(session),
            Self::Plan(command) => command.run(session),
            Self::Simulate(command) => command.run(session),
            Self::Eject(command) => command.run(session),
        }
    }
}
