use serde::{Deserialize, Serialize};
use types::{SettingName, Timestamp};
use utoipa::ToSchema;

/// What workflows read under `vars`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Variable {
    /// In capitals.
    #[schema(value_type = String, example = "REGION")]
    pub name: SettingName,
    #[schema(example = "eu-central")]
    pub value: String,
    #[schema(value_type = String, format = DateTime)]
    pub updated_at: Timestamp,
    pub updated_by: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetVariable {
    /// 49152 bytes at most.
    #[schema(example = "eu-central")]
    pub value: String,
}
