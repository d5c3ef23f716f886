use serde::{Deserialize, Serialize};
use types::{EnvironmentName, InstanceId, Timestamp};
use utoipa::ToSchema;

/// One line that an instance wrote.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogLine {
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    #[schema(value_type = String, example = "dev")]
    pub environment: EnvironmentName,
    /// The process and its number.
    #[schema(example = "web.1")]
    pub instance: String,
    #[schema(value_type = String)]
    pub instance_id: InstanceId,
    pub stream: Stream,
    /// Without its newline; what is not UTF-8 is replaced.
    pub text: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stream {
    Stdout,
    Stderr,
}

/// How many lines are shown when the request does not say.
pub const DEFAULT_LINES: u32 = 100;
/// How many a request may ask for.
pub const MAX_LINES: u32 = 10_000;
