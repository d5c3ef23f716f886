use api::approvals::{Decide, Decided, Decision, Outcome};
use api::client::Client;
use clap::Args;
use types::{RunId, RunStatus};

use crate::cli::arguments::JsonOption;
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::{self, output};

/// How many of the latest runs are looked through for one that waits.
const RECENT: usize = 100;

#[derive(Debug, Args)]
pub(crate) struct Word {
    /// The run; inside an app's repository, its newest that waits if left out
    #[arg(value_name = "RUN")]
    run: Option<RunId>,
    /// The job that waits; may be left out where only one does
    #[arg(long, value_name = "JOB")]
    job: Option<String>,
    /// The step of the job, where several wait
    #[arg(long, value_name = "STEP", requires = "job")]
    step: Option<String>,
    /// For whoever reads of it later
    #[arg(long, value_name = "TEXT")]
    comment: Option<String>,
    #[command(flatten)]
    json: JsonOption,
}

impl Word {
    pub(crate) fn run(self, session: &Session, decision: Decision) -> cli::Outcome {
        let client = session.client()?;
        let id = match self.run {
            Some(id) => id,
            None => waiting(session, &client)?,
        };
        let word = Decide { decision, job: self.job, step: self.step, comment: self.comment };
        let decided = client.decide(id, &word)?;
        if self.json.json {
            return output::print_json(&decided);
        }
        output::say(&told(&decided));
        Ok(())
    }
}

fn told(decided: &Decided) -> String {
    let id = decided.run.id;
    let step = [decided.job.as_deref(), decided.step.as_deref()];
    let step = step.into_iter().flatten().collect::<Vec<_>>().join("/");
    match decided.outcome {
        Outcome::Approved => {
            format!("Approved {step}. The run goes on: `solum run watch {id}` follows it.")
        }
        Outcome::Counted => {
            let missing = decided.missing.unwrap_or(1);
            format!("Approved {step}. {missing} more to go.")
        }
        Outcome::Rejected => format!("Rejected {step}."),
        Outcome::Kept => {
            "Nothing waits for this yet. It is kept, and counts as soon as something does."
                .to_owned()
        }
    }
}

/// The newest run of the app that waits.
fn waiting(session: &Session, client: &Client) -> Result<RunId, Failure> {
    let app = session.app_here()?.ok_or_else(|| {
        Failure::usage("which run?").hint("name it; `solum run list` shows the runs there are")
    })?;
    let runs = client.runs(Some(&app), Some(RECENT))?;
    let run = runs.into_iter().find(|run| run.status == RunStatus::Waiting);
    run.map(|run| run.id).ok_or_else(|| {
        Failure::failed(format!("no run of {app} waits for anybody"))
            .hint(format!("`solum run list {app}` shows what there is"))
    })
}
