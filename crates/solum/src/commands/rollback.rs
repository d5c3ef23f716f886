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
    /// The release to go back to, with the config it last had; else what was deployed before
    #[arg(long, value_name = "vN")]
    to: Option<ReleaseVersion>,
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
        let run = client.roll_back(&app, &environment, &RollBack { to: self.to })?;
        started(&client, run, self.detach.detach, self.json.json)
    }
}
