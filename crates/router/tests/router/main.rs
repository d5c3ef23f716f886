//! The router from outside: real processes, real sockets, real instances.

mod bounds;
mod drain;
mod errors;
mod harness;
mod hold;
mod http2;
mod metrics;
mod proxying;
mod replacement;
mod smuggling;
mod split;
mod websocket;
