//! The wire contract of Solum's HTTP API: what is sent and answered, under which paths, with which error
//! codes; and, with the feature `client`, a typed client.
//!
//! What this crate is not: it maps nothing to a status code (the `web` crate does) and knows no row and no
//! domain struct. Its structs exist to be read from JSON and written as JSON.
//!
//! The invariant: what is here only grows. A field is added as optional, a word is added to an enum together with a
//! reader that knows it, an [`ErrorCode`] keeps its meaning. Times are RFC 3339 in UTC, names are `snake_case`.

pub mod approvals;
pub mod apps;
pub mod built_in_workflows;
#[cfg(feature = "client")]
pub mod client;
pub mod configs;
pub mod deployments;
pub mod environments;
pub mod error_code;
pub mod events;
pub mod exec;
pub mod instances;
pub mod logs;
pub mod page;
pub mod paths;
pub mod problem;
pub mod promotions;
pub mod releases;
pub mod run_artifacts;
pub mod runs;
mod secret;
pub mod secrets;
pub mod server_events;
pub mod settings;
pub mod step_logs;
pub mod tokens;
pub mod uploads;
pub mod variables;
pub mod workflow_checks;
pub mod workflow_plans;
pub mod workflow_simulations;
pub mod workflows;

pub use error_code::ErrorCode;
pub use page::Page;
pub use problem::{FieldError, Problem};
pub use releases::ReleaseVersion;

/// Header of every answer: the id to quote when asking for help.
pub const REQUEST_ID_HEADER: &str = "x-request-id";
/// Header of every POST: the same key is carried out once, and answered the same each time.
pub const IDEMPOTENCY_KEY_HEADER: &str = "idempotency-key";
/// The longest key that is taken, in bytes.
pub const MAX_IDEMPOTENCY_KEY_BYTES: usize = 200;
