//! What every test needs: a router process, instances, and a client that sees bytes.

pub(crate) mod instance;
pub(crate) mod load;
pub(crate) mod wire;

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use router::table::{Backend, Route, RouteTable, Side};
use router::{Client, Config, Generation};
use tempfile::TempDir;
use types::{InstanceId, Timestamp};

use instance::Instance;

/// Long enough for anything that is going to happen at all on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(20);
pub(crate) const HOST: &str = "shop-dev.localhost";

const DIRECTORY: &str = "ROUTER_TEST_DIRECTORY";
const LISTEN: &str = "ROUTER_TEST_LISTEN";
const SETTINGS: &str = "ROUTER_TEST_SETTINGS";

/// Not a test of its own: the other tests start this binary again with this name to have a router process.
#[test]
fn as_a_router_process() {
    let Ok(directory) = std::env::var(DIRECTORY) else { return };
    let filter = tracing_subscriber::EnvFilter::from_default_env();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    let mut config = Config::new(directory.into(), std::env::var(LISTEN).unwrap().parse().unwrap());
    for setting in std::env::var(SETTINGS).unwrap().split_whitespace() {
        let (name, value) = setting.split_once('=').unwrap();
        set(&mut config, name, value.parse().unwrap());
    }
    router::run_then(config, |address| println!("\nready {address}")).unwrap();
    println!("\nended in order");
}

/// Times are in milliseconds.
fn set(config: &mut Config, name: &str, value: usize) {
    let millis = Duration::from_millis(value as u64);
    match name {
        "workers" => config.workers = value,
        "request_head" => config.timeouts.request_head = millis,
        "idle" => config.timeouts.idle = millis,
        "stall" => config.timeouts.stall = millis,
        "connect" => config.timeouts.connect = millis,
        "response_head" => config.timeouts.response_head = millis,
        "pooled" => config.timeouts.pooled = millis,
        "hold" => config.timeouts.hold = millis,
        "websocket_close" => config.timeouts.websocket_close = millis,
        "stop" => config.timeouts.stop = millis,
        "connections" => config.limits.connections = value,
        "head_bytes" => config.limits.request_head = value,
        "held" => config.limits.held = value,
        other => panic!("there is no setting {other}"),
    }
}

/// A router directory, the processes in it, and the control plane's client.
pub(crate) struct Router {
    pub(crate) client: Client,
    pub(crate) address: SocketAddr,
    processes: Vec<Process>,
    settings: String,
    directory: PathBuf,
    _root: TempDir,
}

pub(crate) struct Process {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Router {
    /// A router on a free port.
    pub(crate) fn start(settings: &str) -> Self {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("router");
        let mut router = Self {
            client: Client::new(directory.clone()),
            address: ([127, 0, 0, 1], 0).into(),
            processes: Vec::new(),
            settings: settings.into(),
            directory,
            _root: root,
        };
        router.launch();
        router
    }

    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// Starts another process in the same directory: the upgrade, or a restart after a kill.
    pub(crate) fn launch(&mut self) {
        self.launch_at(self.address);
    }

    pub(crate) fn launch_at(&mut self, listen: SocketAddr) {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", "harness::as_a_router_process", "--nocapture"])
            .env(DIRECTORY, &self.directory)
            .env(LISTEN, listen.to_string())
            .env(SETTINGS, &self.settings);
        let mut process = Process::spawn(command);
        self.address = process.line("ready ").parse().unwrap();
        self.processes.push(process);
    }

    /// As `launch`, with at most so many open files.
    pub(crate) fn launch_with_open_files(&mut self, limit: u32) {
        let mut command = Command::new("prlimit");
        command
            .arg(format!("--nofile={limit}:{limit}"))
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "harness::as_a_router_process", "--nocapture"])
            .env(DIRECTORY, &self.directory)
            .env(LISTEN, self.address.to_string())
            .env(SETTINGS, &self.settings);
        let mut process = Process::spawn(command);
        self.address = process.line("ready ").parse().unwrap();
        self.processes.push(process);
    }

    pub(crate) fn newest_pid(&self) -> u32 {
        self.processes.last().unwrap().child.id()
    }

    pub(crate) fn newest_open_files(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.newest_pid())).unwrap().count()
    }

    /// Lowers the newest process's limit while it runs.
    pub(crate) fn limit_open_files(&mut self, limit: u32) {
        let mut command = Command::new("prlimit");
        command.arg(format!("--pid={}", self.newest_pid()));
        command.arg(format!("--nofile={limit}:{limit}"));
        assert!(command.status().unwrap().success());
    }

    /// What the newest process has used of the CPU, in ticks of 10 ms: fields 14 and 15 of proc(5)'s `stat`.
    pub(crate) fn newest_cpu_ticks(&self) -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.newest_pid())).unwrap();
        let after_name = stat.rsplit_once(')').unwrap().1;
        after_name
            .split_whitespace()
            .skip(11)
            .take(2)
            .map(|ticks| ticks.parse::<u64>().unwrap())
            .sum()
    }

    /// SIGKILL for the newest process.
    pub(crate) fn kill(&mut self) {
        let mut process = self.processes.pop().unwrap();
        process.child.kill().unwrap();
        process.child.wait().unwrap();
    }

    /// Waits until the oldest process has ended by itself, in order.
    pub(crate) async fn oldest_ends(&mut self) {
        let mut oldest = self.processes.remove(0);
        let ended = tokio::task::spawn_blocking(move || {
            oldest.line("ended in order");
            oldest.child.wait().unwrap().success()
        });
        assert!(tokio::time::timeout(SOON, ended).await.expect("it ends").unwrap());
    }

    /// Stops everything and checks that it ended in order.
    pub(crate) async fn stop(mut self) {
        self.client.stop().await.unwrap();
        while !self.processes.is_empty() {
            self.oldest_ends().await;
        }
    }

    pub(crate) async fn apply(&self, table: &RouteTable) {
        self.client.apply(table).await.unwrap();
    }

    /// Puts one release with these instances in force.
    pub(crate) async fn route(&self, revision: u64, instances: &[&Instance]) {
        self.apply(&table(revision, vec![side("v1", 100, instances)])).await;
    }

    pub(crate) async fn accepting(&self) -> Generation {
        self.client.status().await.unwrap().accepting().expect("one accepts").clone()
    }

    /// Waits until the accepting generation's status is as wanted.
    pub(crate) async fn until(&self, wanted: impl Fn(&Generation) -> bool) {
        until(async || wanted(&self.accepting().await)).await;
    }
}

/// Asks again and again until the answer is yes.
pub(crate) async fn until(mut answer: impl AsyncFnMut() -> bool) {
    let asking = async {
        while !answer().await {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(SOON, asking).await.expect("it comes true");
}

impl Process {
    fn spawn(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// The rest of the next line that begins with `start`.
    fn line(&mut self, start: &str) -> String {
        let mut lines = self.lines.by_ref().map(Result::unwrap);
        let found = lines.find_map(|line| line.strip_prefix(start).map(str::to_owned));
        found.unwrap_or_else(|| panic!("the router process ended before it said `{start}`"))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It has ended, or the test has failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn id(number: u128) -> InstanceId {
    InstanceId::from_parts(Timestamp::UNIX_EPOCH, number)
}

pub(crate) fn side(release: &str, weight: u32, instances: &[&Instance]) -> Side {
    let backend = |instance: &&Instance| Backend {
        instance: instance.id,
        address: instance.address,
        uid: None,
    };
    Side { release: release.into(), weight, instances: instances.iter().map(backend).collect() }
}

pub(crate) fn table(revision: u64, sides: Vec<Side>) -> RouteTable {
    let route = Route {
        hosts: vec![HOST.parse().unwrap()],
        app: "shop".parse().unwrap(),
        environment: "dev".parse().unwrap(),
        hold: false,
        sides,
    };
    RouteTable { revision, routes: vec![route] }
}
