//! Running releases somewhere: what a target promises ([`Driver`]), and the targets that keep it.
//!
//! What this crate is not: it decides nothing. Which instances ought to run, and when one of them gets
//! traffic, is `control`'s; a driver starts, watches and stops what it is told to, and tells what it sees.
//!
//! # The process target
//!
//! [`ProcessDriver`] runs each instance as a process of this machine, under a [`shim`] of its own, in a box
//! ([`boxes`], made by bubblewrap). The shim outlives the server: apps go on while the control plane is away.
//!
//! What an app sees in its box:
//!
//! | path | |
//! |---|---|
//! | `/app` | its tree, writable, private to the instance: what it writes there vanishes with the instance |
//! | `/data` | writable and kept: one directory per app and environment (`$SOLUM_DATA_DIR`) |
//! | `/tmp`, `/dev/shm` | writable, in memory, bounded, gone with every restart of the process |
//! | `/usr`, `/bin`, `/lib`, … | the machine's, read-only |
//! | `/etc` | a selection of the machine's, read-only, with a `passwd` that knows the app's user and no other person |
//! | `/proc`, `/dev` | its own processes, and the harmless devices |
//!
//! What it writes to `/app` and `/data` is bounded by the disk alone: there is no quota.
//!
//! Nothing else of the machine is there: not the data directory, not other apps. A process runs as the app's own
//! unprivileged user, without capabilities, and can never gain any. The network is the machine's: an app reaches what listens
//! on the loopback address, other apps included, and can listen on any port that is free. So an answer at an instance's address
//! counts only when the kernel says that the app's own user listens there ([`Driver::listens_as`]), and a process whose port
//! somebody else has taken gets another one. `docs/isolation.md` has the whole list.
//!
//! Its environment is the bundle's, the app's over it, and over both `PORT` (with a port), `SOLUM_APP`, `SOLUM_ENVIRONMENT`,
//! `SOLUM_PROCESS`, `SOLUM_RELEASE` and `SOLUM_DATA_DIR`. `PATH` and `HOME` (`/app`) are there unless given. Nothing of
//! the server's comes in; the shell adds `PWD`.
//!
//! Where the server does not run as root the box is a user namespace, which is weaker: all apps are then the same
//! user of the machine, and limits of memory and processor are not enforced. `bare` means no box at all.
//!
//! Steps of jobs run in boxes of the same kind, each under a shim that outlives the server as well ([`steps`]).
//!
//! # Failure
//!
//! A driver keeps nothing in memory that it needs: a server that was killed at any point takes up what runs by
//! calling the same methods again. An instance whose shim was killed is gone too, and is reported as
//! [`Exit::Lost`].

pub mod boxes;
pub mod fake;
pub mod shim;
pub mod steps;

mod cgroup;
mod driver;
mod error;
mod lines;
mod logs;
mod observation;
mod process;
mod ready;
mod spec;

pub use driver::{Blobs, Collected, Driver};
pub use error::{Error, PrepareError, StartError};
pub use logs::{
    InvalidLogPosition, LogLine, LogPosition, LogReader, LogStart, Output, OutputStream,
};
pub use observation::{Exit, Observation, Started};
pub use process::{Machine, ProcessConfig, ProcessDriver};
pub use ready::{NotReady, Ready, ReadyBy};
pub use spec::{InstanceSpec, Owner, Restart};
