//! Boxes for tests, by bubblewrap, the way a server that is root makes them.

use std::path::Path;
use std::process::Stdio;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use build::{Bind, BoxCommand, BoxError, BoxExit, Boxes};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::Command;
use tokio_util::sync::CancellationToken;
use types::Transcript;

#[derive(Debug, Default)]
pub(crate) struct Bubblewrap {
    scripts: Mutex<Vec<String>>,
    /// The box with this number is broken off as soon as it has said something.
    breaks: Mutex<Option<usize>>,
    made: AtomicUsize,
    /// Shown in every box besides what is asked for.
    pub(crate) overlay: Mutex<Option<Bind>>,
}

impl Bubblewrap {
    pub(crate) fn break_at(&self, number: Option<usize>) {
        *self.breaks.lock().unwrap() = number;
    }

    /// What ran since the last call.
    pub(crate) fn scripts(&self) -> Vec<String> {
        std::mem::take(&mut *self.scripts.lock().unwrap())
    }
}

/// The command line up to the program; `setpriv` makes it the app's user with nothing left of root.
pub(crate) fn command(box_command: &BoxCommand) -> Command {
    let mut command = Command::new("bwrap");
    command.args(["--unshare-pid", "--unshare-ipc", "--unshare-uts", "--die-with-parent"]);
    command.args(["--new-session", "--cap-drop", "ALL"]);
    for capability in ["CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP"] {
        command.args(["--cap-add", capability]);
    }
    if !box_command.network {
        command.arg("--unshare-net");
    }
    command.args(["--ro-bind", "/usr", "/usr"]);
    for name in ["bin", "sbin", "lib", "lib32", "lib64"] {
        let path = Path::new("/").join(name);
        match std::fs::read_link(&path) {
            Ok(target) => command.arg("--symlink").arg(target).arg(&path),
            Err(_) => command.arg("--ro-bind-try").arg(&path).arg(&path),
        };
    }
    // Made implicitly, a directory would be root's alone.
    command.args(["--perms", "0755", "--dir", "/etc"]);
    for file in
        ["resolv.conf", "hosts", "nsswitch.conf", "passwd", "group", "ssl", "ca-certificates"]
    {
        let path = Path::new("/etc").join(file);
        command.arg("--ro-bind-try").arg(&path).arg(&path);
    }
    for path in ["/etc/alternatives", "/etc/ld.so.cache", "/etc/perl"] {
        command.args(["--ro-bind-try", path, path]);
    }
    command.args(["--proc", "/proc", "--dev", "/dev", "--perms", "1777", "--tmpfs", "/tmp"]);
    for (index, bind) in box_command.binds.iter().enumerate() {
        let mut above: Vec<_> = bind.target.ancestors().skip(1).collect();
        above.reverse();
        let known = |path: &Path| {
            let mut before = box_command.binds[..index].iter();
            path == Path::new("/")
                || path.starts_with("/usr")
                || before.any(|earlier| path.starts_with(&earlier.target))
        };
        for directory in above.into_iter().filter(|path| !known(path)) {
            command.args(["--perms", "0755", "--dir"]).arg(directory);
        }
        command.arg(if bind.writable { "--bind" } else { "--ro-bind" });
        command.arg(&bind.source).arg(&bind.target);
    }
    command.arg("--clearenv");
    for (name, value) in &box_command.env {
        command.args(["--setenv", name, value]);
    }
    command.arg("--chdir").arg(&box_command.workdir).arg("--").arg("/usr/bin/setpriv");
    let uid = box_command.uid;
    command.args([format!("--reuid={uid}"), format!("--regid={uid}")]);
    command.args(["--clear-groups", "--inh-caps=-all", "--bounding-set=-all", "--no-new-privs"]);
    command.args(["--", "/bin/sh", "-c"]).arg(format!("exec 2>&1\n{}", box_command.script));
    command.env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    command.kill_on_drop(true);
    command
}

#[async_trait]
impl Boxes for Bubblewrap {
    async fn run(
        &self,
        box_command: &BoxCommand,
        transcript: &dyn Transcript,
        cancel: &CancellationToken,
    ) -> Result<BoxExit, BoxError> {
        self.scripts.lock().unwrap().push(box_command.script.clone());
        let made = self.made.fetch_add(1, Ordering::SeqCst);
        let breaks = *self.breaks.lock().unwrap() == Some(made);
        let failed =
            |source| BoxError { reason: "bwrap".to_owned(), source: Some(Box::new(source)) };
        let mut box_command = box_command.clone();
        box_command.binds.extend(self.overlay.lock().unwrap().clone());
        let mut child = command(&box_command).spawn().map_err(failed)?;
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let ended = async {
            while let Some(line) = lines.next_line().await? {
                transcript.line(&line);
                if breaks {
                    return Ok(BoxExit::Cancelled);
                }
            }
            let status = child.wait().await?;
            Ok(BoxExit::Code(status.code().unwrap_or(-1)))
        };
        let exit = tokio::select! {
            exit = tokio::time::timeout(box_command.timeout, ended) => match exit {
                Ok(exit) => exit.map_err(failed)?,
                Err(_) => BoxExit::TimedOut,
            },
            () = cancel.cancelled() => BoxExit::Cancelled,
        };
        child.kill().await.map_err(failed)?;
        Ok(exit)
    }
}
