//! The repositories of `act/mirror`, which the workflow `mirrored` uses at `v1`: as git has them for a server, and as folders for act.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Result;
use tempfile::TempDir;
use testkit::command;

const REPOSITORIES: [&str; 2] = ["octo/hello", "octo/kit"];
const TAG: &str = "v1";
const WITHIN: Duration = Duration::from_secs(60);

pub(super) struct Mirror {
    directory: TempDir,
}

impl Mirror {
    pub(super) fn new() -> Result<Self> {
        let directory = tempfile::Builder::new().prefix("act-mirror-").tempdir()?;
        let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/act/mirror");
        let mirror = Self { directory };
        for name in REPOSITORIES {
            let place = mirror.place(name);
            copy(&files.join(name), &place)?;
            let who = ["-c", "user.name=Ann", "-c", "user.email=ann@example.org"];
            for arguments in [
                &["init", "--quiet"][..],
                &["add", "--all"],
                &["commit", "--quiet", "--message", TAG],
                &["tag", TAG],
            ] {
                let mut git = Command::new("git");
                git.current_dir(&place).args(who).args(arguments);
                command::run(&mut git, WITHIN)?.require()?;
            }
        }
        Ok(mirror)
    }

    pub(super) fn root(&self) -> &Path {
        self.directory.path()
    }

    /// For act's `--local-repository`.
    pub(super) fn replacements(&self) -> impl Iterator<Item = String> {
        REPOSITORIES.iter().map(|name| format!("{name}@{TAG}={}", self.place(name).display()))
    }

    fn place(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
