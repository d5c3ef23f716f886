//! The real git client, with a working tree and a configuration of its own.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};
use types::CommitId;

pub(crate) struct Client {
    directory: tempfile::TempDir,
}

/// What a command said, and whether it went well.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) success: bool,
    pub(crate) stdout: String,
    /// Without the padding by which git overwrites its progress.
    pub(crate) stderr: String,
}

impl Said {
    #[track_caller]
    pub(crate) fn ok(self) -> Self {
        assert!(self.success, "{self:?}");
        self
    }

    #[track_caller]
    pub(crate) fn fails(self) -> Self {
        assert!(!self.success, "{self:?}");
        self
    }

    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "no {text:?} in {self:?}");
        self
    }
}

impl Client {
    pub(crate) fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    /// A repository with the first commit of an app, and a remote called `solum`.
    pub(crate) async fn with_app(url: &str) -> Self {
        let client = Self::new();
        client.git(&["init", "--quiet", "--initial-branch=main", "."]).await.ok();
        client.git(&["remote", "add", "solum", url]).await.ok();
        client.commit("app.py", "print('one')\n").await;
        client
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("git");
        command
            .current_dir(self.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", "/nonexistent")
            .env("LC_ALL", "C")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_TERMINAL_PROMPT", "0")
            .args(["-c", "user.name=Ann", "-c", "user.email=ann@example.org"])
            .args(["-c", "protocol.file.allow=always"])
            .args(args)
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    pub(crate) async fn git(&self, args: &[&str]) -> Said {
        self.run(self.command(args)).await
    }

    pub(crate) async fn run(&self, mut command: Command) -> Said {
        let output = tokio::time::timeout(Duration::from_secs(60), command.output());
        let output = output.await.expect("git ends").unwrap();
        Said {
            success: output.status.success(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: plain(&String::from_utf8_lossy(&output.stderr)),
        }
    }

    /// Starts a command, in a process group of its own, whose talk is to be read as it comes.
    pub(crate) fn start(&self, args: &[&str]) -> (Child, Lines<BufReader<ChildStderr>>) {
        let mut command = self.command(args);
        let mut child = command.process_group(0).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        (child, lines)
    }

    pub(crate) async fn commit(&self, file: &str, content: impl AsRef<[u8]>) -> CommitId {
        let path = self.file(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
        self.commit_all(&format!("change {file}")).await
    }

    pub(crate) async fn commit_all(&self, message: &str) -> CommitId {
        self.git(&["add", "--all"]).await.ok();
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message]).await.ok();
        self.resolve("HEAD").await.unwrap()
    }

    pub(crate) async fn resolve(&self, name: &str) -> Option<CommitId> {
        let said = self.git(&["rev-parse", "--verify", "--quiet", name]).await;
        said.success.then(|| said.stdout.trim().parse().unwrap())
    }
}

/// What Ctrl-C does to a command and its helpers.
pub(crate) fn interrupt(child: &Child) {
    let id = child.id().unwrap().try_into().unwrap();
    let group = rustix::process::Pid::from_raw(id).unwrap();
    rustix::process::kill_process_group(group, rustix::process::Signal::INT).unwrap();
}

fn plain(text: &str) -> String {
    text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}
