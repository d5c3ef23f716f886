use std::collections::BTreeMap;

use store::Variable;
use types::{Actor, AppName, EnvironmentName, SettingName};

use crate::setting_scopes::{MAX_SETTINGS, ScopeName, check_value, full};
use crate::{Control, Error};

impl Control {
    /// Of this scope alone, by name.
    pub async fn variables(&self, scope: &ScopeName) -> Result<Vec<Variable>, Error> {
        let scope = self.setting_scope(scope).await?;
        Ok(self.inner.store.variables(scope).await?)
    }

    pub async fn set_variable(
        &self,
        scope: &ScopeName,
        name: SettingName,
        value: String,
        actor: &Actor,
    ) -> Result<Variable, Error> {
        check_value(&name, &value)?;
        let found = self.setting_scope(scope).await?;
        let set = self.inner.store.set_variable(found, name, value, MAX_SETTINGS, actor.clone());
        set.await.map_err(full("variables", scope))
    }

    pub async fn unset_variable(
        &self,
        scope: &ScopeName,
        name: SettingName,
        actor: &Actor,
    ) -> Result<(), Error> {
        let found = self.setting_scope(scope).await?;
        Ok(self.inner.store.unset_variable(found, name, actor.clone()).await?)
    }

    /// What a run of this app reads under `vars`: the environment's, the app's, the project's, the nearer instead of the
    /// farther. Variables are no secrets: every run gets them.
    pub async fn variables_for(
        &self,
        app: &AppName,
        environment: Option<&EnvironmentName>,
    ) -> Result<BTreeMap<String, String>, Error> {
        let (app, environment) = self.setting_ids(app, environment).await?;
        let variables = self.inner.store.variables_for(app, environment).await?;
        Ok(variables.into_iter().map(|one| (one.name.into(), one.value)).collect())
    }
}
