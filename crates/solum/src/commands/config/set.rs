use api::configs::{ChangeConfig, Variables};
use clap::Args;
use types::VariableName;

use super::change;
use crate::cli::Outcome;
use crate::cli::arguments::{Assignments, DetachOption, EnvironmentOption};
use crate::cli::failure::Failure;
use crate::cli::session::Session;

#[derive(Debug, Args)]
#[command(override_usage = "solum config set [APP] NAME=VALUE... [OPTIONS]")]
pub(crate) struct Set {
    /// The app (may be left out inside its repository), and the variables: `shop LOG_LEVEL=debug`
    #[arg(value_name = "NAME=VALUE", num_args = 1.., required = true)]
    arguments: Vec<String>,
    #[command(flatten)]
    environment: EnvironmentOption,
    #[command(flatten)]
    detach: DetachOption,
}

impl Set {
    pub(crate) fn run(self, session: &Session) -> Outcome {
        let Assignments { app, pairs } = Assignments::<VariableName, _>::read(self.arguments)?;
        if pairs.is_empty() {
            return Err(Failure::usage("which variables?").hint("write them as NAME=VALUE"));
        }
        let set = pairs.into_iter().collect();
        let request = ChangeConfig { set: Variables(set), unset: Default::default() };
        let app = session.app(app)?;
        let client = session.client()?;
        let environment = session.environment(&client, &app, self.environment.environment)?;
        change(&client, &app, &environment, &request, self.detach.detach)
    }
}
