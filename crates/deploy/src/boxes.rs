//! Boxes: one command, cut off from the rest of the machine by bubblewrap.
//!
//! A box is described by a [`BoxSpec`] and made by [`Boxes`], which knows what this machine offers. The
//! process target runs apps in boxes, and `control` passes them on for builds and tests.
//!
//! As root, bubblewrap makes the namespaces and keeps only the three capabilities that `setpriv` then needs to
//! become the app's user and to give up everything else, these three included. Otherwise the box is a user
//! namespace, and the command runs as the user that the server runs as.
//!
//! # What keeps secrets and privileges apart
//!
//! The environment of a box reaches it last, through a socket, when the shell that waits for it in the box has no
//! privileges any more. No command line shows it, and a variable like `LD_PRELOAD` never has a say in a process that is
//! still privileged. It is also the last sign of life that a box needs: if whoever makes it dies before, nothing runs.
//!
//! # The end
//!
//! The box's processes are a process namespace of their own: when its first process ends, the kernel kills all others
//! before anybody is told. A box also dies when the thread that made it does.

mod child;
mod command_line;
mod detect;
mod etc;
mod ground;
pub(crate) mod processes;
mod run;

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use types::{Limits, Timestamp};

use crate::cgroup::Cgroups;
use etc::Etc;
use ground::Ground;

pub(crate) use child::{Child, Ended, Outputs};
pub use command_line::CommandLine;
pub use detect::Unavailable;

/// What runs in a box, and what it sees.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoxSpec {
    /// The user, and the group of the same number, that the command becomes, where the server is root. Never 0.
    pub uid: u32,
    /// The program, looked up in the `PATH` of `env`, and its arguments.
    pub command: Vec<String>,
    /// All of the command's environment. Holds secrets: nothing here ever prints a value.
    pub env: BTreeMap<String, String>,
    /// Inside the box.
    pub workdir: PathBuf,
    /// Parts of the machine's file system, mounted in this order over what every box has.
    pub binds: Vec<Bind>,
    /// Whether it has the machine's network, or none but a loopback device of its own.
    pub network: bool,
    pub limits: Limits,
    pub priority: Priority,
    /// How large `/tmp` and `/dev/shm` may grow, each. They lie in memory and count for its limit. A bind on `/tmp` lies over it.
    pub tmp_bytes: u64,
}

impl BoxSpec {
    pub const DEFAULT_TMP_BYTES: u64 = 512 * 1024 * 1024;
}

impl fmt::Debug for BoxSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoxSpec")
            .field("uid", &self.uid)
            .field("command", &self.command)
            .field("env", &self.env.keys())
            .field("workdir", &self.workdir)
            .field("binds", &self.binds)
            .field("network", &self.network)
            .field("limits", &self.limits)
            .field("priority", &self.priority)
            .field("tmp_bytes", &self.tmp_bytes)
            .finish()
    }
}

/// A file or directory of the machine that a box sees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bind {
    pub source: PathBuf,
    pub target: PathBuf,
    pub writable: bool,
}

/// Who goes first when processor or disk are short.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    App,
    /// Behind every app: nice 15, and with it the lowest best-effort I/O priority, a fifth of an app's processor weight.
    Build,
}

/// How far commands are kept apart from the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Isolation {
    /// Namespaces made by root; each command runs as the user of its spec.
    Root,
    /// A user namespace; every command runs as the server's user, whatever its spec says.
    User { uid: u32, gid: u32 },
    /// Nothing but, where the server is root, the user and the lack of privileges. Binds mean nothing: the command
    /// sees the machine's file system, and its working directory is where that of its spec would come from.
    Bare { root: bool },
}

/// Makes boxes, the way this machine allows. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Boxes {
    isolation: Isolation,
    cgroups: Option<Cgroups>,
    ground: Ground,
    etc: Etc,
}

/// Why a command did not run in a box, or not to its end.
#[derive(Debug, thiserror::Error)]
pub enum BoxError {
    #[error(transparent)]
    Unavailable(#[from] Unavailable),
    /// The text says of which part.
    #[error("a box cannot be described: {0}")]
    Invalid(String),
    #[error("cannot make a box: {doing}")]
    Make {
        doing: &'static str,
        #[source]
        source: io::Error,
    },
    #[error("killed after {0:?}, the time it had")]
    TimedOut(Duration),
    #[error("cancelled")]
    Cancelled,
}

impl Boxes {
    /// How far commands are kept apart.
    #[must_use]
    pub fn isolation(&self) -> Isolation {
        self.isolation
    }

    /// Whether memory, processor and process limits are enforced for each box by itself.
    #[must_use]
    pub fn enforces_limits(&self) -> bool {
        self.cgroups.is_some()
    }

    /// Where a command finds what a spec shows at `path`: there, but for bare ones.
    #[must_use]
    pub fn seen(&self, binds: &[Bind], path: &Path) -> PathBuf {
        if !matches!(self.isolation, Isolation::Bare { .. }) {
            return path.to_owned();
        }
        binds
            .iter()
            .rev()
            .find_map(|bind| Some((bind, path.strip_prefix(&bind.target).ok()?)))
            .map(|(bind, rest)| match rest.as_os_str().is_empty() {
                true => bind.source.clone(),
                false => bind.source.join(rest),
            })
            .unwrap_or_else(|| path.to_owned())
    }

    /// Removes what boxes that have ended needed of the disk.
    pub(crate) fn sweep(&self, now: Timestamp) -> io::Result<()> {
        self.etc.sweep(now)
    }

    pub(crate) fn cgroups(&self) -> Option<&Cgroups> {
        self.cgroups.as_ref()
    }
}
