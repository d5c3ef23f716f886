use api::instances::Instance;
use clap::Args;
use types::Timestamp;

use crate::cli::arguments::{AppArgument, EnvironmentOption, JsonOption};
use crate::cli::session::Session;
use crate::cli::table::Table;
use crate::cli::times::ago;
use crate::cli::{Outcome, output};

#[derive(Debug, Args)]
pub(crate) struct Ps {
    #[command(flatten)]
    app: AppArgument,
    #[command(flatten)]
    environment: EnvironmentOption,
    #[command(flatten)]
    json: JsonOption,
}

impl Ps {
    pub(crate) fn run(self, session: &Session) -> Outcome {
        let app = session.app(self.app.app)?;
        let client = session.client()?;
        let mut instances = client.instances(&app, self.environment.environment.as_ref())?;
        instances.sort_by(|a, b| (&a.environment, &a.name).cmp(&(&b.environment, &b.name)));
        if self.json.json {
            return output::print_json(&instances);
        }
        if instances.is_empty() {
            output::say(&format!("Nothing of {app} runs."));
            return Ok(());
        }
        output::print(&render(&instances, session.now()))
    }
}

fn render(instances: &[Instance], now: Timestamp) -> String {
    let headings =
        ["ENV", "NAME", "RELEASE", "STATUS", "STARTED", "RESTARTS", "INSTANCE", "DETAIL"];
    let mut table = Table::new(&headings);
    for instance in instances {
        table.row([
            instance.environment.as_str(),
            &instance.name,
            &instance.release.to_string(),
            instance.status.as_str(),
            &instance.started_at.map(|at| ago(at, now)).unwrap_or_default(),
            &instance.restarts.to_string(),
            &instance.id.to_string(),
            instance.detail.as_deref().unwrap_or_default(),
        ]);
    }
    table.render()
}
