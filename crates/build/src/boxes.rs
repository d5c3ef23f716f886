//! Where untrusted commands run. This crate says what to run and what it may see; who runs it is passed in, because how
//! a box is made belongs to the target.

use std::collections::BTreeMap;
use std::fmt::{self, Debug};
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use tokio_util::sync::CancellationToken;
use types::Transcript;

/// Runs commands out of a repository as an unprivileged user that sees the system's programs and libraries,
/// an empty `/tmp`, and what the command binds.
#[async_trait]
pub trait Boxes: Debug + Send + Sync {
    /// Runs one command to its end and hands each line of its output (standard output and error alike) to
    /// `transcript`. When this returns, or its future is dropped, no process of the box is left.
    ///
    /// How the command ended, its time limit and cancellation included, is an [`BoxExit`]; an error says that
    /// there was no box to run it in.
    async fn run(
        &self,
        command: &BoxCommand,
        transcript: &dyn Transcript,
        cancel: &CancellationToken,
    ) -> Result<BoxExit, BoxError>;
}

/// What runs in a box, and what it sees there.
#[derive(Clone, PartialEq, Eq)]
pub struct BoxCommand {
    /// User and group to run as.
    pub uid: u32,
    /// For `sh -c`.
    pub script: String,
    /// In this order: a later one may stand inside an earlier one.
    pub binds: Vec<Bind>,
    /// Inside the box.
    pub workdir: PathBuf,
    /// Exactly these variables are set. They may be secret: nothing prints their values.
    pub env: BTreeMap<String, String>,
    /// Without it the command has a loopback interface of its own and nothing else.
    pub network: bool,
    pub timeout: Duration,
}

impl Debug for BoxCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { uid, script, binds, workdir, env, network, timeout } = self;
        f.debug_struct("BoxCommand")
            .field("uid", uid)
            .field("script", script)
            .field("binds", binds)
            .field("workdir", workdir)
            .field("env", &env.keys())
            .field("network", network)
            .field("timeout", timeout)
            .finish()
    }
}

/// A file or directory of the machine, at a place of its own inside a box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bind {
    pub source: PathBuf,
    pub target: PathBuf,
    pub writable: bool,
}

impl Bind {
    #[must_use]
    pub fn read_only(source: impl Into<PathBuf>, target: impl Into<PathBuf>) -> Self {
        Self { source: source.into(), target: target.into(), writable: false }
    }

    #[must_use]
    pub fn writable(source: impl Into<PathBuf>, target: impl Into<PathBuf>) -> Self {
        Self { source: source.into(), target: target.into(), writable: true }
    }
}

/// How a command in a box ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BoxExit {
    Code(i32),
    Signal(i32),
    /// A limit of the box, not of the machine.
    OutOfMemory,
    /// It ran longer than [`BoxCommand::timeout`].
    TimedOut,
    Cancelled,
}

/// There is no box to run the command in.
#[derive(Debug, thiserror::Error)]
#[error("no box could be made for the command: {reason}")]
pub struct BoxError {
    /// For a person: what is missing and how to mend it.
    pub reason: String,
    #[source]
    pub source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_prints_no_values() {
        let command = BoxCommand {
            uid: 1,
            script: "true".to_owned(),
            binds: Vec::new(),
            workdir: "/".into(),
            env: [("TOKEN".to_owned(), "hush".to_owned())].into(),
            network: false,
            timeout: Duration::ZERO,
        };
        let printed = format!("{command:?}");
        assert!(printed.contains("TOKEN") && !printed.contains("hush"), "{printed}");
    }
}
