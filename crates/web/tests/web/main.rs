//! The API as its clients see it: a real control plane, a real socket.
//!
//! No program stands behind the control plane here, so nothing that is deployed comes up: what is tested is how that, too,
//! reaches the client.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod apps;
mod bench;
mod deployments;
mod errors;
mod git;
mod idempotency;
mod openapi;
mod serving;
mod settings;
mod step_logs;
mod tokens;
mod uploads;
mod workflows;
