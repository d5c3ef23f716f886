use api::variables::SetVariable;
use clap::Args;
use types::SettingName;

use crate::cli::session::Session;
use crate::cli::setting_scope::ScopeOptions;
use crate::cli::{Outcome, output};

/// For what may be seen by everybody; `solum secret set` is for the rest, and `solum config set` for what an app itself
/// reads.
#[derive(Debug, Args)]
pub(crate) struct Set {
    /// The variables: `REGION=eu LOG_LEVEL=debug`
    #[arg(value_name = "NAME=VALUE", required = true, value_parser = assignment)]
    variables: Vec<(SettingName, String)>,
    #[command(flatten)]
    scope: ScopeOptions,
}

impl Set {
    pub(crate) fn run(self, session: &Session) -> Outcome {
        let scope = self.scope.scope(session)?;
        let client = session.client()?;
        for (name, value) in self.variables {
            client.set_variable(&scope, &name, &SetVariable { value })?;
            output::say(&format!("{name} is set for {scope}."));
        }
        Ok(())
    }
}

fn assignment(argument: &str) -> Result<(SettingName, String), String> {
    let (name, value) = argument.split_once('=').ok_or("write it as NAME=VALUE")?;
    let name = name.parse().map_err(|error: types::InvalidName| error.to_string())?;
    Ok((name, value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_may_hold_anything() {
        let (name, value) = assignment("region=a=b c").unwrap();
        assert_eq!((name.as_str(), value.as_str()), ("REGION", "a=b c"));
        assert!(assignment("REGION=").unwrap().1.is_empty());
        assert!(assignment("REGION").is_err() && assignment("GITHUB_X=1").is_err());
    }
}
