use clap::Args;

use super::{RunArgument, started};
use crate::cli::Outcome;
use crate::cli::arguments::{DetachOption, JsonOption};
use crate::cli::session::Session;

#[derive(Debug, Args)]
pub(crate) struct Retry {
    #[command(flatten)]
    run: RunArgument,
    /// Only the jobs that failed, and what needs them
    #[arg(long)]
    failed: bool,
    #[command(flatten)]
    detach: DetachOption,
    #[command(flatten)]
    json: JsonOption,
}

impl Retry {
    pub(crate) fn run(self, session: &Session) -> Outcome {
        let client = session.client()?;
        let id = self.run.find(session, &client)?;
        let run = client.retry_run(id, &api::runs::Retry { failed_only: self.failed })?;
        started(&client, run, self.detach.detach, self.json.json)
    }
}
