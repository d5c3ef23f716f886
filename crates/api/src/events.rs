use serde::{Deserialize, Serialize};
use types::{AppName, EnvironmentName, EventId, Timestamp};
use utoipa::ToSchema;

/// What happened, who did it, when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Event {
    #[schema(value_type = String)]
    pub id: EventId,
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    #[schema(example = "deployment.succeeded")]
    pub kind: String,
    pub actor: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub app: Option<AppName>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub environment: Option<EnvironmentName>,
    /// What it happened to: `v3`, `run_…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "v3")]
    pub subject: Option<String>,
    /// What else belongs to an event of this kind.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub detail: serde_json::Value,
}
