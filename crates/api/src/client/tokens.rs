use types::{AppName, TokenId};

use super::request::Call;
use super::{Client, Error};
use crate::events::Event;
use crate::paths;
use crate::tokens::{CreateToken, Token, TokenCreated, WhoAmI};

impl Client {
    pub fn whoami(&self) -> Result<WhoAmI, Error> {
        self.fetch(&Call::get(paths::WHOAMI))
    }

    pub fn create_token(&self, token: &CreateToken) -> Result<TokenCreated, Error> {
        self.submit(&Call::post(paths::TOKENS), token)
    }

    pub fn tokens(&self) -> Result<Vec<Token>, Error> {
        self.list(paths::TOKENS, &[], None)
    }

    /// From now on nothing is allowed to who holds it.
    pub fn revoke_token(&self, id: TokenId) -> Result<(), Error> {
        self.send(&Call::delete(&paths::token(id)), None).map(drop)
    }

    /// Newest first, no more than `most`.
    pub fn events(&self, app: Option<&AppName>, most: Option<usize>) -> Result<Vec<Event>, Error> {
        self.list(paths::EVENTS, &[("app", app.map(ToString::to_string))], most)
    }
}
