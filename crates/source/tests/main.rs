//! Hosted git against the real git client, over real sockets.

#![expect(clippy::unwrap_used, reason = "what goes wrong in a test fails it")]

mod bounds;
mod checkout;
mod client;
mod fetching;
mod git_program;
mod host;
mod interruption;
mod mirror;
mod pushing;
mod raw;
mod repositories;
