//! Starting an instance: what its shim is told, and the shim itself.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use tokio::io::AsyncReadExt as _;
use types::Bundle;

use super::instances::Found;
use super::{PORTS, ProcessDriver};
use crate::boxes::Isolation;
use crate::shim::directory::{InstanceDirectory, open_to_walk, remove_tree};
use crate::shim::protocol::{LONGEST_LINE, Report, VERSION};
use crate::shim::spec::ShimSpec;
use crate::{InstanceSpec, Restart, StartError, Started};

/// A shim reports within milliseconds, or when it has copied a large tree.
pub(crate) const REPORT_TIMEOUT: Duration = Duration::from_secs(120);

/// Linux gives a new process 2 MiB for arguments and environment, with the usual stack limit, of which each value is also a
/// string of at most 128 KiB (execve(2)).
const LONGEST_ENVIRONMENT: usize = 1024 * 1024;
const LONGEST_VALUE: usize = 127 * 1024;

const DEFAULT_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

impl ProcessDriver {
    pub(super) async fn start_instance(&self, spec: &InstanceSpec) -> Result<Started, StartError> {
        let directory = self.instance(spec.id);
        let unseen = |error| StartError::Unseen(Box::new(error));
        let started = Instant::now();
        loop {
            let fresh = match self.find(spec.id).await.map_err(unseen)? {
                Found::Shim(connection) => {
                    return Ok(Started { address: connection.state.address });
                }
                Found::Busy if started.elapsed() > REPORT_TIMEOUT => {
                    return Err(StartError::Silent(REPORT_TIMEOUT));
                }
                Found::Busy => {
                    tokio::time::sleep(Duration::from_millis(2)).await;
                    continue;
                }
                Found::Orphan(_, Some(state)) => {
                    let over = state.is_final() || state.stopping || spec.restart == Restart::Never;
                    if over {
                        return Ok(Started { address: state.address });
                    }
                    false
                }
                Found::Nothing | Found::Orphan(_, None) => true,
            };
            let told = self.shim_spec(spec, line(&spec.command), false)?;
            make(directory.path())?;
            write_spec(&directory, &told)?;
            match self.run_shim(&directory).await {
                Ok(Some(started)) => return Ok(started),
                // Somebody else's shim was quicker: have a look at it.
                Ok(None) => {}
                Err(error) => {
                    // Unless somebody else had more luck with it in the meantime.
                    if fresh && let Ok(Some(_lock)) = directory.lock() {
                        let _ = remove_tree(directory.path());
                    }
                    return Err(error);
                }
            }
        }
    }

    /// What a shim has to know to run `command` as a process of `spec`'s app.
    pub(super) fn shim_spec(
        &self,
        spec: &InstanceSpec,
        command: Vec<String>,
        attached: bool,
    ) -> Result<ShimSpec, StartError> {
        let layers = spec.bundle.layers.iter().map(|layer| {
            let found = self.layers.find(&spec.owner, &layer.digest);
            found.ok_or_else(|| StartError::NotPrepared(layer.digest.clone()))
        });
        Ok(ShimSpec {
            protocol: VERSION,
            name: spec.id.to_string(),
            boxes: self.boxes.clone(),
            uid: spec.owner.uid,
            layers: layers.collect::<Result<_, _>>()?,
            data: Some(self.data(spec)?),
            command,
            env: environment(spec)?,
            port: spec.port && !attached,
            ports: self.directory.join(PORTS),
            restart: spec.restart,
            limits: spec.limits,
            attached,
        })
    }

    /// Where the app keeps what it keeps in this environment.
    fn data(&self, spec: &InstanceSpec) -> Result<PathBuf, StartError> {
        let app = self.directory.join("data").join(spec.owner.app.to_string());
        let data = app.join(spec.environment.as_str());
        make(&app)?;
        match std::fs::DirBuilder::new().mode(0o700).create(&data) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                return Err(StartError::io("make", &data)(error));
            }
            _ => {}
        }
        if matches!(self.boxes.isolation(), Isolation::Root | Isolation::Bare { root: true }) {
            let uid = Some(spec.owner.uid);
            chown(&data, uid, uid).map_err(StartError::io("give away", &data))?;
        }
        Ok(data)
    }

    /// Starts a shim and takes its report; `None` when there was no need for it.
    async fn run_shim(&self, directory: &InstanceDirectory) -> Result<Option<Started>, StartError> {
        let complaints = File::create(directory.complaints())
            .map_err(StartError::io("write", &directory.complaints()))?;
        let mut shim = tokio::process::Command::new(&self.solum)
            .arg("shim")
            .arg(directory.path())
            .current_dir("/")
            .env_clear()
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(complaints)
            .spawn()
            .map_err(StartError::io("run", &self.solum))?;
        let mut said = Vec::new();
        if let Some(stdout) = shim.stdout.take() {
            let reading = stdout.take(LONGEST_LINE as u64);
            let mut reading = std::pin::pin!(reading);
            match tokio::time::timeout(REPORT_TIMEOUT, reading.read_to_end(&mut said)).await {
                Ok(result) => result.map(|_| ()).map_err(StartError::io("run", &self.solum))?,
                Err(_) => return Err(StartError::Silent(REPORT_TIMEOUT)),
            }
        }
        match serde_json::from_slice(&said) {
            Ok(Report::Started { address }) => Ok(Some(Started { address })),
            Ok(Report::Superfluous) => Ok(None),
            Ok(Report::Refused(reason)) => Err(StartError::Refused(reason)),
            Err(_) => Err(StartError::Refused(failed(directory))),
        }
    }
}

/// What a shim that ended without a report left behind.
pub(crate) fn failed(directory: &InstanceDirectory) -> String {
    let complaints = std::fs::read_to_string(directory.complaints()).unwrap_or_default();
    let last: String = complaints.trim().chars().take(400).collect();
    if last.is_empty() {
        "its shim was killed".to_owned()
    } else {
        format!("its shim failed: {last}")
    }
}

/// A line for the shell, as a command.
fn line(command: &str) -> Vec<String> {
    ["/bin/sh", "-c", command].map(str::to_owned).to_vec()
}

pub(super) fn write_spec(directory: &InstanceDirectory, spec: &ShimSpec) -> Result<(), StartError> {
    serde_json::to_vec(spec)
        .map_err(io::Error::from)
        .and_then(|bytes| directory.write("spec.json", &bytes, false))
        .map_err(StartError::io("write", &directory.spec()))
}

pub(crate) fn make(path: &Path) -> Result<(), StartError> {
    match std::fs::create_dir(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            Err(StartError::io("make", path)(error))
        }
        _ => open_to_walk(path).map_err(StartError::io("open", path)),
    }
}

/// The bundle's variables, the app's over them, and what the platform says over both. What depends on where the box is, the
/// shim adds.
fn environment(spec: &InstanceSpec) -> Result<BTreeMap<String, String>, StartError> {
    let mut env: BTreeMap<String, String> =
        [("PATH", DEFAULT_PATH), ("HOME", Bundle::APP_DIR)].map(owned).into();
    env.extend(spec.bundle.env.clone());
    env.extend(spec.env.iter().map(|(name, value)| (name.to_string(), value.clone())));
    env.extend(
        [
            ("SOLUM_APP", spec.app.as_str()),
            ("SOLUM_ENVIRONMENT", spec.environment.as_str()),
            ("SOLUM_PROCESS", spec.process.as_str()),
            ("SOLUM_RELEASE", &spec.release),
        ]
        .map(owned),
    );
    check_environment(&env)?;
    Ok(env)
}

/// Whether the kernel will take it.
pub(crate) fn check_environment(env: &BTreeMap<String, String>) -> Result<(), StartError> {
    if let Some((name, _)) = env.iter().find(|(_, value)| value.contains('\0')) {
        return Err(StartError::NulInVariable(name.clone()));
    }
    if let Some((_, value)) = env.iter().find(|(_, value)| value.len() > LONGEST_VALUE) {
        return Err(StartError::EnvironmentTooLarge { bytes: value.len(), limit: LONGEST_VALUE });
    }
    let bytes = env.iter().map(|(name, value)| name.len() + value.len() + 2).sum();
    if bytes > LONGEST_ENVIRONMENT {
        return Err(StartError::EnvironmentTooLarge { bytes, limit: LONGEST_ENVIRONMENT });
    }
    Ok(())
}

fn owned((name, value): (&str, &str)) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// The names of the layers that the instances below a directory were started with.
pub(super) fn layers_in_use(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    entries
        .filter_map(|entry| std::fs::read(entry.ok()?.path().join("spec.json")).ok())
        .filter_map(|bytes| serde_json::from_slice::<ShimSpec>(&bytes).ok())
        .flat_map(|spec| spec.layers)
        .filter_map(|tree| Some(PathBuf::from(tree.parent()?.file_name()?)))
        .collect()
}
