mod cancel;
mod decision;
mod download;
mod list;
mod logs;
mod retry;
mod show;
mod watch;

use api::approvals::Decision;
use api::client::Client;
use clap::{Args, Subcommand};
use types::RunId;

use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::{Outcome, follow, output};

#[derive(Debug, Subcommand)]
pub(crate) enum Run {
    /// List runs, newest first
    List(list::List),
    /// Show a run with its jobs, steps and attempts
    Show(show::Show),
    /// Follow a run until it ends
    Watch(watch::Watch),
    /// Show a run's transcript so far
    Logs(logs::Logs),
    /// Fetch the artifacts that a run keeps
    Download(download::Download),
    /// Stop a run
    Cancel(cancel::Cancel),
    /// Try a run again that has ended
    Retry(retry::Retry),
    /// Approve what a run waits for
    Approve(decision::Word),
    /// Reject what a run waits for: the step fails
    Reject(decision::Word),
}

impl Run {
    pub(crate) fn run(self, session: &Session) -> Outcome {
        match self {
            Self::List(command) => command.run(session),
            Self::Show(command) => command.run(session),
            Self::Watch(command) => command.run(session),
            Self::Logs(command) => command.run(session),
            Self::Download(command) => command.run(session),
            Self::Cancel(command) => command.run(session),
            Self::Retry(command) => command.run(session),
            Self::Approve(command) => command.run(session, Decision::Approve),
            Self::Reject(command) => command.run(session, Decision::Reject),
        }
    }
}

#[derive(Debug, Clone, Args)]
struct RunArgument {
    /// The run; inside an app's repository, its latest if left out
    #[arg(value_name = "RUN")]
    run: Option<RunId>,
}

impl RunArgument {
    fn find(&self, session: &Session, client: &Client) -> Result<RunId, Failure> {
        if let Some(run) = self.run {
            return Ok(run);
        }
        let app = session.app_here()?.ok_or_else(|| {
            Failure::usage("which run?").hint("name it; `solum run list` shows the runs there are")
        })?;
        let latest = client.runs(Some(&app), Some(1))?.pop();
        latest.map(|run| run.id).ok_or_else(|| Failure::failed(format!("{app} has no runs yet")))
    }
}

/// What a command does with the run that it started: waits for its end, or prints its id.
pub(super) fn started(client: &Client, run: api::runs::Run, detach: bool, json: bool) -> Outcome {
    let id = run.id;
    match (detach, json) {
        (true, true) => output::print_json(&run),
        (false, true) => output::print_json(&follow::finish(client, id)?),
        (true, false) => output::print(&id.to_string()),
        (false, false) => {
            follow::finish(client, id)?;
            output::print(&format!("Run {id} succeeded."))
        }
    }
}
