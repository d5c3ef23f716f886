use api::apps::App;
use clap::Args;
use types::Timestamp;

use crate::cli::arguments::JsonOption;
use crate::cli::session::Session;
use crate::cli::table::Table;
use crate::cli::times::ago;
use crate::cli::{Outcome, output};

#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    json: JsonOption,
}

impl List {
    pub(crate) fn run(self, session: &Session) -> Outcome {
        let apps = session.client()?.apps()?;
        if self.json.json {
            return output::print_json(&apps);
        }
        if apps.is_empty() {
            output::say("There are no apps yet. `solum app create NAME` makes one.");
            return Ok(());
        }
        output::print(&render(&apps, session.now()))
    }
}

fn render(apps: &[App], now: Timestamp) -> String {
    let mut table = Table::new(&["NAME", "STATUS", "CREATED", "URL"]);
    for app in apps {
        let url = app.urls.values().next().map_or("", String::as_str);
        table.row([app.name.as_str(), app.status.as_str(), &ago(app.created_at, now), url]);
    }
    table.render()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn apps_are_listed_with_where_they_are_reached() {
        let apps: Vec<App> = serde_json::from_str(
            r#"[{"id":"app_1","name":"shop","status":"ready","default_branch":"main",
                 "git_url":"http://127.0.0.1:7070/shop.git","urls":{"dev":"http://shop-dev.localhost:8080"},
                 "created_at":"2026-01-02T03:04:05Z","created_by":"admin"},
                {"id":"app_2","name":"blog","status":"creating","default_branch":"main",
                 "created_at":"2026-01-02T03:05:05Z","created_by":"admin"}]"#,
        )
        .unwrap();
        assert_eq!(
            render(&apps, "2026-01-02T03:06:05Z".parse().unwrap()),
            "NAME  STATUS    CREATED        URL\n\
             shop  ready     2 minutes ago  http://shop-dev.localhost:8080\n\
             blog  creating  1 minute ago\n"
        );
    }
}
