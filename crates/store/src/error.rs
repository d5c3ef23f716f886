#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no {what}")]
    NotFound { what: String },
    #[error("the database refused")]
    Database(#[from] rusqlite::Error),
    #[error("the database could not be brought up to date")]
    Migration(#[source] rusqlite_migration::Error),
    #[error("the database was made by a newer version of Solum; install that version again")]
    FromTheFuture,
    #[error("the database runs with {pragma}={found} where {wanted} was asked for")]
    Pragma { pragma: &'static str, found: String, wanted: &'static str },
    #[error("the database holds something that does not read back: {what}")]
    Corrupt { what: String },
    #[error(transparent)]
    Illegal(#[from] types::IllegalTransition),
    #[error("the database's writer has stopped")]
    Closed,
    #[error("the database's file cannot be made, or kept from others")]
    File(#[source] std::io::Error),
    #[error("the thread of the database's writer cannot be started")]
    Thread(#[source] std::io::Error),
    #[error("a group of writes could not be committed: {0}")]
    Commit(String),
}

impl Error {
    pub(crate) fn not_found(what: impl Into<String>) -> Self {
        Self::NotFound { what: what.into() }
    }
}
