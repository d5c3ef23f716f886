use api::client::Client;
use clap::Args;
use types::TokenId;

use crate::cli::failure::Failure;
use crate::cli::session::Session;
use crate::cli::{Outcome, output};

#[derive(Debug, Args)]
pub(crate) struct Revoke {
    /// The token's id, or its name where only one has it
    #[arg(value_name = "ID|NAME")]
    token: String,
}

impl Revoke {
    pub(crate) fn run(self, session: &Session) -> Outcome {
        let client = session.client()?;
        let id = match self.token.parse() {
            Ok(id) => id,
            Err(_) => find(&client, &self.token)?,
        };
        client.revoke_token(id)?;
        output::say(&format!("{} is revoked.", self.token));
        Ok(())
    }
}

fn find(client: &Client, name: &str) -> Result<TokenId, Failure> {
    let mut tokens = client.tokens()?;
    tokens.retain(|token| token.name == name);
    match tokens.as_slice() {
        [token] => Ok(token.id),
        [] => Err(Failure::failed(format!("there is no token `{name}`"))
            .hint("`solum token list` shows the tokens there are")),
        _ => Err(Failure::usage(format!("several tokens are called `{name}`"))
            .hint("name one by its id: `solum token list` shows them")),
    }
}
