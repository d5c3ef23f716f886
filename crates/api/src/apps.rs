use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use types::{AppName, EnvironmentName, Timestamp};
use utoipa::ToSchema;

#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateApp {
    #[schema(value_type = String, example = "shop")]
    pub name: AppName,
    /// The branch whose pushes deploy. Without one: `main`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "main")]
    pub default_branch: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct App {
    #[schema(example = "app_01h2xcejqtf2nbrexx3vqjhp41")]
    pub id: String,
    #[schema(value_type = String, example = "shop")]
    pub name: AppName,
    pub status: AppStatus,
    #[schema(example = "main")]
    pub default_branch: String,
    /// Where to push to. Absent until the app is ready.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "http://127.0.0.1:7070/shop.git")]
    pub git_url: Option<String>,
    /// Where each environment is reached. Empty until the app is ready.
    #[serde(default)]
    #[schema(value_type = BTreeMap<String, String>, example = json!({"dev": "http://shop-dev.localhost:8080"}))]
    pub urls: BTreeMap<EnvironmentName, String>,
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    #[schema(example = "admin")]
    pub created_by: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AppStatus {
    /// Its repository is being made.
    Creating,
    Ready,
    /// What it runs is being stopped and what it has is being removed.
    Deleting,
}

impl AppStatus {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Creating => "creating",
            Self::Ready => "ready",
            Self::Deleting => "deleting",
        }
    }
}
