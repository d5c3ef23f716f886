use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A workflow that Solum brings: it is what an event does where no file of the repository names that event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BuiltInWorkflow {
    #[schema(example = "deliver")]
    pub name: String,
    #[schema(example = "push")]
    pub event: String,
    /// The file, word for word.
    pub text: String,
}
