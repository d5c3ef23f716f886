use std::str::FromStr;

use api::environments::{Scale as Request, Scaled};
use clap::Args;
use types::ProcessType;

use crate::cli::arguments::{Assignments, EnvironmentOption, JsonOption};
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::table::Table;
use crate::cli::{Outcome, output};

#[derive(Debug, Args)]
#[command(override_usage = "solum scale [APP] TYPE=COUNT... [OPTIONS]")]
pub(crate) struct Scale {
    /// The app (may be left out inside its repository), and the counts: `shop web=3 worker=1`
    #[arg(value_name = "TYPE=COUNT", num_args = 1.., required = true)]
    arguments: Vec<String>,
    #[command(flatten)]
    environment: EnvironmentOption,
    #[command(flatten)]
    json: JsonOption,
}

impl Scale {
    pub(crate) fn run(self, session: &Session) -> Outcome {
        let Assignments { app, pairs } = Assignments::<ProcessType, Count>::read(self.arguments)?;
        if pairs.is_empty() {
            return Err(Failure::usage("how many of which process?").hint("write it as in web=3"));
        }
        let processes = pairs.into_iter().map(|(process, Count(count))| (process, count)).collect();
        let app = session.app(app)?;
        let client = session.client()?;
        let environment = session.environment(&client, &app, self.environment.environment)?;
        let scaled = client.scale(&app, &environment, &Request(processes))?;
        if self.json.json {
            return output::print_json(&scaled);
        }
        output::print(&render(&scaled))?;
        if scaled.processes.values().any(|count| count.desired != count.running) {
            output::say(&format!("Under way: `solum ps {app}` shows how far it is."));
        }
        Ok(())
    }
}

/// How many instances of a process there shall be.
#[derive(Debug)]
struct Count(u32);

impl FromStr for Count {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let count = text.parse().map(Self);
        count.map_err(|_| format!("`{text}` is no number of instances; write it as in web=3"))
    }
}

fn render(scaled: &Scaled) -> String {
    let mut table = Table::new(&["PROCESS", "DESIRED", "RUNNING"]);
    for (process, count) in &scaled.processes {
        table.row([process.as_str(), &count.desired.to_string(), &count.running.to_string()]);
    }
    table.render()
}
