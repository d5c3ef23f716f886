use api::releases::Release;
use clap::Args;
use types::{EnvironmentName, Timestamp};

use crate::cli::arguments::{AppArgument, JsonOption};
use crate::cli::session::Session;
use crate::cli::table::Table;
use crate::cli::times::ago;
use crate::cli::{Outcome, output};

#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    app: AppArgument,
    #[command(flatten)]
    json: JsonOption,
}

impl List {
    pub(crate) fn run(self, session: &Session) -> Outcome {
        let app = session.app(self.app.app)?;
        let releases = session.client()?.releases(&app)?;
        if self.json.json {
            return output::print_json(&releases);
        }
        if releases.is_empty() {
            output::say(&format!("{app} has no releases yet."));
            return Ok(());
        }
        output::print(&render(&releases, session.now()))
    }
}

fn render(releases: &[Release], now: Timestamp) -> String {
    let mut table =
        Table::new(&["RELEASE", "STATUS", "COMMIT", "ARTIFACT", "CREATED", "BY", "DESCRIPTION"]);
    for release in releases {
        table.row([
            &release.version.to_string(),
            &status(release),
            release.commit.as_ref().map_or("", types::CommitId::short),
            release.artifact.short(),
            &ago(release.created_at, now),
            &release.created_by,
            &release.description,
        ]);
    }
    table.render()
}

/// Where it is live, whether it was, or that it never got that far.
pub(super) fn status(release: &Release) -> String {
    let names: Vec<_> = release.live_in.iter().map(EnvironmentName::as_str).collect();
    match names.as_slice() {
        [] if release.has_served => "was live".to_owned(),
        [] => "never live".to_owned(),
        names => format!("live in {}", names.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_read_like_a_ledger() {
        let digest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        let releases: Vec<Release> = serde_json::from_str(&format!(
            r#"[{{"version":"v2","artifact":"sha256:{digest}","created_at":"2026-01-02T03:04:05Z",
                  "created_by":"ci","description":"uploaded","live_in":["dev"],"has_served":true}},
                {{"version":"v1","artifact":"sha256:{digest}","commit":"{}",
                  "created_at":"2026-01-02T03:03:05Z","created_by":"admin","description":"Say hello"}}]"#,
            "a1b2c3d4".repeat(5)
        ))
        .unwrap();
        assert_eq!(
            render(&releases, "2026-01-02T03:05:05Z".parse().unwrap()),
            "RELEASE  STATUS       COMMIT   ARTIFACT      CREATED        BY     DESCRIPTION\n\
             v2       live in dev           e3b0c44298fc  1 minute ago   ci     uploaded\n\
             v1       never live   a1b2c3d  e3b0c44298fc  2 minutes ago  admin  Say hello\n"
        );
    }
}
