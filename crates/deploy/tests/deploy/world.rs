//! A process target in a directory of its own, and things to run on it. Nothing of it is left when it is dropped.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use deploy::{
    Blobs, Driver, Exit, InstanceSpec, LogStart, Observation, Owner, ProcessConfig, ProcessDriver,
    Restart,
};
use sha2::{Digest as _, Sha256};
use types::{
    AppId, Bundle, Digest, HealthCheck, InstanceId, Layer, Limits, Manifest, MediaType,
    ProcessType, Stack, SystemClock,
};

/// Longer than anything takes, so that what hangs fails.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) const NO_GRACE: Duration = Duration::ZERO;

pub(crate) struct World {
    pub(crate) driver: Arc<ProcessDriver>,
    pub(crate) directory: PathBuf,
    pub(crate) owner: Owner,
    blobs: Files,
    _temporary: tempfile::TempDir,
}

pub(crate) struct Files(PathBuf);

impl Blobs for Files {
    fn path(&self, digest: &Digest) -> PathBuf {
        self.0.join(digest.hex())
    }
}

pub(crate) fn machine() -> Stack {
    Stack {
        os: "debian-12".into(),
        libc: "glibc-2.36".into(),
        architecture: "x86_64".into(),
        runtimes: BTreeMap::new(),
    }
}

pub(crate) fn config(directory: PathBuf) -> ProcessConfig {
    ProcessConfig {
        directory,
        solum: env!("CARGO_BIN_EXE_solum-deploy-testbed").into(),
        machine: machine().into(),
        bare: false,
        clock: Arc::new(SystemClock),
    }
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(crate) fn with(change: impl FnOnce(&mut ProcessConfig)) -> Self {
        let temporary = tempfile::tempdir().unwrap();
        // A bare process walks through it as its own user.
        open(temporary.path());
        let blobs = temporary.path().join("blobs");
        std::fs::create_dir(&blobs).unwrap();
        let mut config = config(temporary.path().join("process"));
        change(&mut config);
        let directory = config.directory.clone();
        let driver = Arc::new(ProcessDriver::new(config).unwrap());
        // One user per test: what a user is limited to must not depend on other tests.
        let owner = Owner { app: AppId::generate(&SystemClock), uid: 100_000 + rand_u16() };
        Self { driver, directory, owner, blobs: Files(blobs), _temporary: temporary }
    }

    /// A second server on the same directory.
    pub(crate) fn restarted(&self) -> ProcessDriver {
        ProcessDriver::new(config(self.directory.clone())).unwrap()
    }

    pub(crate) fn blobs(&self) -> &dyn Blobs {
        &self.blobs
    }

    /// Stores a layer.
    pub(crate) fn layer(&self, tar: &[u8]) -> Layer {
        let digest = Digest::from_sha256(Sha256::digest(tar).into());
        std::fs::write(self.blobs.path(&digest), tar).unwrap();
        Layer { digest, media_type: MediaType::Tar, size: tar.len() as u64 }
    }

    pub(crate) fn bundle(&self, layers: Vec<Layer>) -> Bundle {
        let named = layers.iter().map(|layer| layer.digest.to_string()).collect::<String>();
        Bundle {
            digest: Digest::from_sha256(Sha256::digest(named).into()),
            stack: machine(),
            layers,
            env: BTreeMap::new(),
            manifest: Manifest::default(),
        }
    }

    /// Lays out a bundle of one layer with these files below `app/`.
    pub(crate) async fn prepared(&self, files: &[(&str, &str)]) -> Bundle {
        let bundle = self.bundle(vec![self.layer(&tar_of(files))]);
        self.driver.prepare(&bundle, &self.owner, &self.blobs).await.unwrap();
        bundle
    }

    /// An instance of a bundle that runs `command`.
    pub(crate) fn spec(&self, bundle: &Bundle, command: &str) -> InstanceSpec {
        InstanceSpec {
            id: InstanceId::generate(&SystemClock),
            app: "shop".parse().unwrap(),
            environment: "dev".parse().unwrap(),
            process: ProcessType::web(),
            release: "v1".into(),
            owner: self.owner,
            bundle: bundle.clone(),
            command: command.into(),
            env: BTreeMap::new(),
            port: false,
            restart: Restart::Always,
            limits: Limits::default(),
        }
    }

    /// The same with an empty bundle that is laid out.
    pub(crate) async fn running(&self, command: &str) -> InstanceSpec {
        let bundle = self.prepared(&[]).await;
        self.spec(&bundle, command)
    }

    /// Runs a command as an instance, to its end, and returns what it wrote.
    pub(crate) async fn output_of(&self, spec: InstanceSpec) -> (Exit, String) {
        let spec = InstanceSpec { restart: Restart::Never, ..spec };
        self.driver.start(&spec).await.unwrap();
        let exit = self.exit_of(spec.id).await;
        (exit, self.log(spec.id).await)
    }

    pub(crate) async fn exit_of(&self, id: InstanceId) -> Exit {
        match self.until(id, |seen| matches!(seen, Observation::Exited { .. })).await {
            Observation::Exited { exit, .. } => exit,
            _ => unreachable!(),
        }
    }

    /// Waits until an instance is seen doing something.
    pub(crate) async fn until(
        &self,
        id: InstanceId,
        wanted: impl Fn(&Observation) -> bool,
    ) -> Observation {
        let mut seen = self.driver.observe(id).await.unwrap();
        let watching = async {
            while !wanted(&seen) {
                seen = self.driver.changed(id, &seen).await.unwrap();
            }
        };
        let in_time = tokio::time::timeout(PATIENCE, watching).await.is_ok();
        assert!(in_time, "{id} is still {seen:?}\n{}", self.log(id).await);
        seen
    }

    pub(crate) async fn until_running(&self, id: InstanceId) -> u32 {
        match self.until(id, |seen| matches!(seen, Observation::Running { .. })).await {
            Observation::Running { pid, .. } => pid,
            _ => unreachable!(),
        }
    }

    /// The text of an instance's log.
    pub(crate) async fn log(&self, id: InstanceId) -> String {
        let mut reader = self.driver.logs(id, LogStart::Last(usize::MAX), false).await.unwrap();
        let mut text = String::new();
        while let Some(line) = reader.next().await.unwrap() {
            text.push_str(&line.text);
            text.push('\n');
        }
        text
    }

    /// Follows an instance's log until a line is there.
    pub(crate) async fn until_written(&self, id: InstanceId, wanted: &str) {
        let mut reader = self.driver.logs(id, LogStart::Last(usize::MAX), true).await.unwrap();
        let reading = async {
            while let Some(line) = reader.next().await.unwrap() {
                if line.text == wanted {
                    return;
                }
            }
            panic!("{id} ended without writing {wanted}");
        };
        tokio::time::timeout(PATIENCE, reading).await.expect(wanted);
    }

    /// What an instance has below its directory.
    pub(crate) fn of(&self, id: InstanceId) -> PathBuf {
        self.directory.join("instances").join(id.to_string())
    }

    /// The process number of an instance's shim: the holder of its lock.
    pub(crate) fn shim_of(&self, id: InstanceId) -> u32 {
        let directory = self.of(id);
        processes()
            .find(|(_, line)| line.contains("shim") && line.contains(directory.to_str().unwrap()))
            .map(|(pid, _)| pid)
            .unwrap_or_else(|| panic!("{id} has no shim"))
    }
}

impl Drop for World {
    fn drop(&mut self) {
        let driver = Arc::clone(&self.driver);
        let ended = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                for id in driver.list().await.unwrap() {
                    driver.stop(id, NO_GRACE).await.unwrap();
                }
            });
        })
        .join();
        if ended.is_err() && !std::thread::panicking() {
            panic!("the instances could not be stopped");
        }
    }
}

/// A copy of the program where anybody may run it, and a command that does so without privileges.
pub(crate) fn unprivileged() -> (tempfile::TempDir, Command) {
    let directory = tempfile::tempdir().unwrap();
    open(directory.path());
    let program = directory.path().join("testbed");
    std::fs::copy(env!("CARGO_BIN_EXE_solum-deploy-testbed"), &program).unwrap();
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all"]);
    command.arg(&program);
    (directory, command)
}

/// Lets everybody pass.
fn open(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

fn rand_u16() -> u32 {
    let id = AppId::generate(&SystemClock).to_string();
    Sha256::digest(id).iter().take(2).fold(0, |number, byte| number * 256 + u32::from(*byte))
}

/// A layer with an `app` directory and files in it.
pub(crate) fn tar_of(files: &[(&str, &str)]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    append(&mut tar, tar::EntryType::Directory, "app/", 0o755, "", b"");
    for (name, text) in files {
        append(
            &mut tar,
            tar::EntryType::Regular,
            &format!("app/{name}"),
            0o755,
            "",
            text.as_bytes(),
        );
    }
    tar.into_inner().unwrap()
}

/// Appends an entry as it stands, however wrong it is.
pub(crate) fn append(
    tar: &mut tar::Builder<Vec<u8>>,
    kind: tar::EntryType,
    name: &str,
    mode: u32,
    link: &str,
    content: &[u8],
) {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
    header.set_mode(mode);
    header.set_mtime(1_700_000_000);
    header.set_size(content.len() as u64);
    header.set_cksum();
    tar.get_mut().write_all(header.as_bytes()).unwrap();
    tar.get_mut().write_all(content).unwrap();
    let padding = content.len().next_multiple_of(512) - content.len();
    tar.get_mut().write_all(&vec![0; padding]).unwrap();
}

/// Every process of the machine: number and command line.
pub(crate) fn processes() -> impl Iterator<Item = (u32, String)> {
    std::fs::read_dir("/proc").unwrap().filter_map(|entry| {
        let pid = entry.ok()?.file_name().to_str()?.parse().ok()?;
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        Some((pid, String::from_utf8_lossy(&line).replace('\0', " ")))
    })
}

/// Whether any process has this in its command line.
pub(crate) fn is_running(mark: &str) -> bool {
    processes().any(|(_, line)| line.contains(mark))
}

/// Waits for something that nobody announces.
pub(crate) async fn until(what: &str, condition: impl Fn() -> bool) {
    let started = Instant::now();
    while !condition() {
        assert!(started.elapsed() < PATIENCE, "it never came about that {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// A number that stands in a command line only where a test put it: `sleep 12345.678`.
pub(crate) fn mark() -> String {
    format!("9{:05}.{:05}", rand_u16(), rand_u16())
}

pub(crate) fn health(path: Option<&str>, timeout: Duration) -> HealthCheck {
    HealthCheck { path: path.map(str::to_owned), timeout }
}

/// A server in a few lines: whatever `answer` is, after reading the request.
pub(crate) fn server(port: &str, answer: &str) -> String {
    format!(
        r#"exec python3 -uc '
import os, socket
s = socket.create_server(("127.0.0.1", int({port})))
while True:
    c, _ = s.accept()
    c.recv(4096)
    c.sendall(b"{answer}")
    c.close()
'"#
    )
}

pub(crate) const PORT: &str = r#"os.environ["PORT"]"#;
pub(crate) const OK: &str = r"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
