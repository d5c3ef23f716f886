use serde::{Deserialize, Serialize};
use types::{AppName, Digest, Timestamp, UploadId};
use utoipa::ToSchema;

/// A bundle on its way in from somebody else's build.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Upload {
    #[schema(value_type = String)]
    pub id: UploadId,
    #[schema(value_type = String, example = "shop")]
    pub app: AppName,
    pub status: UploadStatus,
    /// What to deploy, once ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub artifact: Option<Digest>,
    /// Why it failed, and what to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UploadStatus {
    /// All of it has arrived; it is being read, checked and stored.
    Importing,
    Ready,
    Failed,
}

/// What a bundle's body is.
pub const UPLOAD_MEDIA_TYPE: &str = "application/gzip";
