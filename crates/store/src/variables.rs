use jiff::Timestamp;
use rusqlite::Row;
use types::{Actor, AppId, EnvironmentId, SettingName};

use crate::row;
use crate::settings::{Setting, SettingError, SettingScope};
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
        self.set_setting(scope, name, [value.into()], most, actor).await
    }

    pub async fn unset_variable(
        &self,
        scope: SettingScope,
        name: SettingName,
        actor: Actor,
    ) -> Result<(), Error> {
        self.unset_setting::<Variable>(scope, name, actor).await
    }

    /// Of this scope alone, by name.
    pub async fn variables(&self, scope: SettingScope) -> Result<Vec<Variable>, Error> {
        self.settings(scope).await
    }

    /// What is valid there, the nearer after the farther: the project's, the app's, the environment's.
    pub async fn variables_for(
        &self,
        app: AppId,
        environment: Option<EnvironmentId>,
    ) -> Result<Vec<Variable>, Error> {
        self.settings_for(app, environment).await
    }
}

impl Setting for Variable {
    const TABLE: &'static str = "variables";
    const NOUN: &'static str = "variable";
    const SET: &'static str = "variable.set";
    const UNSET: &'static str = "variable.unset";
    const COLUMNS: &'static [&'static str] = &["value"];

    fn read(row: &Row<'_>) -> row::Result<Self> {
        Ok(Variable {
            app: row::optional_text(row, "app_id")?,
            environment: row::optional_text(row, "environment_id")?,
            name: row::text(row, "name")?,
            value: row.get("value")?,
            updated_at: row::time(row, "updated_at")?,
            updated_by: row::json(row, "updated_by")?,
        })
    }
}
