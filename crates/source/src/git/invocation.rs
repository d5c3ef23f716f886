//! One run of git, from its arguments to its exit.
//!
//! The invariant: a git that was started ends. It leads a process group of its own, and dropping what
//! holds it sends the group SIGTERM, upon which git removes its temporary files.

use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process_group, prlimit};
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};

use super::Git;
use crate::Error;

/// What is kept of standard output where an answer is expected to be short.
const OUTPUT_BOUND: u64 = 4 << 20;
/// What is kept of standard error; it is read to its end in any case.
const STDERR_BOUND: usize = 4 << 10;
/// How long git may take to clean up after SIGTERM.
const GRACE: Duration = Duration::from_secs(3);

/// Git's arguments and surroundings.
pub(crate) struct Invocation {
    command: Command,
    what: &'static str,
    timeout: Duration,
    limit: Option<(Resource, u64)>,
}

/// How a run ended, whatever its exit status.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: String,
}

impl Invocation {
    pub(super) fn new(git: &Git, what: &'static str, configuration: &Path) -> Self {
        let mut command = Command::new(git.program());
        surround(&mut command, git, configuration);
        Self { command, what, timeout: git.config().timeout, limit: None }
    }

    /// The same under `nice`, for what can wait.
    pub(crate) fn nice(git: &Git, what: &'static str, configuration: &Path) -> Self {
        let mut command = Command::new("nice");
        surround(&mut command, git, configuration);
        command.args(["-n", "10"]).arg(git.program());
        Self { command, what, timeout: git.config().long_timeout, limit: None }
    }

    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    pub(crate) fn args(mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.command.args(args);
        self
    }

    pub(crate) fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// A ceiling for each of its processes, which it runs into as setrlimit(2) says.
    pub(crate) fn limit(mut self, resource: Resource, ceiling: u64) -> Self {
        self.limit = Some((resource, ceiling));
        self
    }

    pub(crate) fn within(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Starts it with all three streams as pipes.
    pub(crate) fn start(mut self) -> Result<Running, Error> {
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = self
            .command
            .spawn()
            .map_err(|source| Error::GitNotStarted { what: self.what, source })?;
        let group = child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?));
        if let (Some(group), Some((resource, ceiling))) = (group, self.limit) {
            // It has hardly begun; whatever it starts later inherits the limit. It may have ended already.
            let limit = Rlimit { current: Some(ceiling), maximum: Some(ceiling) };
            let _ = prlimit(Some(group), resource, limit);
        }
        Ok(Running { child, group, what: self.what })
    }

    /// Runs it to its end and keeps what it said.
    pub(crate) async fn output(self) -> Result<Output, Error> {
        let (what, timeout) = (self.what, self.timeout);
        let mut running = self.start()?;
        let (stdin, stdout, stderr) = running.streams();
        drop(stdin);
        let work = async {
            let (stdout, stderr) = tokio::join!(read_bounded(stdout), read_stderr(stderr));
            Ok::<_, io::Error>(Output { stdout: stdout?, stderr, status: running.wait().await? })
        };
        match tokio::time::timeout(timeout, work).await {
            Ok(Ok(output)) => Ok(output),
            Ok(Err(source)) => Err(Error::GitNotStarted { what, source }),
            Err(_) => {
                running.stop().await;
                Err(Error::GitTimedOut { what, after: timeout })
            }
        }
    }

    /// Its standard output after it has exited with 0.
    pub(crate) async fn text(self) -> Result<String, Error> {
        let what = self.what;
        let output = self.output().await?;
        if !output.status.success() {
            return Err(failed(what, &output));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

/// The error for a run whose exit status was not foreseen.
pub(crate) fn failed(what: &'static str, output: &Output) -> Error {
    Error::GitFailed { what, status: output.status, stderr: output.stderr.trim_end().to_owned() }
}

fn surround(command: &mut Command, git: &Git, configuration: &Path) {
    command
        .env_clear()
        .env("PATH", &git.config().search_path)
        .env("HOME", "/nonexistent")
        .env("LC_ALL", "C")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", configuration)
        .env("GIT_TERMINAL_PROMPT", "0")
        .process_group(0);
}

/// A git at work.
pub(crate) struct Running {
    child: Child,
    group: Option<Pid>,
    what: &'static str,
}

impl Running {
    /// Takes its streams; they can be taken once.
    pub(crate) fn streams(&mut self) -> (ChildStdin, ChildStdout, ChildStderr) {
        (
            self.child.stdin.take().expect("stdin is piped and taken once"),
            self.child.stdout.take().expect("stdout is piped and taken once"),
            self.child.stderr.take().expect("stderr is piped and taken once"),
        )
    }

    pub(crate) async fn wait(&mut self) -> io::Result<ExitStatus> {
        let status = self.child.wait().await?;
        self.group = None;
        Ok(status)
    }

    /// Asks it to end, insists after a while, and waits for it.
    pub(crate) async fn stop(&mut self) {
        self.signal(Signal::TERM);
        if tokio::time::timeout(GRACE, self.child.wait()).await.is_err() {
            self.signal(Signal::KILL);
            if let Err(error) = self.child.wait().await {
                tracing::warn!(what = self.what, %error, "git could not be waited for");
            }
        }
        self.group = None;
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = self.group {
            // It may have ended meanwhile, which is what was wanted.
            let _ = kill_process_group(group, signal);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Tokio reaps it; `group` is gone once it was waited for, so that no other process is meant.
        self.signal(Signal::TERM);
    }
}

async fn read_bounded(stdout: ChildStdout) -> io::Result<Vec<u8>> {
    let mut kept = Vec::new();
    stdout.take(OUTPUT_BOUND + 1).read_to_end(&mut kept).await?;
    if kept.len() as u64 > OUTPUT_BOUND {
        return Err(io::Error::other("it printed more than is read of it"));
    }
    Ok(kept)
}

/// The beginning of what it says, with the rest read and dropped so that it never blocks.
pub(crate) async fn read_stderr(mut stderr: impl AsyncRead + Unpin) -> String {
    let mut kept = Vec::new();
    let mut chunk = [0; 4096];
    while let Ok(read @ 1..) = stderr.read(&mut chunk).await {
        let room = STDERR_BOUND.saturating_sub(kept.len());
        kept.extend_from_slice(&chunk[..read.min(room)]);
    }
    String::from_utf8_lossy(&kept).into_owned()
}
