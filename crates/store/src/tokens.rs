use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, Row, params};
use types::{Actor, TokenId};

use crate::events::NewEvent;
use crate::row::{self, to_json};
use crate::{Error, Store, Topic};

/// A token as it is known here: by the hash of what its holder sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub id: TokenId,
    pub name: String,
    pub created_at: Timestamp,
    pub created_by: Actor,
    pub revoked_at: Option<Timestamp>,
}

impl Store {
    /// `None` if a token of this name is in use.
    pub async fn create_token(
        &self,
        name: String,
        hash: [u8; 32],
        actor: Actor,
    ) -> Result<Option<Token>, Error> {
        self.write(move |write| {
            let token = Token {
                id: TokenId::generate(write.clock),
                name,
                created_at: write.now,
                created_by: actor,
                revoked_at: None,
            };
            let inserted = write.sql.execute(
                "INSERT INTO tokens (id, name, hash, created_at, created_by) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO NOTHING",
                params![
                    token.id.to_string(),
                    token.name,
                    hash,
                    token.created_at.as_microsecond(),
                    to_json(&token.created_by)
                ],
            )?;
            if inserted == 0 {
                return Ok(None);
            }
            write.event(&NewEvent::new("token.created", &token.created_by).subject(&token.name))?;
            Ok(Some(token))
        })
        .await
    }

    /// The token with this hash, unless it was revoked.
    pub async fn token_by_hash(&self, hash: [u8; 32]) -> Result<Option<Token>, Error> {
        self.read(move |connection| {
            let mut statement = connection
                .prepare_cached("SELECT * FROM tokens WHERE hash = ?1 AND revoked_at IS NULL")?;
            Ok(statement.query_row([hash], read).optional()?)
        })
        .await
    }

    /// Whether it is there and was not revoked.
    pub async fn is_valid_token(&self, id: TokenId) -> Result<bool, Error> {
        self.read(move |connection| {
            let mut statement = connection
                .prepare_cached("SELECT 1 FROM tokens WHERE id = ?1 AND revoked_at IS NULL")?;
            Ok(statement.exists([id.to_string()])?)
        })
        .await
    }

    /// Every token that was not revoked, oldest first.
    pub async fn tokens(&self) -> Result<Vec<Token>, Error> {
        self.read(|connection| {
            let mut statement = connection
                .prepare_cached("SELECT * FROM tokens WHERE revoked_at IS NULL ORDER BY id")?;
            let tokens = statement.query_map([], read)?.collect::<Result<_, _>>()?;
            Ok(tokens)
        })
        .await
    }

    pub async fn revoke_token(&self, id: TokenId, actor: Actor) -> Result<(), Error> {
        self.write(move |write| {
            let revoked = write
                .sql
                .query_row(
                    "UPDATE tokens SET revoked_at = ?2 WHERE id = ?1 AND revoked_at IS NULL RETURNING *",
                    params![id.to_string(), write.now.as_microsecond()],
                    read,
                )
                .optional()?;
            let token = revoked.ok_or_else(|| Error::not_found(format!("token {id}")))?;
            write.touch(Topic::Tokens);
            write.event(&NewEvent::new("token.revoked", &actor).subject(&token.name))
        })
        .await
    }
}

fn read(row: &Row<'_>) -> row::Result<Token> {
    Ok(Token {
        id: row::text(row, "id")?,
        name: row.get("name")?,
        created_at: row::time(row, "created_at")?,
        created_by: row::json(row, "created_by")?,
        revoked_at: row::optional_time(row, "revoked_at")?,
    })
}
