use api::client::Client;
use clap::Args;
use types::{RunId, Transition as _};

use crate::cli::arguments::JsonOption;
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::{Outcome, output};

/// How many of the latest runs are looked through for one that has not ended.
const RECENT: usize = 100;

#[derive(Debug, Args)]
pub(crate) struct Cancel {
    /// The run; inside an app's repository, its newest that has not ended if left out
    #[arg(value_name = "RUN")]
    run: Option<RunId>,
    #[command(flatten)]
    json: JsonOption,
}

impl Cancel {
    pub(crate) fn run(self, session: &Session) -> Outcome {
        let client = session.client()?;
        let id = match self.run {
            Some(id) => id,
            None => unfinished(session, &client)?,
        };
        let run = client.cancel_run(id)?;
        if self.json.json {
            return output::print_json(&run);
        }
        output::say(&match run.status.is_terminal() {
            true => format!("Run {id} is {}.", run.status),
            false => format!("Run {id} is being cancelled; `solum run watch {id}` shows its end."),
        });
        Ok(())
    }
}

/// The newest run of the app that there is something to cancel of.
fn unfinished(session: &Session, client: &Client) -> Result<RunId, Failure> {
    let app = session.app_here()?.ok_or_else(|| {
        Failure::usage("which run?").hint("name it; `solum run list` shows the runs there are")
    })?;
    let runs = client.runs(Some(&app), Some(RECENT))?;
    let run = runs.into_iter().find(|run| !run.status.is_terminal());
    run.map(|run| run.id).ok_or_else(|| {
        Failure::failed(format!("{app} has no run under way"))
            .hint(format!("`solum run list {app}` shows those that have ended"))
    })
}
