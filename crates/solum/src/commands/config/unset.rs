use std::collections::BTreeSet;

use api::configs::ChangeConfig;
use clap::Args;
use types::{AppName, VariableName};

use super::change;
use crate::cli::Outcome;
use crate::cli::arguments::{DetachOption, EnvironmentOption};
use crate::cli::failure::Failure;
use crate::cli::session::Session;

#[derive(Debug, Args)]
#[command(override_usage = "solum config unset [APP] NAME... [OPTIONS]")]
pub(crate) struct Unset {
    /// The app (may be left out inside its repository), and the variables: `shop LOG_LEVEL`. A first name in lower case
    /// without an underscore is the app's
    #[arg(value_name = "NAME", num_args = 1.., required = true)]
    arguments: Vec<String>,
    #[command(flatten)]
    environment: EnvironmentOption,
    #[command(flatten)]
    detach: DetachOption,
}

impl Unset {
    pub(crate) fn run(self, session: &Session) -> Outcome {
        let (app, unset) = split(&self.arguments)?;
        let request = ChangeConfig { set: Default::default(), unset };
        let app = session.app(app)?;
        let client = session.client()?;
        let environment = session.environment(&client, &app, self.environment.environment)?;
        let there = client.config(&app, &environment)?.variables.0;
        if let Some(name) = request.unset.iter().find(|name| !there.contains_key(*name)) {
            return Err(Failure::failed(format!("{environment} of {app} has no variable {name}"))
                .hint(format!(
                    "`solum config list {app} --env {environment}` shows those that it has"
                )));
        }
        change(&client, &app, &environment, &request, self.detach.detach)
    }
}

fn split(arguments: &[String]) -> Result<(Option<AppName>, BTreeSet<VariableName>), Failure> {
    let app = arguments.first().and_then(|first| first.parse().ok());
    let names = &arguments[usize::from(app.is_some())..];
    if names.is_empty() {
        return Err(Failure::usage("which variables?").hint("name them after the app"));
    }
    let names = names.iter().map(|name| name.parse());
    let names: Result<_, types::InvalidName> = names.collect();
    Ok((app, names.map_err(|error| Failure::usage(error.to_string()))?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(arguments: &[&str]) -> Result<(Option<AppName>, BTreeSet<VariableName>), Failure> {
        super::split(&arguments.iter().map(|argument| (*argument).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn a_name_in_capitals_is_a_variable_and_never_the_app() {
        let (app, names) = split(&["LOG_LEVEL", "http_proxy"]).unwrap();
        assert_eq!((app, names.len()), (None, 2));
        let (app, names) = split(&["shop", "LOG_LEVEL"]).unwrap();
        assert_eq!((app.unwrap().as_str(), names.len()), ("shop", 1));
    }

    #[test]
    fn the_app_alone_is_not_enough() {
        assert!(matches!(split(&["shop"]), Err(Failure::Usage(_))));
        assert!(matches!(split(&["shop", "my-var"]), Err(Failure::Usage(_))));
    }
}
