//! The server's side of the program: where the parts are put together.
//!
//! One server works in one data directory, and holds a lock on it. Stopping it leaves apps and router as they are.

pub(crate) mod addresses;
pub(crate) mod build_environment;
pub(crate) mod data_directory;
pub(crate) mod logging;
pub(crate) mod router;
pub(crate) mod serve;
pub(crate) mod stop;
