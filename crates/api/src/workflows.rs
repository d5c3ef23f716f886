use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// A workflow file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Workflow {
    /// Its name in the folder of the workflows.
    #[schema(example = "deliver.yml")]
    pub file: String,
    /// What it calls itself, else its path.
    pub name: String,
    /// What starts it: `push`, `workflow_dispatch`, …
    #[serde(default)]
    pub events: Vec<String>,
    /// What it asks for when it is started by hand.
    #[serde(default)]
    pub inputs: Vec<WorkflowInput>,
    /// What is wrong with it, each with its place. Such a workflow does not run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mistakes: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WorkflowInput {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    pub required: bool,
    /// `string`, `boolean`, `number`, `choice` or `environment`.
    #[serde(rename = "type")]
    #[schema(example = "string")]
    pub kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// Of a choice.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
}

/// Starts a workflow by hand.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Dispatch {
    /// A branch or a tag; the deploy branch if there is none.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    #[schema(example = "main")]
    pub reference: Option<String>,
    /// By name: texts, numbers, `true` and `false`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = Object)]
    pub inputs: BTreeMap<String, Value>,
}

/// A word from outside, for workflows on `repository_dispatch`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RepositoryDispatch {
    /// What workflows filter by: their `types`.
    #[schema(example = "nightly")]
    pub event_type: String,
    /// What they read as `github.event.client_payload`.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[schema(value_type = Object)]
    pub client_payload: Map<String, Value>,
}

/// What a word from outside has started.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Dispatched {
    /// None where no workflow waits for this word.
    pub runs: Vec<crate::runs::Run>,
}
