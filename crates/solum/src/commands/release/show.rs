use api::ReleaseVersion;
use api::releases::Release;
use clap::Args;
use types::{AppName, Timestamp};

use crate::cli::arguments::JsonOption;
use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::table::Table;
use crate::cli::times::ago;
use crate::cli::{Outcome, output};

#[derive(Debug, Args)]
#[command(override_usage = "solum release show [APP] RELEASE [OPTIONS]")]
pub(crate) struct Show {
    /// The app (may be left out inside its repository), and the release: `shop v3`
    #[arg(value_name = "RELEASE", num_args = 1..=2, required = true)]
    which: Vec<String>,
    #[command(flatten)]
    json: JsonOption,
}

impl Show {
    pub(crate) fn run(self, session: &Session) -> Outcome {
        let (app, version) = split(&self.which)?;
        let app = session.app(app)?;
        let release = session.client()?.release(&app, version)?;
        if self.json.json {
            output::print_json(&release)
        } else {
            output::print(&render(&release, session.now()))
        }
    }
}

/// The release is the last argument.
fn split(which: &[String]) -> Result<(Option<AppName>, ReleaseVersion), Failure> {
    let usage = |error: &dyn std::error::Error| Failure::usage(error.to_string());
    let (version, app) = which.split_last().ok_or_else(|| Failure::usage("which release?"))?;
    let app = app.first().map(|app| app.parse()).transpose();
    Ok((app.map_err(|error| usage(&error))?, version.parse().map_err(|error| usage(&error))?))
}

fn render(release: &Release, now: Timestamp) -> String {
    let mut table = Table::of_fields();
    table.row(["release", &release.version.to_string()]);
    table.row(["status", &super::list::status(release)]);
    table.row(["description", &release.description]);
    if let Some(commit) = &release.commit {
        table.row(["commit", commit.as_str()]);
    }
    table.row(["artifact", release.artifact.as_str()]);
    if let Some(run) = &release.run_id {
        table.row(["run", &run.to_string()]);
    }
    table.row(["created", &format!("{} by {}", ago(release.created_at, now), release.created_by)]);
    table.render()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_release_comes_last() {
        let split = |which: &[&str]| {
            split(&which.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(split(&["v3"]).unwrap(), (None, ReleaseVersion::new(3)));
        let (app, version) = split(&["shop", "v3"]).unwrap();
        assert_eq!((app.unwrap().as_str(), version.number()), ("shop", 3));
        assert!(matches!(split(&["shop"]), Err(Failure::Usage(_))));
    }
}
