use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Give it as `cursor` to get the next part; absent from the last one. What it says inside is nobody's
    /// business but the server's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

/// How many items a page has when the request does not say.
pub const DEFAULT_LIMIT: u32 = 50;
/// How many a request may ask for.
pub const MAX_LIMIT: u32 = 200;
