//! `solum env show`: what an environment serves, then its ledger: deployments and config revisions, newest first.

use api::deployments::Deployment;
use api::environments::{ConfigRevision, EnvironmentDetail};
use clap::Args;
use types::{AppName, EnvironmentName, Timestamp};

use crate::cli::arguments::{EnvironmentOption, JsonOption};
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::table::Table;
use crate::cli::times::{ago, lapse};
use crate::cli::{Outcome, output};
use crate::commands::status::{pair, summary};

#[derive(Debug, Args)]
pub(crate) struct Show {
    /// The app (may be left out inside its repository), and the environment (may be left out where there is one): `shop dev`
    #[arg(value_names = ["APP", "ENV"], num_args = 0..=2)]
    which: Vec<String>,
    #[command(flatten)]
    environment: EnvironmentOption,
    #[command(flatten)]
    json: JsonOption,
}

impl Show {
    pub(crate) fn run(self, session: &Session) -> Outcome {
        let (app, environment) = split(&self.which, self.environment.environment)?;
        let app = session.app(app)?;
        let client = session.client()?;
        let environment = session.environment(&client, &app, environment)?;
        let environment = client.environment(&app, &environment)?;
        if self.json.json {
            output::print_json(&environment)
        } else {
            output::print(&render(&environment, session.now()))
        }
    }
}

/// One argument is the app; the environment can be the second one or the option.
fn split(
    which: &[String],
    option: Option<EnvironmentName>,
) -> Result<(Option<AppName>, Option<EnvironmentName>), Failure> {
    let usage = |error: types::InvalidName| Failure::usage(error.to_string());
    let app = which.first().map(|app| app.parse()).transpose().map_err(usage)?;
    let environment = which.get(1).map(|name| name.parse()).transpose().map_err(usage)?;
    match (environment, option) {
        (Some(_), Some(_)) => Err(Failure::usage("the environment is named twice")),
        (environment, option) => Ok((app, environment.or(option))),
    }
}

fn render(environment: &EnvironmentDetail, now: Timestamp) -> String {
    let mut text = summary(&environment.environment).render();
    let mut rows: Vec<(Timestamp, [String; 6])> = environment
        .deployments
        .iter()
        .map(|deployment| (deployment.created_at, deployment_row(deployment, now)))
        .chain(
            environment
                .config_revisions
                .iter()
                .map(|revision| (revision.created_at, config_row(revision, now))),
        )
        .collect();
    if rows.is_empty() {
        return text;
    }
    rows.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    let mut table = Table::new(&["WHEN", "WHAT", "BY", "STATE", "TOOK", "DETAIL"]);
    for (_, row) in &rows {
        table.row(row.each_ref().map(String::as_str));
    }
    text.push('\n');
    text.push_str(&table.render());
    text
}

fn deployment_row(deployment: &Deployment, now: Timestamp) -> [String; 6] {
    let took = deployment.finished_at.map(|end| lapse(deployment.created_at, end));
    [
        ago(deployment.created_at, now),
        format!("deploy {}", pair(deployment.release, deployment.config_revision)),
        deployment.created_by.clone(),
        deployment.state.to_string(),
        took.unwrap_or_default(),
        deployment.error.clone().unwrap_or_else(|| deployment.reason.clone()),
    ]
}

fn config_row(revision: &ConfigRevision, now: Timestamp) -> [String; 6] {
    let names: Vec<_> = revision.changed.iter().map(types::VariableName::as_str).collect();
    [
        ago(revision.created_at, now),
        format!("config {}", revision.number),
        revision.created_by.clone(),
        String::new(),
        String::new(),
        names.join(", "),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deployments_and_config_are_one_ledger() {
        let environment: EnvironmentDetail = serde_json::from_str(
            r#"{"app":"shop","name":"dev","urls":["http://shop-dev.localhost:8080"],
                "current":{"release":"v1","config_revision":1,"deployment":"dep_01h2xcejqtf2nbrexx3vqjhp41"},
                "processes":{"web":{"desired":2,"running":1}},
                "deployments":[
                  {"id":"dep_01h2xcejqtf2nbrexx3vqjhp42","app":"shop","environment":"dev","release":"v2","config_revision":1,
                   "state":"failed","reason":"push of 1a2b3c4","error":"nothing listens on port 20001","phases":[],
                   "run_id":"run_01h2xcejqtf2nbrexx3vqjhp41","created_at":"2026-01-02T03:03:00Z",
                   "finished_at":"2026-01-02T03:03:30Z","created_by":"admin"},
                  {"id":"dep_01h2xcejqtf2nbrexx3vqjhp41","app":"shop","environment":"dev","release":"v1","reason":"push of 5d6e7f8","phases":[],
                   "run_id":"run_01h2xcejqtf2nbrexx3vqjhp41","state":"succeeded","created_at":"2026-01-02T03:01:00Z","finished_at":"2026-01-02T03:01:00.500Z",
                   "created_by":"admin"}],
                "config_revisions":[
                  {"number":1,"created_at":"2026-01-02T03:02:00Z","created_by":"ci","changed":["A","B"]}]}"#,
        )
        .unwrap();
        assert_eq!(
            render(&environment, "2026-01-02T03:04:00Z".parse().unwrap()),
            "environment  dev\n\
             url          http://shop-dev.localhost:8080\n\
             serves       v1 with config 1\n\
             processes    web 1/2\n\
             \n\
             WHEN           WHAT                     BY     STATE      TOOK   DETAIL\n\
             1 minute ago   deploy v2 with config 1  admin  failed     30 s   nothing listens on port 20001\n\
             2 minutes ago  config 1                 ci                       A, B\n\
             3 minutes ago  deploy v1                admin  succeeded  0.5 s  push of 5d6e7f8\n"
        );
    }

    #[test]
    fn the_environment_is_named_once() {
        let which = ["shop".to_owned(), "dev".to_owned()];
        let (app, environment) = split(&which, None).unwrap();
        assert_eq!((app.unwrap().as_str(), environment.unwrap().as_str()), ("shop", "dev"));
        assert!(matches!(split(&which, Some(EnvironmentName::dev())), Err(Failure::Usage(_))));
    }
}
