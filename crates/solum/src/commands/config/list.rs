use api::configs::Config;
use clap::Args;
use types::{AppName, EnvironmentName};

use crate::cli::arguments::{AppArgument, EnvironmentOption, JsonOption};
use crate::cli::session::Session;
use crate::cli::table::Table;
use crate::cli::{Outcome, output};

#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    app: AppArgument,
    #[command(flatten)]
    environment: EnvironmentOption,
    #[command(flatten)]
    json: JsonOption,
}

impl List {
    pub(crate) fn run(self, session: &Session) -> Outcome {
        let app = session.app(self.app.app)?;
        let client = session.client()?;
        let environment = session.environment(&client, &app, self.environment.environment)?;
        let config = client.config(&app, &environment)?;
        if self.json.json {
            return output::print_json(&config);
        }
        output::say(&heading(&config, &app, &environment));
        let mut table = Table::of_fields();
        for (name, value) in &config.variables.0 {
            table.row([name.as_str(), value]);
        }
        output::print(&table.render())
    }
}

/// Which config this is, and which one serves where that is another.
fn heading(config: &Config, app: &AppName, environment: &EnvironmentName) -> String {
    let title = format!("Config {} of {app} {environment}", config.revision);
    match config.live_revision {
        Some(live) if live != config.revision => {
            let serves = if live == 0 { "no config".to_owned() } else { format!("config {live}") };
            format!(
                "{title}, which is not live: {serves} is. The next deployment takes config {}.",
                config.revision
            )
        }
        _ => title,
    }
}
