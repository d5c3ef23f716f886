use api::secrets::Secret;
use clap::Args;
use types::Timestamp;

use crate::cli::arguments::JsonOption;
use crate::cli::session::Session;
use crate::cli::setting_scope::ScopeOptions;
use crate::cli::table::Table;
use crate::cli::times::ago;
use crate::cli::{Outcome, output};

#[derive(Debug, Args)]
pub(crate) struct List {
    #[command(flatten)]
    scope: ScopeOptions,
    #[command(flatten)]
    json: JsonOption,
}

impl List {
    pub(crate) fn run(self, session: &Session) -> Outcome {
        let scope = self.scope.scope(session)?;
        let secrets = session.client()?.secrets(&scope)?;
        if self.json.json {
            return output::print_json(&secrets);
        }
        output::say(&format!("Secrets of {scope}"));
        output::print(&render(&secrets, session.now()))
    }
}

fn render(secrets: &[Secret], now: Timestamp) -> String {
    let mut table = Table::new(&["NAME", "UPDATED", "BY"]);
    for secret in secrets {
        table.row([secret.name.as_str(), &ago(secret.updated_at, now), &secret.updated_by]);
    }
    table.render()
}
