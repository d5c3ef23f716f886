use std::collections::BTreeMap;

use store::Variable;
use types::{Actor, AppId, AppName, EnvironmentId, EnvironmentName, SettingName};

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

    /// An environment that is not there yet is none.
    pub(crate) async fn setting_ids(
        &self,
        app: &AppName,
        environment: Option<&EnvironmentName>,
    ) -> Result<(AppId, Option<EnvironmentId>), Error> {
        let app_id = self.app(app).await?.id;
        let Some(environment) = environment else { return Ok((app_id, None)) };
        match self.find_environment(app, environment).await {
            Ok(environment) => Ok((app_id, Some(environment.id))),
            Err(Error::NoEnvironment { .. }) => Ok((app_id, None)),
            Err(error) => Err(error),
        }
    }
}
