use serde::{Deserialize, Serialize};
use types::Timestamp;
use utoipa::ToSchema;

/// Files that a run's workflow keeps with `actions/upload-artifact`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct RunArtifact {
    #[schema(example = "coverage")]
    pub name: String,
    pub files: u64,
    /// Of the files, unpacked.
    pub bytes: u64,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// It is removed then.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
}
