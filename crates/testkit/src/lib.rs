//! The black-box harness: a real `solum server` in a scratch directory, a real git repository that
//! pushes to it, requests and load through its router, and the proof that nothing is left behind.
//!
//! What this crate is not: it shares no code with the program that it tests. Its HTTP client is its
//! own, it waits on plain threads, and it knows only the command line, the HTTP surface and the files
//! that are promised to users.
//!
//! The invariant: whatever a [`Server`] started is gone when it is dropped, whether the test passed or
//! not; a process that stays behind fails the test. Every wait has a deadline, and an error says
//! what was waited for and what the server wrote meanwhile.

pub mod command;
pub mod http;
pub mod load;
pub mod processes;
mod readme;
mod repository;
mod scratch;
mod server;
mod small_disk;
mod wait;

pub use command::Finished;
pub use http::Response;
pub use load::{Load, LoadPlan, LoadReport};
pub use readme::readme_block;
pub use repository::{Push, Repository};
pub use server::{Server, ServerOptions, Stopper};
pub use small_disk::SmallDisk;
pub use wait::wait_until;
