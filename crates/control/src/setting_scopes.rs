//! Whom a secret or a variable of workflows belongs to, by name.

use std::fmt;

use store::{SettingError, SettingScope};
use types::{AppId, AppName, EnvironmentId, EnvironmentName, SettingName};

use crate::{Control, Error};

/// The most secrets, and the most variables, that each scope may have.
pub(crate) const MAX_SETTINGS: usize = 500;
/// The longest value, as on GitHub.
pub const MAX_SETTING_BYTES: usize = 48 << 10;

/// A scope as users name it. Without an app it is the project's.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ScopeName {
    pub app: Option<AppName>,
    /// Of that app.
    pub environment: Option<EnvironmentName>,
}

impl fmt::Display for ScopeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.app, &self.environment) {
            (None, _) => f.write_str("the project"),
            (Some(app), None) => write!(f, "{app}"),
            (Some(app), Some(environment)) => write!(f, "{environment} of {app}"),
        }
    }
}

impl Control {
    pub(crate) async fn setting_scope(&self, name: &ScopeName) -> Result<SettingScope, Error> {
        Ok(match (&name.app, &name.environment) {
            (None, None) => SettingScope::Project,
            (Some(app), None) => {
                let app = self.app(app).await?;
                SettingScope::App { id: app.id, name: app.name }
            }
            (Some(app), Some(environment)) => {
                SettingScope::Environment(Box::new(self.find_environment(app, environment).await?))
            }
            (None, Some(environment)) => {
                return Err(Error::Invalid {
                    code: "invalid_request",
                    message: format!("of which app is the environment `{environment}`?"),
                    hint: Some("name the app too".to_owned()),
                });
            }
        })
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

/// What can be held against a value, whatever it is for. The value itself is not repeated.
pub(crate) fn check_value(name: &SettingName, value: &str) -> Result<(), Error> {
    let invalid = |code, message: String, hint: &str| {
        Err(Error::Invalid { code, message, hint: Some(hint.to_owned()) })
    };
    if value.len() > MAX_SETTING_BYTES {
        let message = format!(
            "the value of {name} has {} bytes; {MAX_SETTING_BYTES} are the most",
            value.len()
        );
        return invalid("value_too_large", message, "keep what is larger in a file, encrypted");
    }
    if value.contains('\0') {
        let message = format!("the value of {name} has a NUL byte, which no environment can hold");
        return invalid("invalid_value", message, "encode it, for instance with base64");
    }
    Ok(())
}

/// That there is no room is told with what there is too much of.
pub(crate) fn full(what: &str, scope: &ScopeName) -> impl FnOnce(SettingError) -> Error {
    move |error| match error {
        SettingError::Store(error) => error.into(),
        SettingError::Full(most) => Error::Invalid {
            code: "too_many_settings",
            message: format!("{scope} has {most} {what} already, which is the most"),
            hint: Some("unset those that are not needed".to_owned()),
        },
    }
}
