use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, Row, params};
use types::{Actor, AppId, Digest, UploadId};

use crate::row::{self, to_json};
use crate::{Error, Store, Topic};

/// A bundle that somebody else built, on its way into the artifact store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    pub id: UploadId,
    pub app: AppId,
    pub state: UploadState,
    pub artifact: Option<Digest>,
    pub error: Option<String>,
    pub created_at: Timestamp,
    pub created_by: Actor,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UploadState {
    /// All its bytes are here; it is being read.
    Importing,
    Ready,
    Failed,
}

impl UploadState {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Importing => "importing",
            Self::Ready => "ready",
            Self::Failed => "failed",
        }
    }
}

impl std::str::FromStr for UploadState {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        [Self::Importing, Self::Ready, Self::Failed]
            .into_iter()
            .find(|state| state.as_str() == word)
            .ok_or_else(|| format!("`{word}` is not a state of an upload"))
    }
}

impl Store {
    pub async fn record_upload(
        &self,
        id: UploadId,
        app: AppId,
        actor: Actor,
    ) -> Result<Upload, Error> {
        self.write(move |write| {
            let upload = Upload {
                id,
                app,
                state: UploadState::Importing,
                artifact: None,
                error: None,
                created_at: write.now,
                created_by: actor,
            };
            write.sql.execute(
                "INSERT INTO uploads (id, app_id, state, created_at, created_by) VALUES (?1, ?2, ?3, ?4, ?5)",
                params![
                    id.to_string(),
                    app.to_string(),
                    upload.state.as_str(),
                    upload.created_at.as_microsecond(),
                    to_json(&upload.created_by)
                ],
            )?;
            write.touch(Topic::Uploads);
            Ok(upload)
        })
        .await
    }

    /// Ends an upload that is still being imported, with its artifact or with what is wrong with it.
    pub async fn finish_upload(
        &self,
        id: UploadId,
        result: Result<Digest, String>,
    ) -> Result<(), Error> {
        self.write(move |write| {
            let state = if result.is_ok() { UploadState::Ready } else { UploadState::Failed };
            let (artifact, error) = match result {
                Ok(digest) => (Some(digest), None),
                Err(error) => (None, Some(error)),
            };
            write.sql.execute(
                "UPDATE uploads SET state = ?2, artifact = ?3, error = ?4
                 WHERE id = ?1 AND state = 'importing'",
                params![id.to_string(), state.as_str(), artifact.map(String::from), error],
            )?;
            write.touch(Topic::Uploads);
            Ok(())
        })
        .await
    }

    pub async fn upload(&self, id: UploadId) -> Result<Upload, Error> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached("SELECT * FROM uploads WHERE id = ?1")?;
            statement
                .query_row([id.to_string()], read)
                .optional()?
                .ok_or_else(|| Error::not_found(format!("upload {id}")))
        })
        .await
    }

    /// Uploads whose import has not ended, oldest first.
    pub async fn importing_uploads(&self) -> Result<Vec<Upload>, Error> {
        self.read(|connection| {
            let mut statement = connection
                .prepare_cached("SELECT * FROM uploads WHERE state = 'importing' ORDER BY id")?;
            let uploads = statement.query_map([], read)?.collect::<Result<_, _>>()?;
            Ok(uploads)
        })
        .await
    }

    /// Forgets uploads that ended before `before`; their artifacts are then kept by releases alone.
    pub async fn forget_uploads(&self, before: Timestamp) -> Result<(), Error> {
        self.write(move |write| {
            write.sql.execute(
                "DELETE FROM uploads WHERE state <> 'importing' AND created_at < ?1",
                [before.as_microsecond()],
            )?;
            Ok(())
        })
        .await
    }
}

fn read(row: &Row<'_>) -> row::Result<Upload> {
    Ok(Upload {
        id: row::text(row, "id")?,
        app: row::text(row, "app_id")?,
        state: row::text(row, "state")?,
        artifact: row::optional_text(row, "artifact")?,
        error: row.get("error")?,
        created_at: row::time(row, "created_at")?,
        created_by: row::json(row, "created_by")?,
    })
}
