use jiff::Timestamp;
use rusqlite::Row;
use types::{Actor, AppId, EnvironmentId, SettingName};

use crate::row;
use crate::settings::{Setting, SettingError, SettingScope};
use crate::{Error, Store};

/// A value that only the holder of a key can read. This crate has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    pub key_id: String,
    pub bytes: Vec<u8>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredSecret {
    /// `None` is the project's.
    pub app: Option<AppId>,
    pub environment: Option<EnvironmentId>,
    pub name: SettingName,
    pub sealed: Sealed,
    pub updated_at: Timestamp,
    pub updated_by: Actor,
}

impl Store {
    /// Takes the place of a secret that has the name there. Another one is refused where there are `most`.
    pub async fn set_secret(
        &self,
        scope: SettingScope,
        name: SettingName,
        sealed: Sealed,
        most: usize,
        actor: Actor,
    ) -> Result<StoredSecret, SettingError> {
        self.set_setting(scope, name, [sealed.key_id.into(), sealed.bytes.into()], most, actor)
            .await
    }

    pub async fn unset_secret(
        &self,
        scope: SettingScope,
        name: SettingName,
        actor: Actor,
    ) -> Result<(), Error> {
        self.unset_setting::<StoredSecret>(scope, name, actor).await
    }

    /// Of this scope alone, by name.
    pub async fn secrets(&self, scope: SettingScope) -> Result<Vec<StoredSecret>, Error> {
        self.settings(scope).await
    }

    /// What is valid there, the nearer after the farther: the project's, the app's, the environment's.
    pub async fn secrets_for(
        &self,
        app: AppId,
        environment: Option<EnvironmentId>,
    ) -> Result<Vec<StoredSecret>, Error> {
        self.settings_for(app, environment).await
    }

    pub async fn has_secrets(&self) -> Result<bool, Error> {
        self.read(|connection| {
            let sql = "SELECT EXISTS (SELECT 1 FROM secrets)";
            Ok(connection.query_row(sql, [], |row| row.get(0))?)
        })
        .await
    }
}

impl Setting for StoredSecret {
    const TABLE: &'static str = "secrets";
    const NOUN: &'static str = "secret";
    const SET: &'static str = "secret.set";
    const UNSET: &'static str = "secret.unset";
    const COLUMNS: &'static [&'static str] = &["key_id", "sealed"];

    fn read(row: &Row<'_>) -> row::Result<Self> {
        Ok(StoredSecret {
            app: row::optional_text(row, "app_id")?,
            environment: row::optional_text(row, "environment_id")?,
            name: row::text(row, "name")?,
            sealed: Sealed { key_id: row.get("key_id")?, bytes: row.get("sealed")? },
            updated_at: row::time(row, "updated_at")?,
            updated_by: row::json(row, "updated_by")?,
        })
    }
}
