use api::tokens::Token;
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
        let tokens = session.client()?.tokens()?;
        if self.json.json {
            output::print_json(&tokens)
        } else {
            output::print(&render(&tokens, session.now()))
        }
    }
}

fn render(tokens: &[Token], now: Timestamp) -> String {
    let mut table = Table::new(&["ID", "NAME", "CREATED", "BY"]);
    for token in tokens {
        table.row([
            &token.id.to_string(),
            &token.name,
            &ago(token.created_at, now),
            &token.created_by,
        ]);
    }
    table.render()
}
