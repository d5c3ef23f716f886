mod list;
mod set;
mod unset;

use api::client::Client;
use api::configs::ChangeConfig;
use clap::Subcommand;
use types::{AppName, EnvironmentName};

use crate::cli::session::Session;
use crate::cli::{Outcome, follow, output};

#[derive(Debug, Subcommand)]
pub(crate) enum Config {
    /// Set variables and deploy what runs again with them
    Set(set::Set),
    /// Remove variables and deploy what runs again without them
    Unset(unset::Unset),
    /// List the variables and their values
    List(list::List),
}

impl Config {
    pub(crate) fn run(self, session: &Session) -> Outcome {
        match self {
            Self::Set(command) => command.run(session),
            Self::Unset(command) => command.run(session),
            Self::List(command) => command.run(session),
        }
    }
}

/// Makes a config revision and stays until it is deployed.
fn change(
    client: &Client,
    app: &AppName,
    environment: &EnvironmentName,
    change: &ChangeConfig,
    detach: bool,
) -> Outcome {
    let changed = client.change_config(app, environment, change)?;
    let what = format!("Config {} of {app} {environment}", changed.revision);
    match changed.run_id {
        None => output::say(&format!("{what}; there is nothing to deploy.")),
        Some(run) if detach => {
            output::say(&format!("{what} is being deployed."));
            output::print(&run.to_string())?;
        }
        Some(run) => {
            follow::finish(client, run)?;
            output::say(&format!("{what} is deployed."));
        }
    }
    Ok(())
}
