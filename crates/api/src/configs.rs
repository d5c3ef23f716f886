use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use types::{RunId, VariableName};
use utoipa::ToSchema;

/// Variables with their values. People keep passwords in them, so that the values do not print with `{:?}`.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Variables(pub BTreeMap<VariableName, String>);

impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// The config that an environment has now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Config {
    /// Counts from 1; 0 while nothing was ever set.
    pub revision: u64,
    /// The revision that serves; 0 if it serves without any, absent while nothing serves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub live_revision: Option<u64>,
    #[schema(value_type = BTreeMap<String, String>, example = json!({"LOG_LEVEL": "info"}))]
    pub variables: Variables,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeConfig {
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, String>, example = json!({"LOG_LEVEL": "debug"}))]
    pub set: Variables,
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    pub unset: BTreeSet<VariableName>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConfigChanged {
    pub revision: u64,
    /// The run that deploys it; absent where nothing is deployed yet, or nothing changed.
    #[schema(value_type = Option<String>)]
    pub run_id: Option<RunId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_do_not_print() {
        let change: ChangeConfig =
            serde_json::from_str(r#"{"set": {"PASSWORD": "hunter2"}}"#).unwrap();
        let printed = format!("{change:?}");
        assert!(printed.contains("PASSWORD") && !printed.contains("hunter2"), "{printed}");
    }

    #[test]
    fn a_misspelt_key_is_refused() {
        assert!(serde_json::from_str::<ChangeConfig>(r#"{"sets": {}}"#).is_err());
    }
}
