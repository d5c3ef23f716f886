//! Secrets and variables of workflows.

use types::SettingName;

use super::request::Call;
use super::{Client, Error};
use crate::paths;
use crate::secrets::{Secret, SetSecret};
use crate::settings::Scope;
use crate::variables::{SetVariable, Variable};

impl Client {
    /// Of this scope alone.
    pub fn secrets(&self, scope: &Scope) -> Result<Vec<Secret>, Error> {
        self.list(paths::SECRETS, &query(scope), None)
    }

    pub fn set_secret(
        &self,
        scope: &Scope,
        name: &SettingName,
        value: &SetSecret,
    ) -> Result<Secret, Error> {
        self.submit(&within(scope, Call::put(&paths::secret(name))), value)
    }

    pub fn unset_secret(&self, scope: &Scope, name: &SettingName) -> Result<(), Error> {
        self.send(&within(scope, Call::delete(&paths::secret(name))), None).map(drop)
    }

    /// Of this scope alone.
    pub fn variables(&self, scope: &Scope) -> Result<Vec<Variable>, Error> {
        self.list(paths::VARIABLES, &query(scope), None)
    }

    pub fn set_variable(
        &self,
        scope: &Scope,
        name: &SettingName,
        value: &SetVariable,
    ) -> Result<Variable, Error> {
        self.submit(&within(scope, Call::put(&paths::variable(name))), value)
    }

    pub fn unset_variable(&self, scope: &Scope, name: &SettingName) -> Result<(), Error> {
        self.send(&within(scope, Call::delete(&paths::variable(name))), None).map(drop)
    }
}

fn query(scope: &Scope) -> [(&'static str, Option<String>); 2] {
    let environment = scope.environment.as_ref().map(ToString::to_string);
    [("app", scope.app.as_ref().map(ToString::to_string)), ("environment", environment)]
}

fn within<'a>(scope: &Scope, call: Call<'a>) -> Call<'a> {
    query(scope).into_iter().fold(call, |call, (name, value)| call.query(name, value))
}
