use api::runs::Run;
use clap::Args;
use types::Timestamp;

use crate::cli::arguments::{AppArgument, JsonOption};
use crate::cli::session::Session;
use crate::cli::table::Table;
use crate::cli::times::{ago, lapse};
use crate::cli::{Outcome, output};

/// How many runs people see when they do not say.
const FOR_PEOPLE: usize = 20;

#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    app: AppArgument,
    /// No more than these; else the latest 20, or all of them with --json
    #[arg(short = 'n', long, value_name = "N")]
    limit: Option<usize>,
    #[command(flatten)]
    json: JsonOption,
}

impl List {
    pub(crate) fn run(self, session: &Session) -> Outcome {
        let client = session.client()?;
        let app = match self.app.app {
            Some(app) => Some(app),
            // Elsewhere the list is of all apps.
            None => session.app_here().unwrap_or(None),
        };
        if self.json.json {
            return output::print_json(&client.runs(app.as_ref(), self.limit)?);
        }
        let runs = client.runs(app.as_ref(), Some(self.limit.unwrap_or(FOR_PEOPLE)))?;
        if runs.is_empty() {
            output::say("There are no runs yet.");
            return Ok(());
        }
        output::print(&render(&runs, session.now()))
    }
}

fn render(runs: &[Run], now: Timestamp) -> String {
    let headings = ["RUN", "APP", "WORKFLOW", "COMMIT", "STATUS", "CREATED", "TOOK", "TITLE"];
    let mut table = Table::new(&headings);
    for run in runs {
        let took = run.started_at.zip(run.finished_at).map(|(start, end)| lapse(start, end));
        table.row([
            &run.id.to_string(),
            run.app.as_str(),
            &run.workflow,
            run.commit.as_ref().map_or("", types::CommitId::short),
            run.status.as_str(),
            &ago(run.created_at, now),
            took.as_deref().unwrap_or_default(),
            &run.title,
        ]);
    }
    table.render()
}
