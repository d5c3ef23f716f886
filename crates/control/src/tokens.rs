use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rand::Rng as _;
use sha2::{Digest as _, Sha256};
use store::{Token, Topic};
use types::{Actor, Secret, TokenId};

use crate::{Control, Error};

/// Whoever holds a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    pub token: TokenId,
    pub actor: Actor,
}

/// A token just made: the only time that its text is known here.
#[derive(Debug, Clone)]
pub struct NewToken {
    pub token: Token,
    pub text: Secret,
}

/// What every token begins with, so that scanners for leaked secrets can find them.
const PREFIX: &str = "solum_";
/// The name of the token that the first start leaves behind.
const ADMIN: &str = "admin";

impl Control {
    pub async fn create_token(&self, name: String, actor: &Actor) -> Result<NewToken, Error> {
        check_name(&name)?;
        let text = generate();
        let created =
            self.inner.store.create_token(name.clone(), hash(&text), actor.clone()).await?;
        let token = created.ok_or(Error::TokenExists(name))?;
        Ok(NewToken { token, text: Secret::new(text) })
    }

    /// Whose token this is; `None` if it is nobody's, or was revoked.
    pub async fn authenticate(&self, text: &str) -> Result<Option<Identity>, Error> {
        if !text.starts_with(PREFIX) || text.len() > 128 {
            return Ok(None);
        }
        let token = self.inner.store.token_by_hash(hash(text)).await?;
        Ok(token.map(|token| Identity { token: token.id, actor: Actor::Token(token.name) }))
    }

    /// Those that were not revoked, oldest first.
    pub async fn tokens(&self) -> Result<Vec<Token>, Error> {
        Ok(self.inner.store.tokens().await?)
    }

    pub async fn revoke_token(&self, id: TokenId, actor: &Actor) -> Result<(), Error> {
        Ok(self.inner.store.revoke_token(id, actor.clone()).await?)
    }

    /// Returns once the token is not valid any more. While nobody can tell whether it is, it counts as valid.
    pub async fn until_revoked(&self, id: TokenId) {
        let mut wake = self.inner.store.subscribe(Topic::Tokens);
        while self.inner.store.is_valid_token(id).await.unwrap_or(true) {
            wake.changed().await;
        }
    }

    /// Leaves an administrator's token in a file, unless a token is there already. The file is on the disk before
    /// the token counts, so that a crash in between never leaves a token that nobody knows. Says whether it did.
    pub async fn ensure_admin_token(&self, file: &Path) -> Result<bool, Error> {
        if !self.tokens().await?.is_empty() {
            return Ok(false);
        }
        let text = generate();
        write_private(file, &text).map_err(Error::io("write the administrator's token"))?;
        self.inner.store.create_token(ADMIN.to_owned(), hash(&text), Actor::System).await?;
        Ok(true)
    }
}

/// What somebody is allowed to decide. Until there are roles to give, whoever holds a token has both.
pub(crate) fn roles(actor: &Actor) -> Vec<String> {
    match actor {
        Actor::Token(_) => ["operator", "owner"].map(str::to_owned).to_vec(),
        Actor::System => Vec::new(),
    }
}

fn write_private(file: &Path, text: &str) -> std::io::Result<()> {
    let temporary = file.with_extension("new");
    let mut options = std::fs::OpenOptions::new();
    let mut handle =
        options.write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
    writeln!(handle, "{text}")?;
    handle.sync_all()?;
    std::fs::rename(&temporary, file)
}

fn check_name(name: &str) -> Result<(), Error> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '@');
    if (1..=64).contains(&name.len()) && name.chars().all(allowed) {
        return Ok(());
    }
    Err(Error::Invalid {
        code: "invalid_token_name",
        message: "a token's name has 1 to 64 letters, digits and any of - _ . @".to_owned(),
        hint: None,
    })
}

fn generate() -> String {
    let random: [u8; 32] = rand::rng().random();
    let mut text = PREFIX.to_owned();
    for byte in random {
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}
