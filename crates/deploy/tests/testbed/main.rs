//! What the tests start where Solum would start itself, and what they kill.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use deploy::boxes::{BoxSpec, Boxes, Priority};
use deploy::steps::{Epoch, StepKey, StepSpec, Steps};
use deploy::{Driver as _, InstanceSpec, Owner, ProcessConfig, ProcessDriver, Restart};
use tokio_util::sync::CancellationToken;
use types::{AppId, Bundle, Digest, InstanceId, Limits, Manifest, ProcessType, Stack, SystemClock};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["shim", "--step", directory] => deploy::steps::run(directory.as_ref()),
        ["shim", directory] => deploy::shim::run(directory.as_ref()),
        ["step", directory, key, command] => run(step(directory.into(), key, command)),
        ["start", directory, command] => run(start(directory.into(), command)),
        ["box", bare, directory, command] => {
            run(in_a_box(bare == "bare", directory.into(), command))
        }
        _ => ExitCode::from(2),
    }
}

fn run(work: impl Future<Output = ()>) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    runtime.expect("a runtime").block_on(work);
    ExitCode::SUCCESS
}

/// A server that starts an instance, says which, and does nothing until it is killed.
async fn start(directory: PathBuf, command: &str) {
    let stack = Stack {
        os: "debian-12".into(),
        libc: "glibc-2.36".into(),
        architecture: "x86_64".into(),
        runtimes: BTreeMap::new(),
    };
    let driver = ProcessDriver::new(ProcessConfig {
        directory,
        solum: std::env::current_exe().expect("a program"),
        machine: stack.clone().into(),
        bare: false,
        clock: Arc::new(SystemClock),
    })
    .expect("a driver");
    let spec = InstanceSpec {
        id: InstanceId::generate(&SystemClock),
        app: "shop".parse().expect("a name"),
        environment: "dev".parse().expect("a name"),
        process: ProcessType::web(),
        release: "v1".into(),
        owner: Owner { app: AppId::generate(&SystemClock), uid: 123_456 },
        bundle: Bundle {
            digest: Digest::from_sha256([0; 32]),
            stack,
            layers: Vec::new(),
            env: BTreeMap::new(),
            manifest: Manifest::default(),
        },
        command: command.to_owned(),
        env: BTreeMap::new(),
        port: false,
        restart: Restart::Always,
        limits: Limits::default(),
    };
    driver.start(&spec).await.expect("an instance");
    say(&spec.id.to_string());
    let _ = std::io::stdin().read(&mut [0]);
}

/// A server that starts a step, says so, and does nothing until it is killed.
async fn step(directory: PathBuf, key: &str, command: &str) {
    let program = std::env::current_exe().expect("a program");
    let boxes = Boxes::detect(false, directory.join("boxes")).expect("boxes");
    let steps = Steps::new(directory, program, boxes).expect("a place for steps");
    let key: StepKey = serde_json::from_str(key).expect("a key");
    let spec = StepSpec {
        boxed: BoxSpec {
            uid: 123_458,
            command: ["/bin/sh", "-c", command].map(str::to_owned).to_vec(),
            env: [("PATH".to_owned(), "/usr/bin:/bin".to_owned())].into(),
            workdir: "/".into(),
            binds: Vec::new(),
            network: false,
            limits: Limits::default(),
            tmp_bytes: 1024 * 1024,
            priority: Priority::Build,
        },
        output_bytes: 1024 * 1024,
    };
    steps.start(&key, &spec, Epoch(1)).await.expect("a step");
    say("started");
    let _ = std::io::stdin().read(&mut [0]);
}

/// Runs a command in a box, and says what it says.
async fn in_a_box(bare: bool, directory: PathBuf, command: &str) {
    let boxes = Boxes::detect(bare, directory).expect("boxes");
    let spec = BoxSpec {
        uid: 123_457,
        command: ["/bin/sh", "-c", command].map(str::to_owned).to_vec(),
        env: [("PATH".to_owned(), "/usr/bin:/bin".to_owned())].into(),
        workdir: "/".into(),
        binds: Vec::new(),
        network: true,
        limits: Limits::default(),
        priority: Priority::Build,
        tmp_bytes: 1024 * 1024,
    };
    let cancel = CancellationToken::new();
    let exit = boxes.run(&spec, Duration::from_secs(600), |_, line| say(line), &cancel).await;
    say(&format!("{:?}: {exit:?}", boxes.isolation()));
}

fn say(line: &str) {
    let mut stdout = std::io::stdout().lock();
    let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
}
