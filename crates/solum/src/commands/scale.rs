use api::environments::{Scale as Request, Scaled};
use clap::Args;
use types::ProcessType;

use crate::cli::arguments::{Assignments, EnvironmentOption, JsonOption};
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::table::Table;
use crate::cli::{Outcome, output};

#[derive(Debug, Args)]
pub(crate) struct Scale {
    /// The app (may be left out inside its repository), and the counts: `shop web=3 worker=1`
    #[arg(value_names = ["APP", "TYPE=COUNT"], num_args = 1.., required = true)]
    arguments: Vec<String>,
    #[command(flatten)]
    environment: EnvironmentOption,
    #[command(flatten)]
    json: JsonOption,
}

impl Scale {
    pub(crate) fn run(self, session: &Session) -> Outcome {
        let Assignments { app, pairs } = Assignments::<ProcessType, u32>::read(self.arguments)?;
        if pairs.is_empty() {
            return Err(Failure::usage("how many of which process?").hint("write it as in web=3"));
        }
        let processes = pairs.into_iter().collect();
        let app = session.app(app)?;
        let client = session.client()?;
        let environment = session.environment(&client, &app, self.environment.environment)?;
        let scaled = client.scale(&app, &environment, &Request(processes))?;
        if self.json.json { output::print_json(&scaled) } else { output::print(&render(&scaled)) }
    }
}

fn render(scaled: &Scaled) -> String {
    let mut table = Table::new(&["PROCESS", "DESIRED", "RUNNING"]);
    for (process, count) in &scaled.processes {
        table.row([process.as_str(), &count.desired.to_string(), &count.running.to_string()]);
    }
    table.render()
}
