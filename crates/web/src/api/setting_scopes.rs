//! Whom a secret or a variable belongs to, in a query.

use control::ScopeName;
use serde::Deserialize;
use types::{AppName, EnvironmentName};
use utoipa::IntoParams;

use crate::cursor::Paging;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Scope {
    /// Of this app; else of the project.
    #[param(value_type = Option<String>)]
    app: Option<AppName>,
    /// Of this environment of the app.
    #[param(value_type = Option<String>)]
    environment: Option<EnvironmentName>,
}

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct PartOfScope {
    /// Of this app; else of the project.
    #[param(value_type = Option<String>)]
    app: Option<AppName>,
    /// Of this environment of the app.
    #[param(value_type = Option<String>)]
    environment: Option<EnvironmentName>,
    /// How many items; 50 if not said.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// The `next_cursor` of the part before.
    cursor: Option<String>,
}

impl From<Scope> for ScopeName {
    fn from(scope: Scope) -> Self {
        Self { app: scope.app, environment: scope.environment }
    }
}

impl PartOfScope {
    pub(crate) fn split(self) -> (ScopeName, Paging) {
        let scope = ScopeName { app: self.app, environment: self.environment };
        (scope, Paging { limit: self.limit, cursor: self.cursor })
    }
}
