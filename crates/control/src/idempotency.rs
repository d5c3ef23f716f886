use store::{Remembered, StoredAnswer};
use types::TokenId;

use crate::{Control, Error};

impl Control {
    /// Claims an idempotency key for a request with this fingerprint, or says what became of it.
    pub async fn claim_idempotency_key(
        &self,
        token: TokenId,
        key: String,
        fingerprint: String,
    ) -> Result<Remembered, Error> {
        Ok(self.inner.store.claim_idempotency_key(token, key, fingerprint).await?)
    }

    /// Keeps the answer under the key; `None` gives the key back because nothing was changed.
    pub async fn settle_idempotency_key(
        &self,
        token: TokenId,
        key: String,
        answer: Option<StoredAnswer>,
    ) -> Result<(), Error> {
        Ok(self.inner.store.settle_idempotency_key(token, key, answer).await?)
    }
}
