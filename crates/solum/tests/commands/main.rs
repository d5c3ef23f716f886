//! The commands as a person or a script uses them, against a server that answers from a table.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod apps;
mod credentials;
mod output;
mod runs;
mod server;
mod settings;
mod workflows;

use std::ffi::OsStr;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use server::Server;

/// A home of its own, with a server to ask.
struct Bench {
    directory: tempfile::TempDir,
    server: Server,
}

impl Bench {
    fn new(answers: &[(&str, server::Answer)]) -> Self {
        Self { directory: tempfile::tempdir().unwrap(), server: Server::start(answers) }
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    fn program<I: IntoIterator<Item: AsRef<OsStr>>>(&self, program: &str, arguments: I) -> Command {
        let mut command = Command::new(program);
        command
            .args(arguments)
            .current_dir(self.path())
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("HOME", self.path().join("home"))
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CEILING_DIRECTORIES", std::env::temp_dir())
            .env("GIT_TERMINAL_PROMPT", "0")
            .stdin(Stdio::null());
        command
    }

    /// `solum` with nothing in its environment that names a server.
    fn bare<const N: usize>(&self, arguments: [&str; N]) -> Command {
        self.program(env!("CARGO_BIN_EXE_solum"), arguments)
    }

    fn solum<const N: usize>(&self, arguments: [&str; N]) -> Said {
        let mut command = self.bare(arguments);
        command.env("SOLUM_URL", self.server.url()).env("SOLUM_TOKEN", "solum_token");
        Said::from(command.output().unwrap())
    }

    fn git<const N: usize>(&self, arguments: [&str; N]) -> Said {
        Said::from(self.program("git", arguments).output().unwrap())
    }

    /// Makes the directory a repository whose remote `solum` is the app `shop` on the server.
    fn repository(&self) {
        self.git(["init", "-q", "-b", "main"]).ok();
        let url = format!("{}/shop.git", self.server.url());
        self.git(["remote", "add", "solum", &url]).ok();
    }
}

#[derive(Debug)]
struct Said {
    status: Option<i32>,
    stdout: String,
    stderr: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        Self {
            status: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Said {
    /// What is on stdout, once it is sure that it went well.
    #[track_caller]
    fn ok(self) -> String {
        assert_eq!(self.status, Some(0), "{self:?}");
        self.stdout
    }

    /// What is on stderr, once it is sure that it ended with this status and nothing on stdout.
    #[track_caller]
    fn fails(self, status: i32) -> String {
        assert_eq!((self.status, self.stdout.as_str()), (Some(status), ""), "{self:?}");
        self.stderr
    }
}
