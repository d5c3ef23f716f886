//! The router from outside: real processes, real sockets, real instances.

#![expect(clippy::unwrap_used, reason = "a test that meets the unexpected has failed")]

mod bounds;
mod drain;
mod errors;
mod harness;
mod hold;
mod http2;
mod metrics;
mod owners;
mod proxying;
mod replacement;
mod smuggling;
mod split;
mod websocket;
