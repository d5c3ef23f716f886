//! What secrets and variables of workflows have in common.

use std::fmt;

use types::{AppName, EnvironmentName};

/// The longest value, in bytes.
pub const MAX_VALUE_BYTES: usize = 48 << 10;

/// Whom they belong to, as the query says it. Without an app it is the project; an environment is one of the app.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scope {
    pub app: Option<AppName>,
    pub environment: Option<EnvironmentName>,
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.app, &self.environment) {
            (None, _) => f.write_str("the project"),
            (Some(app), None) => write!(f, "{app}"),
            (Some(app), Some(environment)) => write!(f, "{app} {environment}"),
        }
    }
}
