use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use types::AppName;
use utoipa::ToSchema;

/// Files by their paths from the root of the repository; null for a path without a file.
pub type SentFiles = BTreeMap<String, Option<String>>;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckWorkflow {
    /// The path of the workflow; the file is one of `files`.
    #[schema(example = ".solum/workflows/deliver.yml")]
    pub workflow: String,
    /// Files by their paths from the root of the repository; null for a path without a file.
    pub files: SentFiles,
    /// Whose secrets the workflow would read: it is warned of those that are not set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "shop")]
    pub app: Option<AppName>,
}

/// What is wrong with a workflow. Without `wanted` and `mistakes`, it is good.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WorkflowCheck {
    /// Files that it leads to and that were not sent. Send the same with them, or with null for those that there are not:
    /// nothing else is answered before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wanted: Vec<String>,
    /// What it calls itself, if it is good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    pub mistakes: Vec<FileMistake>,
    /// How many there are beside those that are listed.
    #[serde(default)]
    pub more_mistakes: usize,
    /// What runs, and surely not as it was meant.
    pub warnings: Vec<FileMistake>,
}

/// Something wrong in a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FileMistake {
    #[schema(example = ".solum/workflows/deliver.yml")]
    pub file: String,
    /// From 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// From 1, in characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<usize>,
    #[schema(example = "unknown key 'run-on'; did you mean 'runs-on'?")]
    pub message: String,
}
