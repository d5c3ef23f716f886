use std::time::Duration;

use jiff::SignedDuration;
use rusqlite::{OptionalExtension as _, params};
use types::TokenId;

use crate::{Error, Store};

/// How long an answer is remembered under its key.
const REMEMBERED_FOR: Duration = Duration::from_secs(24 * 60 * 60);

/// What is known of an idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remembered {
    /// Nothing: the key is now this caller's to carry out.
    New,
    /// The first request with it has not ended yet.
    UnderWay,
    /// The key was used for another request.
    Mismatch,
    Answered(StoredAnswer),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredAnswer {
    pub status: u16,
    /// As JSON: a list of pairs.
    pub headers: String,
    pub body: String,
}

impl Store {
    /// Claims a key, or says what became of it.
    pub async fn claim_idempotency_key(
        &self,
        token: TokenId,
        key: String,
        fingerprint: String,
    ) -> Result<Remembered, Error> {
        self.write(move |write| {
            let age = SignedDuration::try_from(REMEMBERED_FOR).unwrap_or(SignedDuration::MAX);
            let oldest = write.now.checked_sub(age).unwrap_or(write.now);
            write.sql.execute(
                "DELETE FROM idempotency WHERE created_at < ?1",
                [oldest.as_microsecond()],
            )?;
            let known = write
                .sql
                .query_row(
                    "SELECT fingerprint, status, headers, body FROM idempotency
                     WHERE token_id = ?1 AND key = ?2",
                    params![token.to_string(), key],
                    |row| {
                        let fingerprint: String = row.get(0)?;
                        let status: Option<u16> = row.get(1)?;
                        Ok((fingerprint, status, row.get(2)?, row.get(3)?))
                    },
                )
                .optional()?;
            let Some((known, status, headers, body)) = known else {
                write.sql.execute(
                    "INSERT INTO idempotency (token_id, key, fingerprint, created_at)
                     VALUES (?1, ?2, ?3, ?4)",
                    params![token.to_string(), key, fingerprint, write.now.as_microsecond()],
                )?;
                return Ok(Remembered::New);
            };
            Ok(match (known == fingerprint, status, headers, body) {
                (false, ..) => Remembered::Mismatch,
                (true, Some(status), Some(headers), Some(body)) => {
                    Remembered::Answered(StoredAnswer { status, headers, body })
                }
                (true, ..) => Remembered::UnderWay,
            })
        })
        .await
    }

    /// Keeps the answer, or with `None` gives the key back: the request changed nothing and may be sent again.
    pub async fn settle_idempotency_key(
        &self,
        token: TokenId,
        key: String,
        answer: Option<StoredAnswer>,
    ) -> Result<(), Error> {
        self.write(move |write| {
            let token = token.to_string();
            match answer {
                Some(answer) => write.sql.execute(
                    "UPDATE idempotency SET status = ?3, headers = ?4, body = ?5
                     WHERE token_id = ?1 AND key = ?2",
                    params![token, key, answer.status, answer.headers, answer.body],
                )?,
                None => write.sql.execute(
                    "DELETE FROM idempotency WHERE token_id = ?1 AND key = ?2",
                    params![token, key],
                )?,
            };
            Ok(())
        })
        .await
    }

    /// Gives back the keys of requests that a crash interrupted. For the start of the server.
    pub async fn release_idempotency_keys(&self) -> Result<(), Error> {
        self.write(|write| {
            write.sql.execute("DELETE FROM idempotency WHERE status IS NULL", [])?;
            Ok(())
        })
        .await
    }
}
