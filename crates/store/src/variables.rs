use jiff::Timestamp;
use rusqlite::{OptionalExtension as _, Row, params};
use types::{Actor, AppId, EnvironmentId, SettingName};

use crate::events::NewEvent;
use crate::row::{self, to_json};
use crate::settings::{SettingError, SettingScope, check_room};
use crate::{Error, Store};

/// What workflows see under `vars`. (An app's own variables are its config.)
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// `None` is the project's.
    pub app: Option<AppId>,
    pub environment: Option<EnvironmentId>,
    pub name: SettingName,
    pub value: String,
    pub updated_at: Timestamp,
    pub updated_by: Actor,
}

impl Store {
    /// Takes the place of a variable that has the name there. Another one is refused where there are `most`.
    pub async fn set_variable(
        &self,
        scope: SettingScope,
        name: SettingName,
        value: String,
        most: usize,
        actor: Actor,
    ) -> Result<Variable, SettingError> {
        self.write(move |write| {
            let (app, environment) = scope.columns();
            let values = params![
                app,
                environment,
                name.as_str(),
                value,
                write.now.as_microsecond(),
                to_json(&actor)
            ];
            let replaced = write
                .sql
                .query_row(
                    "UPDATE variables SET value = ?4, updated_at = ?5, updated_by = ?6
                     WHERE app_id IS ?1 AND environment_id IS ?2 AND name = ?3 RETURNING *",
                    values,
                    read,
                )
                .optional()
                .map_err(Error::from)?;
            let variable = match replaced {
                Some(variable) => variable,
                None => {
                    let count = "SELECT count(*) FROM variables WHERE app_id IS ?1 AND environment_id IS ?2";
                    check_room(&write.sql, count, &scope, most)?;
                    write
                        .sql
                        .query_row(
                            "INSERT INTO variables (app_id, environment_id, name, value, updated_at, updated_by)
                             VALUES (?1, ?2, ?3, ?4, ?5, ?6) RETURNING *",
                            values,
                            read,
                        )
                        .map_err(Error::from)?
                }
            };
            write.event(&scope.tell(NewEvent::new("variable.set", &actor), &name))?;
            Ok(variable)
        })
        .await
    }

    pub async fn unset_variable(
        &self,
        scope: SettingScope,
        name: SettingName,
        actor: Actor,
    ) -> Result<(), Error> {
        self.write(move |write| {
            let (app, environment) = scope.columns();
            let removed = write.sql.execute(
                "DELETE FROM variables WHERE app_id IS ?1 AND environment_id IS ?2 AND name = ?3",
                params![app, environment, name.as_str()],
            )?;
            if removed == 0 {
                return Err(Error::not_found(format!("variable {name}")));
            }
            write.event(&scope.tell(NewEvent::new("variable.unset", &actor), &name))
        })
        .await
    }

    /// Of this scope alone, by name.
    pub async fn variables(&self, scope: SettingScope) -> Result<Vec<Variable>, Error> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT * FROM variables WHERE app_id IS ?1 AND environment_id IS ?2 ORDER BY name",
            )?;
            let variables = statement.query_map(scope.columns(), read)?;
            Ok(variables.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// What is valid there, the nearer after the farther: the project's, the app's, the environment's.
    pub async fn variables_for(
        &self,
        app: AppId,
        environment: Option<EnvironmentId>,
    ) -> Result<Vec<Variable>, Error> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(
                "SELECT * FROM variables
                 WHERE app_id IS NULL OR (app_id = ?1 AND (environment_id IS NULL OR environment_id = ?2))
                 ORDER BY app_id IS NOT NULL, environment_id IS NOT NULL, name",
            )?;
            let environment = environment.map(|environment| environment.to_string());
            let variables = statement.query_map(params![app.to_string(), environment], read)?;
            Ok(variables.collect::<Result<_, _>>()?)
        })
        .await
    }
}

fn read(row: &Row<'_>) -> row::Result<Variable> {
    Ok(Variable {
        app: row::optional_text(row, "app_id")?,
        environment: row::optional_text(row, "environment_id")?,
        name: row::text(row, "name")?,
        value: row.get("value")?,
        updated_at: row::time(row, "updated_at")?,
        updated_by: row::json(row, "updated_by")?,
    })
}
