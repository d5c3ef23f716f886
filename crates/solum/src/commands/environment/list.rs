use api::environments::Environment;
use clap::Args;
use types::Promote;

use crate::cli::arguments::{AppArgument, JsonOption};
use crate::cli::session::Session;
use crate::cli::table::Table;
use crate::cli::{Outcome, output};
use crate::commands::status::processes;

#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    app: AppArgument,
    #[command(flatten)]
    json: JsonOption,
}

impl List {
    pub(crate) fn run(self, session: &Session) -> Outcome {
        let app = session.app(self.app.app)?;
        let environments = session.client()?.environments(&app)?;
        if self.json.json {
            return output::print_json(&environments);
        }
        if environments.is_empty() {
            output::say(&format!("{app} has no environments yet: its first push makes them."));
            return Ok(());
        }
        output::print(&render(&environments))
    }
}

fn config(revision: Option<u64>) -> String {
    revision.map_or_else(|| "-".to_owned(), |revision| revision.to_string())
}

/// `stage, by hand`
fn after(environment: &Environment) -> String {
    let Some(after) = &environment.after else { return "-".to_owned() };
    match environment.promote {
        Some(Promote::Automatic) => format!("{after}, automatic"),
        _ => format!("{after}, by hand"),
    }
}

fn render(environments: &[Environment]) -> String {
    let mut table = Table::new(&["NAME", "AFTER", "RELEASE", "CONFIG", "PROCESSES", "URL"]);
    for environment in environments {
        let current = environment.current.as_ref();
        table.row([
            environment.name.as_str(),
            &after(environment),
            &current.map_or_else(|| "-".to_owned(), |current| current.release.to_string()),
            &config(current.and_then(|current| current.config_revision)),
            &processes(environment),
            environment.urls.first().map_or("", String::as_str),
        ]);
    }
    table.render()
}
