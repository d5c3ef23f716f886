use clap::Args;

use crate::cli::arguments::JsonOption;
use crate::cli::session::Session;
use crate::cli::setting_scope::ScopeOptions;
use crate::cli::table::Table;
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
        let variables = session.client()?.variables(&scope)?;
        if self.json.json {
            return output::print_json(&variables);
        }
        output::say(&format!("Variables of {scope}"));
        let mut table = Table::of_fields();
        for variable in &variables {
            table.row([variable.name.as_str(), &variable.value]);
        }
        output::print(&table.render())
    }
}
