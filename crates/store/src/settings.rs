//! What secrets and variables of workflows have in common: whom they belong to.

use rusqlite::Connection;
use types::{AppId, AppName, EnvironmentId, SettingName};

use crate::Error;
use crate::environments::Environment;
use crate::events::NewEvent;

/// Whom a secret or a variable belongs to. The nearer wins: an environment's over its app's over the project's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SettingScope {
    Project,
    App { id: AppId, name: AppName },
    Environment(Environment),
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

/// Refuses another one where there are `most`.
pub(crate) fn check_room(
    connection: &Connection,
    count: &'static str,
    scope: &SettingScope,
    most: usize,
) -> Result<(), SettingError> {
    let there: usize = connection
        .prepare_cached(count)
        .and_then(|mut statement| statement.query_row(scope.columns(), |row| row.get(0)))
        .map_err(Error::from)?;
    if there >= most { Err(SettingError::Full(most)) } else { Ok(()) }
}
