use api::promotions;
use clap::Args;
use types::EnvironmentName;

use crate::cli::Outcome;
use crate::cli::arguments::{AppArgument, DetachOption, JsonOption};
use crate::cli::session::Session;
use crate::commands::run::started;

#[derive(Debug, Args)]
pub(crate) struct Promote {
    #[command(flatten)]
    app: AppArgument,
    /// The environment whose release is promoted; else the one that `--to` is after
    #[arg(long, value_name = "ENV")]
    from: Option<EnvironmentName>,
    /// The environments to promote it to; else those that are after `--from`, or the one promotion that is open
    #[arg(long, value_name = "ENV", value_delimiter = ',')]
    to: Vec<EnvironmentName>,
    #[command(flatten)]
    detach: DetachOption,
    #[command(flatten)]
    json: JsonOption,
}

impl Promote {
    pub(crate) fn run(self, session: &Session) -> Outcome {
        let app = session.app(self.app.app)?;
        let client = session.client()?;
        let run = client.promote(&app, &promotions::Promote { from: self.from, to: self.to })?;
        started(&client, run, self.detach.detach, self.json.json)
    }
}
