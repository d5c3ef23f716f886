use clap::Args;
use types::SettingName;

use crate::cli::session::Session;
use crate::cli::setting_scope::ScopeOptions;
use crate::cli::{Outcome, output};

#[derive(Debug, Args)]
pub(crate) struct Unset {
    #[arg(value_name = "NAME", required = true)]
    names: Vec<SettingName>,
    #[command(flatten)]
    scope: ScopeOptions,
}

impl Unset {
    pub(crate) fn run(self, session: &Session) -> Outcome {
        let scope = self.scope.scope(session)?;
        let client = session.client()?;
        for name in &self.names {
            client.unset_secret(&scope, name)?;
            output::say(&format!("{name} is no secret of {scope} any more."));
        }
        Ok(())
    }
}
