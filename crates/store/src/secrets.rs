use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, Row, params};
use types::{Actor, AppId, EnvironmentId, SettingName};

use crate::events::NewEvent;
use crate::row::{self, to_json};
use crate::settings::{SettingError, SettingScope, check_room};
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
        self.write(move |write| {
            let (app, environment) = scope.columns();
            let replaced = write
                .sql
                .query_row(
                    "UPDATE secrets SET key_id = ?4, sealed = ?5, updated_at = ?6, updated_by = ?7
                     WHERE app_id IS ?1 AND environment_id IS ?2 AND name = ?3 RETURNING *",
                    params![
                        app,
                        environment,
                        name.as_str(),
                        sealed.key_id,
                        sealed.bytes,
                        write.now.as_microsecond(),
                        to_json(&actor)
                    ],
                    read,
                )
                .optional()
                .map_err(Error::from)?;
            let secret = match replaced {
                Some(secret) => secret,
                None => {
                    let count = "SELECT count(*) FROM secrets WHERE app_id IS ?1 AND environment_id IS ?2";
                    check_room(&write.sql, count, &scope, most)?;
                    write
                        .sql
                        .query_row(
                            "INSERT INTO secrets (app_id, environment_id, name, key_id, sealed, updated_at, updated_by)
                             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) RETURNING *",
                            params![
                                app,
                                environment,
                                name.as_str(),
                                sealed.key_id,
                                sealed.bytes,
                                write.now.as_microsecond(),
                                to_json(&actor)
                            ],
                            read,
                        )
                        .map_err(Error::from)?
                }
            };
            write.event(&scope.tell(NewEvent::new("secret.set", &actor), &name))?;
            Ok(secret)
        })
        .await
    }

    pub async fn unset_secret(
        &self,
        scope: SettingScope,
        name: SettingName,
        actor: Actor,
    ) -> Result<(), Error> {
        self.write(move |write| {
            let (app, environment) = scope.columns();
            let removed = write.sql.execute(
                "DELETE FROM secrets WHERE app_id IS ?1 AND environment_id IS ?2 AND name = ?3",
                params![app, environment, name.as_str()],
            )?;
            if removed == 0 {
                return Err(Error::not_found(format!("secret {name}")));
            }
            write.event(&scope.tell(NewEvent::new("secret.unset", &actor), &name))
        })
        .await
    }

    /// Of this scope alone, by name.
    pub async fn secrets(&self, scope: SettingScope) -> Result<Vec<StoredSecret>, Error> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT * FROM secrets WHERE app_id IS ?1 AND environment_id IS ?2 ORDER BY name",
            )?;
            let secrets = statement.query_map(scope.columns(), read)?;
            Ok(secrets.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// What is valid there, the nearer after the farther: the project's, the app's, the environment's.
    pub async fn secrets_for(
        &self,
        app: AppId,
        environment: Option<EnvironmentId>,
    ) -> Result<Vec<StoredSecret>, Error> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT * FROM secrets
                 WHERE app_id IS NULL OR (app_id = ?1 AND (environment_id IS NULL OR environment_id = ?2))
                 ORDER BY app_id IS NOT NULL, environment_id IS NOT NULL, name",
            )?;
            let environment = environment.map(|environment| environment.to_string());
            let secrets = statement.query_map(params![app.to_string(), environment], read)?;
            Ok(secrets.collect::<Result<_, _>>()?)
        })
        .await
    }

    pub async fn has_secrets(&self) -> Result<bool, Error> {
        self.read(|connection| {
            let sql = "SELECT EXISTS (SELECT 1 FROM secrets)";
            Ok(connection.query_row(sql, [], |row| row.get(0))?)
        })
        .await
    }
}

fn read(row: &Row<'_>) -> row::Result<StoredSecret> {
    Ok(StoredSecret {
        app: row::optional_text(row, "app_id")?,
        environment: row::optional_text(row, "environment_id")?,
        name: row::text(row, "name")?,
        sealed: Sealed { key_id: row.get("key_id")?, bytes: row.get("sealed")? },
        updated_at: row::time(row, "updated_at")?,
        updated_by: row::json(row, "updated_by")?,
    })
}
