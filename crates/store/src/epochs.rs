use crate::{Error, Store};

impl Store {
    /// Begins a new epoch: higher than every one before. Whoever works on this database takes one at its start.
    pub async fn begin_epoch(&self) -> Result<u64, Error> {
        self.write(|write| {
            Ok(write.sql.query_row(
                "UPDATE epochs SET epoch = epoch + 1 RETURNING epoch",
                [],
                |row| row.get(0),
            )?)
        })
        .await
    }
}
