//! `solum status`: what an app runs in each environment, and its latest run.

use api::ReleaseVersion;
use api::apps::App;
use api::environments::Environment;
use api::runs::Run;
use clap::Args;
use serde::Serialize;
use types::Timestamp;

use crate::cli::arguments::{AppArgument, JsonOption};
use crate::cli::session::Session;
use crate::cli::table::Table;
use crate::cli::times::ago;
use crate::cli::{Outcome, output};

#[derive(Debug, Args)]
pub(crate) struct Status {
    #[command(flatten)]
    app: AppArgument,
    #[command(flatten)]
    json: JsonOption,
}

#[derive(Debug, Serialize)]
struct Report {
    app: App,
    environments: Vec<Environment>,
    latest_run: Option<Run>,
}

impl Status {
    pub(crate) fn run(self, session: &Session) -> Outcome {
        let name = session.app(self.app.app)?;
        let client = session.client()?;
        let report = Report {
            app: client.app(&name)?,
            environments: client.environments(&name)?,
            latest_run: client.runs(Some(&name), Some(1))?.pop(),
        };
        if self.json.json {
            output::print_json(&report)
        } else {
            output::print(&render(&report, session.now()))
        }
    }
}

fn render(report: &Report, now: Timestamp) -> String {
    let mut table = Table::of_fields();
    table.row(["app", report.app.name.as_str()]);
    table.row(["status", report.app.status.as_str()]);
    if let Some(url) = &report.app.git_url {
        table.row(["repository", url]);
    }
    if let Some(run) = &report.latest_run {
        table.row(["latest run", &latest(run, now)]);
    }
    let mut text = table.render();
    for environment in &report.environments {
        text.push('\n');
        text.push_str(&summary(environment).render());
    }
    text
}

fn latest(run: &Run, now: Timestamp) -> String {
    format!("{} {} {}: {}", run.id, run.status, ago(run.created_at, now), run.title)
}

/// What an environment is and serves.
pub(super) fn summary(environment: &Environment) -> Table {
    let mut table = Table::of_fields();
    table.row(["environment", environment.name.as_str()]);
    for url in &environment.urls {
        table.row(["url", url]);
    }
    let serves = environment.current.as_ref().map_or_else(
        || "nothing yet".to_owned(),
        |current| pair(current.release, current.config_revision),
    );
    table.row(["serves", &serves]);
    if !environment.processes.is_empty() {
        table.row(["processes", &processes(environment)]);
        for trouble in environment.processes.values().flat_map(|process| &process.troubles) {
            table.row(["", trouble]);
        }
    }
    table
}

/// `v3 with config 2`.
pub(super) fn pair(release: ReleaseVersion, config: Option<u64>) -> String {
    match config {
        Some(config) => format!("{release} with config {config}"),
        None => release.to_string(),
    }
}

/// `web 2/3, worker 1/1`: running of desired.
pub(super) fn processes(environment: &Environment) -> String {
    let counts = environment
        .processes
        .iter()
        .map(|(process, count)| format!("{process} {}/{}", count.running, count.desired));
    counts.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_run_and_every_environment_are_shown() {
        let report = Report {
            app: serde_json::from_str(
                r#"{"id":"app_1","name":"shop","status":"ready","default_branch":"main",
                    "git_url":"http://127.0.0.1:7070/shop.git","created_at":"2026-01-02T03:04:05Z","created_by":"admin"}"#,
            )
            .unwrap(),
            environments: serde_json::from_str(
                r#"[{"app":"shop","name":"dev","urls":["http://shop-dev.localhost:8080"],
                     "processes":{"web":{"desired":1,"running":1},"worker":{"desired":2,"running":0}}}]"#,
            )
            .unwrap(),
            latest_run: serde_json::from_str(
                r#"{"id":"run_01h2xcejqtf2nbrexx3vqjhp41","app":"shop","workflow":"deliver","status":"failed",
                    "title":"Say hello","commit":null,"created_at":"2026-01-02T03:04:05Z","created_by":"admin"}"#,
            )
            .unwrap(),
        };
        assert_eq!(
            render(&report, "2026-01-02T03:04:35Z".parse().unwrap()),
            "app         shop\n\
             status      ready\n\
             repository  http://127.0.0.1:7070/shop.git\n\
             latest run  run_01h2xcejqtf2nbrexx3vqjhp41 failed 30 seconds ago: Say hello\n\
             \n\
             environment  dev\n\
             url          http://shop-dev.localhost:8080\n\
             serves       nothing yet\n\
             processes    web 1/1, worker 0/2\n"
        );
    }
}
