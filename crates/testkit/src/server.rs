use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::command::{self, Finished};
use crate::http::{self, Request, Response};
use crate::processes::{self, Process};
use crate::scratch::Scratch;
use crate::wait_until;

mod control_plane;
mod endpoints;
mod program;
mod stopper;

use control_plane::ControlPlane;
use endpoints::Endpoints;

pub use stopper::Stopper;

const START: Duration = Duration::from_secs(60);
const COMMAND: Duration = Duration::from_secs(300);
const ANSWER: Duration = Duration::from_secs(30);
const LINES_OF_LOG: usize = 40;

/// How a server is started, where that is not the usual way.
#[derive(Debug, Clone, Default)]
pub struct ServerOptions {
    /// The program; else `SOLUM_BIN`, else the one beside the running test.
    pub program: Option<PathBuf>,
    /// Where everything is kept; else a directory that is removed at the end.
    pub directory: Option<PathBuf>,
    /// More arguments to `solum server`.
    pub arguments: Vec<String>,
    /// More environment variables for the server.
    pub environment: Vec<(String, String)>,
}

/// A `solum server` with its router and its apps, which all end with it.
#[derive(Debug)]
pub struct Server {
    scratch: Scratch,
    program: PathBuf,
    options: ServerOptions,
    control_plane: Option<ControlPlane>,
    endpoints: Endpoints,
    token: String,
    stopped: bool,
}

impl Server {
    /// # Errors
    /// When it does not serve in time: with what it wrote.
    pub fn start() -> Result<Self> {
        Self::start_with(ServerOptions::default())
    }

    /// # Errors
    /// As [`Server::start`].
    pub fn start_with(options: ServerOptions) -> Result<Self> {
        let program = program::find(options.program.as_deref())?;
        let scratch = Scratch::new(options.directory.clone())?;
        let mut server = Self {
            scratch,
            program,
            options,
            control_plane: None,
            endpoints: Endpoints::default(),
            token: String::new(),
            stopped: false,
        };
        fs::create_dir_all(server.home())?;
        if let Err(error) = server.begin() {
            // It may have come as far as starting a router, or not even to a data directory.
            let _ = server.stop();
            return Err(error);
        }
        Ok(server)
    }

    /// The program that runs.
    #[must_use]
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// Holds the data directory, the log, a home for the commands and the repositories.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.scratch.path()
    }

    #[must_use]
    pub fn data_dir(&self) -> PathBuf {
        self.directory().join("data")
    }

    /// The address of the API, as `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.endpoints.api
    }

    /// The address of the router, as `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn router_url(&self) -> &str {
        &self.endpoints.router
    }

    /// The administrator's token.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// The process id of the control plane.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.control_plane.as_ref().map(ControlPlane::pid)
    }

    /// # Errors
    /// When the router's address is not a socket address.
    pub fn router_address(&self) -> Result<SocketAddr> {
        endpoints::socket_address(&self.endpoints.router)
    }

    /// Runs `solum` with these arguments as the administrator.
    ///
    /// # Errors
    /// When it cannot be started or does not end in time; not when it says no.
    pub fn solum(&self, arguments: &[&str]) -> Result<Finished> {
        command::run(self.command().args(arguments), COMMAND)
    }

    /// The same, for a command that has to end well and prints JSON.
    ///
    /// # Errors
    /// When it fails, or prints something else.
    pub fn solum_json(&self, arguments: &[&str]) -> Result<Value> {
        self.solum(arguments)?.json()
    }

    /// `solum`, ready to be given arguments and run as the administrator.
    #[must_use]
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.envs(self.user_environment()).current_dir(self.directory());
        command
    }

    /// What a user of this server has in the environment: its address and the administrator's token, a home of its own,
    /// and a name for commits. Nothing of the machine's own git settings counts.
    #[must_use]
    pub fn user_environment(&self) -> Vec<(&'static str, String)> {
        let home = self.home().display().to_string();
        vec![
            ("SOLUM_URL", self.url().to_owned()),
            ("SOLUM_TOKEN", self.token().to_owned()),
            ("XDG_CONFIG_HOME", format!("{home}/.config")),
            ("HOME", home),
            ("GIT_CONFIG_NOSYSTEM", "1".to_owned()),
            ("GIT_TERMINAL_PROMPT", "0".to_owned()),
            ("GIT_AUTHOR_NAME", "Solum Tests".to_owned()),
            ("GIT_AUTHOR_EMAIL", "tests@solum.invalid".to_owned()),
            ("GIT_COMMITTER_NAME", "Solum Tests".to_owned()),
            ("GIT_COMMITTER_EMAIL", "tests@solum.invalid".to_owned()),
        ]
    }

    fn home(&self) -> PathBuf {
        self.directory().join("home")
    }

    /// Asks an app, through the router.
    ///
    /// # Errors
    /// When the router gives no whole answer.
    pub fn get(&self, host: &str, path: &str) -> Result<Response> {
        let address = self.router_address()?;
        http::send(address, &Request::get(host, path), ANSWER)
            .with_context(|| format!("GET http://{host}{path} through the router"))
    }

    /// Asks the API as the administrator; a body is sent as JSON.
    ///
    /// # Errors
    /// When the server gives no whole answer.
    pub fn api(&self, method: &str, path: &str, body: Option<&Value>) -> Result<Response> {
        let address = endpoints::socket_address(&self.endpoints.api)?;
        let host = address.to_string();
        let body = body.map(Value::to_string).unwrap_or_default();
        let mut headers = vec![("Authorization", format!("Bearer {}", self.token))];
        if !body.is_empty() {
            headers.push(("Content-Type", "application/json".to_owned()));
        }
        let request = Request { method, host: &host, path, headers, body: body.as_bytes() };
        http::send(address, &request, ANSWER).with_context(|| format!("{method} {path} of the API"))
    }

    /// SIGKILL to the control plane, and to nothing else.
    ///
    /// # Errors
    /// When it does not run.
    pub fn kill(&mut self) -> Result<()> {
        self.control_plane.take().context("the control plane does not run")?.kill()
    }

    /// Ends the control plane as an administrator does; its apps go on serving.
    ///
    /// # Errors
    /// When it does not run, or does not end.
    pub fn stop_control_plane(&mut self) -> Result<()> {
        let mut stop = self.command();
        stop.args(["server", "stop", "--data-dir"]).arg(self.data_dir());
        command::run(&mut stop, COMMAND)?.require()?;
        self.wait_for_end(ANSWER).map(drop)
    }

    /// Waits until the control plane ends by itself, as at a failpoint.
    ///
    /// # Errors
    /// When it goes on for longer than `within`.
    pub fn wait_for_end(&mut self, within: Duration) -> Result<ExitStatus> {
        let running = self.control_plane.as_mut().context("the control plane does not run")?;
        let status = running.wait(within)?;
        self.control_plane = None;
        Ok(status)
    }

    /// Starts the control plane again on the same data, after it was killed or has ended.
    ///
    /// # Errors
    /// When it still runs, or does not serve in time.
    pub fn restart(&mut self) -> Result<()> {
        ensure!(
            self.control_plane.is_none(),
            "the control plane still runs: kill or stop it first"
        );
        self.begin()
    }

    /// The same with other variables in the server's environment than before.
    ///
    /// # Errors
    /// As [`Server::restart`].
    pub fn restart_with(&mut self, environment: Vec<(String, String)>) -> Result<()> {
        self.options.environment = environment;
        self.restart()
    }

    /// Every process that runs for this server: control plane, router, shims, boxes, apps.
    #[must_use]
    pub fn processes(&self) -> Vec<Process> {
        // Not the data directory: its last part has no name of its own.
        processes::of(self.directory())
    }

    /// The last lines that the server wrote.
    #[must_use]
    pub fn log(&self) -> String {
        let bytes = fs::read(self.log_path()).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(LINES_OF_LOG)..].join("\n")
    }

    #[must_use]
    pub fn log_path(&self) -> PathBuf {
        self.directory().join("server.log")
    }

    /// What ends this server, for a thread that does not own it.
    #[must_use]
    pub fn stopper(&self) -> Stopper {
        Stopper::new(self.command(), self.directory().to_owned(), self.data_dir())
    }

    /// Ends everything and proves it.
    ///
    /// # Errors
    /// When `solum server stop --all` fails, or leaves a process; that is killed then.
    pub fn stop(&mut self) -> Result<()> {
        if self.stopped {
            return Ok(());
        }
        self.stopped = true;
        self.control_plane = None;
        self.stopper().stop()
    }

    fn begin(&mut self) -> Result<()> {
        let log = File::options().create(true).append(true).open(self.log_path())?;
        let mut command = Command::new(&self.program);
        command.arg("server").arg("--data-dir").arg(self.data_dir());
        command.args(["--listen", "127.0.0.1:0", "--router-listen", "127.0.0.1:0"]);
        command.args(&self.options.arguments);
        command.envs(self.options.environment.iter().map(|(name, value)| (name, value)));
        command.env_remove("SOLUM_URL").env_remove("SOLUM_TOKEN");
        command.current_dir(self.directory());
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        // Ctrl-C in the terminal is for whoever drives the server, who then stops it in order.
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        self.control_plane = Some(ControlPlane::spawn(&mut command)?);
        self.endpoints = self.wait_until_it_serves()?;
        let token = self.data_dir().join("admin.token");
        let text = fs::read_to_string(&token);
        text.with_context(|| format!("cannot read {}", token.display()))?
            .trim()
            .clone_into(&mut self.token);
        Ok(())
    }

    fn wait_until_it_serves(&mut self) -> Result<Endpoints> {
        let path = self.data_dir().join("endpoints.json");
        let running = self.control_plane.as_mut().context("the control plane was not started")?;
        let found = wait_until("the server's /readyz", START, || {
            if let Some(status) = running.ended() {
                return Some(Err(status));
            }
            Endpoints::read(&path).filter(Endpoints::is_ready).map(Ok)
        });
        match found {
            Ok(Ok(endpoints)) => Ok(endpoints),
            Ok(Err(status)) => {
                self.control_plane = None;
                bail!("`solum server` ended with {status}; it wrote:\n{}", self.log())
            }
            Err(late) => Err(late.context(format!("`solum server` wrote:\n{}", self.log()))),
        }
    }
}

impl Drop for Server {
    #[expect(clippy::print_stderr, reason = "a test that panics shows what the server said")]
    fn drop(&mut self) {
        let ended = self.stop();
        if std::thread::panicking() {
            eprintln!("the server's last lines:\n{}", self.log());
            return;
        }
        if let Err(error) = ended {
            panic!("{error:?}\nthe server's last lines:\n{}", self.log());
        }
    }
}
