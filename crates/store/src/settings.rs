//! What secrets and variables of workflows have in common: whom they belong to, and how they are kept.

use rusqlite::types::Value;
use rusqlite::{Row, ToSql, params, params_from_iter};
use types::{Actor, AppId, AppName, EnvironmentId, SettingName};

use crate::environments::Environment;
use crate::events::NewEvent;
use crate::row::{self, to_json};
use crate::{Error, Store};

/// Whom a secret or a variable belongs to. The nearer wins: an environment's over its app's over the project's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettingScope {
    Project,
    App { id: AppId, name: AppName },
    Environment(Box<Environment>),
}

#[derive(Debug, thiserror::Error)]
pub enum SettingError {
    #[error("there are {0} already, which is the most")]
    Full(usize),
    #[error(transparent)]
    Store(#[from] Error),
}

impl SettingScope {
    #[must_use]
    pub fn ids(&self) -> (Option<AppId>, Option<EnvironmentId>) {
        match self {
            Self::Project => (None, None),
            Self::App { id, .. } => (Some(*id), None),
            Self::Environment(environment) => (Some(environment.app_id), Some(environment.id)),
        }
    }

    /// As the columns `app_id` and `environment_id` have it.
    pub(crate) fn columns(&self) -> (Option<String>, Option<String>) {
        let (app, environment) = self.ids();
        (app.map(|id| id.to_string()), environment.map(|id| id.to_string()))
    }

    /// Who and what, never the value.
    pub(crate) fn tell(&self, event: NewEvent, name: &SettingName) -> NewEvent {
        let event = event.subject(name);
        match self {
            Self::Project => event,
            Self::App { name, .. } => event.app(name),
            Self::Environment(environment) => event.environment(environment),
        }
    }
}

/// What secrets and variables are to the database: rows of a table, each with a name in a scope.
pub(crate) trait Setting: Sized + Send + 'static {
    const TABLE: &'static str;
    /// For errors.
    const NOUN: &'static str;
    /// The kinds of its events.
    const SET: &'static str;
    const UNSET: &'static str;
    /// Where the value stands.
    const COLUMNS: &'static [&'static str];

    fn read(row: &Row<'_>) -> row::Result<Self>;
}

impl Store {
    /// Takes the place of one that has the name there. Another one is refused where there are `most`.
    pub(crate) async fn set_setting<T: Setting, const N: usize>(
        &self,
        scope: SettingScope,
        name: SettingName,
        value: [Value; N],
        most: usize,
        actor: Actor,
    ) -> Result<T, SettingError> {
        self.write(move |write| {
            let (app, environment) = scope.columns();
            let others: usize = write
                .sql
                .prepare_cached(&format!(
                    "SELECT count(*) FROM {} WHERE app_id IS ?1 AND environment_id IS ?2 AND name <> ?3",
                    T::TABLE
                ))
                .and_then(|mut count| {
                    count.query_row(params![app, environment, name.as_str()], |row| row.get(0))
                })
                .map_err(Error::from)?;
            if others >= most {
                return Err(SettingError::Full(most));
            }
            let (at, by) = (write.now.as_microsecond(), to_json(&actor));
            let values: [&dyn ToSql; 5] = [&app, &environment, &name.as_str(), &at, &by];
            let values = values.into_iter().chain(value.iter().map(|one| one as &dyn ToSql));
            let set = write
                .sql
                .prepare_cached(&upsert::<T>())
                .and_then(|mut upsert| upsert.query_row(params_from_iter(values), T::read))
                .map_err(Error::from)?;
            write.event(&scope.tell(NewEvent::new(T::SET, &actor), &name))?;
            Ok(set)
        })
        .await
    }

    pub(crate) async fn unset_setting<T: Setting>(
        &self,
        scope: SettingScope,
        name: SettingName,
        actor: Actor,
    ) -> Result<(), Error> {
        self.write(move |write| {
            let (app, environment) = scope.columns();
            let removed = write
                .sql
                .prepare_cached(&format!(
                    "DELETE FROM {} WHERE app_id IS ?1 AND environment_id IS ?2 AND name = ?3",
                    T::TABLE
                ))?
                .execute(params![app, environment, name.as_str()])?;
            if removed == 0 {
                return Err(Error::not_found(format!("{} {name}", T::NOUN)));
            }
            write.event(&scope.tell(NewEvent::new(T::UNSET, &actor), &name))
        })
        .await
    }

    /// Of this scope alone, by name.
    pub(crate) async fn settings<T: Setting>(&self, scope: SettingScope) -> Result<Vec<T>, Error> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(&format!(
                "SELECT * FROM {} WHERE app_id IS ?1 AND environment_id IS ?2 ORDER BY name",
                T::TABLE
            ))?;
            let settings = statement.query_map(scope.columns(), T::read)?;
            Ok(settings.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// What is valid there, the nearer after the farther: the project's, the app's, the environment's.
    pub(crate) async fn settings_for<T: Setting>(
        &self,
        app: AppId,
        environment: Option<EnvironmentId>,
    ) -> Result<Vec<T>, Error> {
        self.read(move |connection| {
            let mut statement = connection.prepare_cached(&format!(
                "SELECT * FROM {}
                 WHERE app_id IS NULL OR (app_id = ?1 AND (environment_id IS NULL OR environment_id = ?2))
                 ORDER BY app_id IS NOT NULL, environment_id IS NOT NULL, name",
                T::TABLE
            ))?;
            let environment = environment.map(|environment| environment.to_string());
            let settings = statement.query_map(params![app.to_string(), environment], T::read)?;
            Ok(settings.collect::<Result<_, _>>()?)
        })
        .await
    }
}

/// Parameters 1 to 5 are what all settings have, those after them the columns of the value.
fn upsert<T: Setting>() -> String {
    let columns = T::COLUMNS.join(", ");
    let places: Vec<String> =
        (0..T::COLUMNS.len()).map(|index| format!("?{}", index + 6)).collect();
    let replaced: Vec<String> =
        T::COLUMNS.iter().map(|column| format!("{column} = excluded.{column}")).collect();
    format!(
        "INSERT INTO {} (app_id, environment_id, name, updated_at, updated_by, {columns})
         VALUES (?1, ?2, ?3, ?4, ?5, {})
         ON CONFLICT (ifnull(app_id, ''), ifnull(environment_id, ''), name)
         DO UPDATE SET updated_at = excluded.updated_at, updated_by = excluded.updated_by, {}
         RETURNING *",
        T::TABLE,
        places.join(", "),
        replaced.join(", ")
    )
}
