//! What a box adds to a step: `true`, bare and as a step, one after the other.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement, not the product")]

use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use deploy::boxes::{BoxSpec, Boxes, Priority};
use deploy::steps::{Epoch, StepKey, StepObservation, StepSpec, Steps};
use types::{Limits, RunId, SystemClock};

const ROUNDS: u32 = 200;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    if let [_, shim, step, directory] = &arguments[..]
        && (shim.as_str(), step.as_str()) == ("shim", "--step")
    {
        return deploy::steps::run(directory.as_ref());
    }
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(measure());
    ExitCode::SUCCESS
}

async fn measure() {
    let directory = tempfile::tempdir().unwrap();
    let boxes = Boxes::detect(false, directory.path().join("boxes")).unwrap();
    let program = std::env::current_exe().unwrap();
    let steps = Steps::new(directory.path().join("steps"), program, boxes).unwrap();
    let run = RunId::generate(&SystemClock);
    let spec = StepSpec {
        boxed: BoxSpec {
            uid: 123_459,
            command: vec!["true".to_owned()],
            env: [("PATH".to_owned(), "/usr/bin:/bin".to_owned())].into(),
            workdir: "/".into(),
            binds: Vec::new(),
            network: false,
            limits: Limits::default(),
            tmp_bytes: 16 << 20,
            priority: Priority::Build,
        },
        output_bytes: 1 << 20,
    };
    let (mut bare, mut boxed) = (Vec::new(), Vec::new());
    for attempt in 0..ROUNDS {
        let started = Instant::now();
        assert!(Command::new("true").status().unwrap().success());
        bare.push(started.elapsed());
        let key = StepKey { run, leg: "build".to_owned(), step: "true".to_owned(), attempt };
        let started = Instant::now();
        steps.start(&key, &spec, Epoch(1)).await.unwrap();
        let end = steps.ended(&key).await.unwrap();
        boxed.push(started.elapsed());
        assert!(matches!(end, StepObservation::Ended { exit, .. } if exit.is_success()), "{end:?}");
        steps.forget(&key, Epoch(1)).await.unwrap();
    }
    for (name, mut times) in [("bare", bare), ("step", boxed)] {
        times.sort();
        let at = |share: usize| times[times.len() * share / 100].as_secs_f64() * 1000.0;
        println!("{name}: p50 {:.2} ms, p90 {:.2} ms, p99 {:.2} ms", at(50), at(90), at(99));
        let _: Duration = times[0];
    }
}
