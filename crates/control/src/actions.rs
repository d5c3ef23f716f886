//! What a step of a job needs besides its box: scripts, files and lines in GitHub's manner, logs without secrets, and the
//! actions that are built in.
//!
//! What it is not: it starts nothing (`deploy::steps` does), decides nothing (`workflow` does), and knows no database. The
//! text-handling parts are pure; those that touch a job's directories do so through [`beneath`] alone.
//!
//! # The invariant
//!
//! A job's directories belong to untrusted code. Whatever is read or written there stays below the directory that was opened,
//! whatever links, devices or pipes somebody has put in the way; the kernel sees to it. Whatever is shown or kept of a
//! step's output has gone through [`masks`].

pub mod archive;
pub mod artifacts;
pub mod beneath;
pub mod cache;
pub mod checkout;
pub mod commands;
pub mod env_files;
pub mod environment;
pub mod inputs;
pub mod javascript;
pub mod job;
pub mod masks;
pub mod scribe;
pub mod shells;
pub mod step_logs;
