use api::ReleaseVersion;
use api::deployments::RollBack;
use clap::Args;

use crate::cli::Outcome;
use crate::cli::arguments::{AppArgument, DetachOption, EnvironmentOption, JsonOption};
use crate::cli::session::Session;
use crate::commands::run::started;

#[derive(Debug, Args)]
pub(crate) struct Rollback {
    #[command(flatten)]
    app: AppArgument,
    #[command(flatten)]
    environment: EnvironmentOption,
    /// The release to go back to, with the config that it was last deployed with; else the release and config that
    /// served before, and one step further each time
    #[arg(long, value_name = "vN")]
    to: Option<ReleaseVersion>,
    /// The config revision to go back to (0: none at all), with the release that serves unless `--to` names one
    #[arg(long, value_name = "N")]
    config: Option<u64>,
    #[command(flatten)]
    detach: DetachOption,
    #[command(flatten)]
    json: JsonOption,
}

impl Rollback {
    pub(crate) fn run(self, session: &Session) -> Outcome {
        let app = session.app(self.app.app)?;
        let client = session.client()?;
        let environment = session.environment(&client, &app, self.environment.environment)?;
        let run = client.roll_back(
            &app,
            &environment,
            &RollBack { to: self.to, config_revision: self.config },
        )?;
        started(&client, run, self.detach.detach, self.json.json)
    }
}
