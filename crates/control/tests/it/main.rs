//! Tests of what needs no server.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod broken_scenarios;
mod documentation;
mod scenarios;
