#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no {what}")]
    NotFound { what: String },
    #[error("the run was tried again already, as {by}")]
    Retried { by: types::RunId },
    #[error("the disk of the database is full")]
    Full(#[source] rusqlite::Error),
    #[error("the database refused")]
    Database(#[source] rusqlite::Error),
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

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        if is_full(&error) { Self::Full(error) } else { Self::Database(error) }
    }
}

/// The database's own file, its journal, or the memory that it shares found no room.
pub(crate) fn is_full(error: &rusqlite::Error) -> bool {
    let Some(error) = error.sqlite_error() else { return false };
    error.code == rusqlite::ErrorCode::DiskFull
        || error.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE
}

impl Error {
    /// A commit that failed is told to everybody who was part of it.
    pub(crate) fn of_commit(error: &rusqlite::Error) -> Self {
        match error {
            rusqlite::Error::SqliteFailure(code, _) if is_full(error) => {
                Self::Full(rusqlite::Error::SqliteFailure(*code, None))
            }
            _ => Self::Commit(error.to_string()),
        }
    }

    pub(crate) fn not_found(what: impl Into<String>) -> Self {
        Self::NotFound { what: what.into() }
    }
}
