//! The path of a request: a worker accepts a connection, `connection` speaks HTTP with the client,
//! `proxy` finds an instance and carries the exchange, `upstream` holds the connections to instances, `tunnel` takes over
//! when both sides switch protocols.
//!
//! Everything here runs on one thread per worker, so sockets and pools are shared by `Rc`, and the time limits of all
//! of them are kept by one `watch` per worker that looks around on a tick, rather than by a timer each.

mod body;
mod connection;
mod pool;
mod proxy;
mod relay;
mod socket;
mod sticky;
mod tunnel;
mod upstream;
mod watch;
pub(crate) mod worker;
