use serde::{Deserialize, Serialize};
use types::EnvironmentName;
use utoipa::ToSchema;

/// What to bring from one environment into others. What is left out is inferred from the order of the environments.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Promote {
    /// Whose release. Else that of the environment that `to` is after.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "dev")]
    pub from: Option<EnvironmentName>,
    /// Else those that are after `from`; without either, the one place where an environment lacks what the one before it serves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<String>, example = json!(["stage"]), max_items = 50)]
    pub to: Vec<EnvironmentName>,
}
