use api::tokens::CreateToken;
use clap::Args;

use crate::cli::arguments::JsonOption;
use crate::cli::session::Session;
use crate::cli::{Outcome, output};

#[derive(Debug, Args)]
pub(crate) struct Create {
    /// Who or what will use it; what is done with the token is recorded under this name
    name: String,
    #[command(flatten)]
    json: JsonOption,
}

impl Create {
    pub(crate) fn run(self, session: &Session) -> Outcome {
        let created = session.client()?.create_token(&CreateToken { name: self.name })?;
        if self.json.json {
            return output::print_json(&created);
        }
        output::say("Keep it: it is not shown again.");
        output::print(created.token.expose())
    }
}
