use api::apps::App;
use clap::Args;
use types::Timestamp;

use crate::cli::arguments::{AppArgument, JsonOption};
use crate::cli::session::Session;
use crate::cli::table::Table;
use crate::cli::times::ago;
use crate::cli::{Outcome, output};

#[derive(Debug, Args)]
pub(crate) struct Show {
    #[command(flatten)]
    app: AppArgument,
    #[command(flatten)]
    json: JsonOption,
}

impl Show {
    pub(crate) fn run(self, session: &Session) -> Outcome {
        let app = session.app(self.app.app)?;
        let app = session.client()?.app(&app)?;
        if self.json.json {
            output::print_json(&app)
        } else {
            output::print(&render(&app, session.now()))
        }
    }
}

fn render(app: &App, now: Timestamp) -> String {
    let mut table = Table::of_fields();
    table.row(["app", app.name.as_str()]);
    table.row(["status", app.status.as_str()]);
    table.row(["default branch", &app.default_branch]);
    if let Some(url) = &app.git_url {
        table.row(["repository", url]);
    }
    for (environment, url) in &app.urls {
        table.row([environment.as_str(), url]);
    }
    table.row(["created", &format!("{} by {}", ago(app.created_at, now), app.created_by)]);
    table.render()
}
