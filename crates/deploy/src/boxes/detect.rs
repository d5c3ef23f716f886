//! Finds out what this machine offers to make boxes with.

use std::io::Read as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::retry_on_intr;
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::etc::Etc;
use super::ground::Ground;
use super::{Boxes, Isolation};
use crate::cgroup::Cgroups;

/// The oldest bubblewrap with every option that is used: Debian 12 has it.
const OLDEST: (u32, u32) = (0, 8);

/// A trial box takes milliseconds; a machine on its knees, seconds.
const TRIAL_TIMEOUT: Duration = Duration::from_secs(20);

/// Why nothing can be boxed on this machine, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    #[error(
        "bubblewrap is not installed, and apps and builds run in boxes that it makes; install the \
         package `bubblewrap` (apt install bubblewrap)"
    )]
    NotInstalled,
    #[error("bubblewrap {found} is too old; 0.8 or newer is needed")]
    TooOld { found: String },
    #[error("`{program}` is not installed; install the package `util-linux`")]
    NoSetpriv { program: &'static str },
    #[error("bubblewrap does not work here: {said}{}", Hint(.said))]
    DoesNotWork { said: String },
}

struct Hint<'a>(&'a str);

impl std::fmt::Display for Hint<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let said = self.0;
        let restricted =
            std::fs::read_to_string("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")
                .is_ok_and(|text| text.trim() == "1");
        if restricted && !rustix::process::getuid().is_root() {
            f.write_str(
                "; AppArmor restricts user namespaces on this machine: run the server as root, or \
                 allow them (sysctl kernel.apparmor_restrict_unprivileged_userns=0)",
            )
        } else if said.contains("Permission denied") || said.contains("not permitted") {
            f.write_str(
                "; it may make no namespaces: run the server as root, and inside a container give \
                 it the privilege (CAP_SYS_ADMIN)",
            )
        } else {
            Ok(())
        }
    }
}

impl Boxes {
    /// Finds how boxes are made on this machine, by making one. Takes a few milliseconds and blocks. With `bare` nothing is
    /// tried and nothing is boxed. In `directory` is kept what all boxes show; whoever makes boxes on this machine may share it.
    pub fn detect(bare: bool, directory: PathBuf) -> Result<Self, Unavailable> {
        let etc = Etc::new(directory);
        let root = rustix::process::geteuid().is_root();
        let ground = Ground::scan();
        let cgroups = root.then(Cgroups::detect).flatten();
        require("setpriv")?;
        require("prlimit")?;
        if bare {
            return Ok(Self { isolation: Isolation::Bare { root }, cgroups, ground, etc });
        }
        check_version(
            &said(Command::new("bwrap").arg("--version")).ok_or(Unavailable::NotInstalled)?,
        )?;
        let user = Isolation::User {
            uid: rustix::process::getuid().as_raw(),
            gid: rustix::process::getgid().as_raw(),
        };
        let isolation = if root { Isolation::Root } else { user };
        try_out(isolation)?;
        Ok(Self { isolation, cgroups, ground, etc })
    }
}

fn require(program: &'static str) -> Result<(), Unavailable> {
    said(Command::new(program).arg("--version"))
        .map(|_| ())
        .ok_or(Unavailable::NoSetpriv { program })
}

fn check_version(text: &str) -> Result<(), Unavailable> {
    let version = text.trim().trim_start_matches("bubblewrap ");
    let mut parts = version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let found = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    if found < OLDEST { Err(Unavailable::TooOld { found: version.to_owned() }) } else { Ok(()) }
}

fn try_out(isolation: Isolation) -> Result<(), Unavailable> {
    let mut command = Command::new("bwrap");
    match isolation {
        Isolation::Root => command.args(["--cap-drop", "ALL"]),
        Isolation::User { .. } | Isolation::Bare { .. } => command.arg("--unshare-user"),
    };
    command.args(["--unshare-pid", "--unshare-ipc", "--unshare-uts", "--die-with-parent"]);
    command.args([
        "--ro-bind",
        "/",
        "/",
        "--proc",
        "/proc",
        "--dev",
        "/dev",
        "--",
        "echo",
        "boxed",
    ]);
    match said(&mut command) {
        Some(text) if text.ends_with("boxed\n") => Ok(()),
        Some(text) => {
            let text = text.trim().trim_start_matches("bwrap: ");
            Err(Unavailable::DoesNotWork { said: text.chars().take(400).collect() })
        }
        None => Err(Unavailable::NotInstalled),
    }
}

/// What a program says, on both its outputs; `None` when it cannot be started. Killed when it takes too long.
fn said(command: &mut Command) -> Option<String> {
    let (mut reader, writer) = std::io::pipe().ok()?;
    command.stdin(Stdio::null()).stdout(writer.try_clone().ok()?).stderr(writer);
    let mut child = command.spawn().ok()?;
    // The command holds the writing ends until it is made to hold others.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let timeout = Timespec { tv_sec: TRIAL_TIMEOUT.as_secs().cast_signed(), tv_nsec: 0 };
    let ended = Pid::from_raw(child.id().cast_signed())
        .and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok())
        .is_some_and(|pidfd| {
            let mut watch = [PollFd::new(&pidfd, PollFlags::IN)];
            // A signal may come in between; the time then starts anew, which bounds it all the same.
            retry_on_intr(|| poll(&mut watch, Some(&timeout))) == Ok(1)
        });
    if !ended {
        let _ = child.kill();
    }
    let _ = child.wait();
    let mut text = vec![0; 4096];
    let length = reader.read(&mut text).ok()?;
    let mut text = String::from_utf8_lossy(&text[..length]).into_owned();
    if !ended {
        text.push_str("it did not end in time");
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_bubblewrap_is_told_from_a_new_one() {
        assert_eq!(check_version("bubblewrap 0.8.0\n"), Ok(()));
        assert_eq!(check_version("bubblewrap 1.0\n"), Ok(()));
        assert_eq!(
            check_version("bubblewrap 0.4.1\n"),
            Err(Unavailable::TooOld { found: "0.4.1".into() })
        );
    }
}
