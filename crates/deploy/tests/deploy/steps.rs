//! Steps of jobs: processes that outlive the server, and are found again.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use deploy::Exit;
use deploy::boxes::{Bind, BoxSpec, Boxes, Priority};
use deploy::steps::{
    Epoch, OutputKind, OutputLine, Patience, RESERVE, StepError, StepKey, StepObservation,
    StepSpec, Steps,
};
use types::{Limits, RunId, SystemClock};

use crate::world::{PATIENCE, is_running, mark, processes, until};

const UID: u32 = 123_458;
const OURS: Epoch = Epoch(7);
const OLDER: Epoch = Epoch(6);
const NEWER: Epoch = Epoch(8);

/// Steps in a directory of their own, and a ledger that they write to. None is left when it is dropped.
struct Ground {
    steps: Steps,
    key: StepKey,
    work: PathBuf,
    directory: tempfile::TempDir,
}

impl Ground {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let work = directory.path().join("work");
        std::fs::create_dir(&work).unwrap();
        std::os::unix::fs::chown(&work, Some(UID), Some(UID)).unwrap();
        let key = StepKey {
            run: RunId::generate(&SystemClock),
            leg: "build (linux, 1)".to_owned(),
            step: "../../odd name".to_owned(),
            attempt: 1,
        };
        Self { steps: steps(directory.path()), key, work, directory }
    }

    fn spec(&self, line: &str) -> StepSpec {
        StepSpec {
            boxed: BoxSpec {
                uid: UID,
                command: ["/bin/bash", "-c", line].map(str::to_owned).to_vec(),
                env: [("PATH", "/usr/bin:/bin"), ("TOKEN", "hush-hush")]
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .into(),
                workdir: "/work".into(),
                binds: vec![Bind {
                    source: self.work.clone(),
                    target: "/work".into(),
                    writable: true,
                }],
                network: false,
                limits: Limits::default(),
                tmp_bytes: 16 * 1024 * 1024,
                priority: Priority::Build,
            },
            output_bytes: 1024 * 1024,
        }
    }

    async fn start(&self, line: &str) {
        self.steps.start(&self.key, &self.spec(line), OURS).await.unwrap();
    }

    async fn ended(&self) -> StepObservation {
        let ended = tokio::time::timeout(PATIENCE, self.steps.ended(&self.key)).await;
        ended.expect("it ends").unwrap()
    }

    async fn exit(&self) -> Exit {
        match self.ended().await {
            StepObservation::Ended { exit, .. } => exit,
            other => panic!("{other:?}"),
        }
    }

    async fn running(&self) -> u32 {
        let started = Instant::now();
        loop {
            match self.steps.observe(&self.key).await.unwrap() {
                StepObservation::Running { pid, .. } => return pid,
                seen => assert!(started.elapsed() < PATIENCE, "{seen:?}"),
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    async fn lines(&self) -> Vec<OutputLine> {
        let mut reader = self.steps.output(&self.key, 0, false).await.unwrap();
        let mut lines = Vec::new();
        while let Some(line) = reader.next().await.unwrap() {
            lines.push(line);
        }
        lines
    }

    async fn texts(&self) -> Vec<String> {
        self.lines().await.into_iter().map(|line| line.text).collect()
    }

    /// Follows the output until it has this line; where to go on.
    async fn until_written(&self, wanted: &str) -> u64 {
        let mut reader = self.steps.output(&self.key, 0, true).await.unwrap();
        let reading = async {
            while let Some(line) = reader.next().await.unwrap() {
                if line.text == wanted {
                    return line.end;
                }
            }
            panic!("it ended without writing {wanted}");
        };
        tokio::time::timeout(PATIENCE, reading).await.expect(wanted)
    }

    fn shim(&self) -> u32 {
        let run = self.key.run.to_string();
        let is_shim = |line: &str| line.contains(" shim --step ") && line.contains(&run);
        processes().find(|(_, line)| is_shim(line)).expect("a shim").0
    }

    fn ledger(&self) -> String {
        std::fs::read_to_string(self.work.join("ledger")).unwrap_or_default()
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        let (steps, run) = (self.steps.clone(), self.key.run);
        let ended = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                for key in steps.list(run).await.unwrap() {
                    steps.cancel(&key, Epoch(u64::MAX), Patience::NONE).await.unwrap();
                    steps.ended(&key).await.unwrap();
                }
            });
        });
        if ended.join().is_err() && !std::thread::panicking() {
            panic!("the steps could not be ended");
        }
    }
}

fn steps(directory: &Path) -> Steps {
    let program = env!("CARGO_BIN_EXE_solum-deploy-testbed").into();
    Steps::new(
        directory.join("steps"),
        program,
        Boxes::detect(false, directory.join("boxes")).unwrap(),
    )
    .unwrap()
}

fn kill(pid: u32) {
    let pid = rustix::process::Pid::from_raw(pid.cast_signed()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}

#[tokio::test]
async fn a_step_runs_in_its_box_and_what_it_wrote_is_kept_in_order() {
    let ground = Ground::new();
    ground.start("for i in 1 2 3; do echo out $i; echo err $i >&2; done; id -u; pwd; exit 3").await;
    assert_eq!(ground.exit().await, Exit::Code(3));
    let lines = ground.lines().await;
    let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
    let expected = ["out 1", "err 1", "out 2", "err 2", "out 3", "err 3", "123458", "/work"];
    assert_eq!(texts, expected);
    assert!(lines.iter().all(|line| line.kind == OutputKind::Line && line.at.as_second() > 0));
    let mut reader = ground.steps.output(&ground.key, lines[5].end, true).await.unwrap();
    assert_eq!(reader.next().await.unwrap().unwrap().text, "123458");
    let StepObservation::Ended { output, .. } = ground.ended().await else { panic!() };
    assert_eq!((output.bytes, output.dropped_lines), (texts.join("\n").len() as u64 + 1, 0));
}

#[tokio::test]
async fn a_step_that_is_started_again_is_the_same_process() {
    let ground = Ground::new();
    let line = "echo begun >>ledger; echo ready; sleep 600";
    ground.start(line).await;
    ground.until_written("ready").await;
    let pid = ground.running().await;
    ground.start(line).await;
    assert_eq!(ground.running().await, pid);
    assert_eq!(ground.steps.list(ground.key.run).await.unwrap(), std::slice::from_ref(&ground.key));
    ground.steps.cancel(&ground.key, OURS, Patience::NONE).await.unwrap();
    assert_eq!(ground.exit().await, Exit::Signal(9));
    ground.start(line).await;
    assert_eq!(ground.exit().await, Exit::Signal(9));
    assert_eq!(ground.ledger(), "begun\n");
}

#[tokio::test]
async fn of_many_who_start_a_step_at_once_one_does() {
    let ground = Ground::new();
    let spec = ground.spec("echo begun >>ledger");
    let starts = (0..8).map(|_| {
        let (steps, key, spec) = (ground.steps.clone(), ground.key.clone(), spec.clone());
        std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(steps.start(&key, &spec, OURS)).unwrap();
        })
    });
    for start in starts.collect::<Vec<_>>() {
        start.join().unwrap();
    }
    assert_eq!(ground.exit().await, Exit::Code(0), "{:?}", ground.texts().await);
    assert_eq!(ground.ledger(), "begun\n");
}

#[tokio::test]
async fn a_step_outlives_its_server_and_its_output_is_read_on_where_that_stopped() {
    let ground = Ground::new();
    let key = serde_json::to_string(&ground.key).unwrap();
    let go = mark();
    let line = format!("echo one; sleep {go}; echo two; exit 4");
    let directory = ground.directory.path().join("steps");
    let mut server = Command::new(env!("CARGO_BIN_EXE_solum-deploy-testbed"))
        .args(["step".as_ref(), directory.as_os_str(), key.as_ref(), line.as_ref()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut said).unwrap();
    assert_eq!(said, "started\n");
    let pid = ground.running().await;
    let seen = ground.until_written("one").await;
    server.kill().unwrap();
    server.wait().unwrap();

    let next = steps(ground.directory.path());
    let StepObservation::Running { pid: after, .. } = next.attach(&ground.key, OURS).await.unwrap()
    else {
        panic!("it does not run")
    };
    assert_eq!(after, pid);
    let mut reader = next.output(&ground.key, seen, true).await.unwrap();
    until("it sleeps", || is_running(&format!("sleep {go}"))).await;
    let sleeper = processes().find(|(_, line)| line.starts_with(&format!("sleep {go}"))).unwrap();
    kill(sleeper.0);
    let mut texts = Vec::new();
    while let Some(line) = reader.next().await.unwrap() {
        texts.push(line.text);
    }
    // The shell tells that its child was killed.
    assert_eq!(texts, ["Killed", "two"]);
    assert_eq!(ground.exit().await, Exit::Code(4));
}

#[tokio::test]
async fn whoever_shows_an_older_lease_is_refused_while_it_runs_and_after() {
    let ground = Ground::new();
    ground.start("sleep 600").await;
    let pid = ground.running().await;
    let is_stale = |error: StepError, by: Epoch| {
        assert!(matches!(error, StepError::Stale { held, .. } if held == by), "{error}");
    };
    let (steps, key) = (&ground.steps, &ground.key);
    is_stale(steps.attach(key, OLDER).await.unwrap_err(), OURS);
    is_stale(steps.cancel(key, OLDER, Patience::NONE).await.unwrap_err(), OURS);
    is_stale(steps.forget(key, OLDER).await.unwrap_err(), OURS);
    steps.attach(key, NEWER).await.unwrap();
    is_stale(steps.cancel(key, OURS, Patience::NONE).await.unwrap_err(), NEWER);
    is_stale(steps.start(key, &ground.spec("true"), OURS).await.unwrap_err(), NEWER);
    assert_eq!(ground.running().await, pid);
    steps.cancel(key, NEWER, Patience::NONE).await.unwrap();
    ground.ended().await;
    is_stale(steps.attach(key, OURS).await.unwrap_err(), NEWER);
    is_stale(steps.forget(key, OURS).await.unwrap_err(), NEWER);
    steps.forget(key, NEWER).await.unwrap();
    assert_eq!(steps.observe(key).await.unwrap(), StepObservation::Absent);
}

#[tokio::test]
async fn a_cancelled_step_is_interrupted_then_terminated_then_killed() {
    for (traps, patience, exit, said) in [
        ("", (600, 600), Exit::Signal(2), ""),
        ("trap 'echo int; exit 9' INT; ", (600, 600), Exit::Code(9), "int"),
        ("trap '' INT; trap 'echo term; exit 8' TERM; ", (0, 600), Exit::Code(8), "term"),
        ("trap '' INT TERM; ", (0, 0), Exit::Signal(9), ""),
    ] {
        let ground = Ground::new();
        ground.start(&format!("{traps}echo ready; for i in $(seq 6000); do sleep .1; done")).await;
        ground.until_written("ready").await;
        let patience = Patience {
            interrupt: Duration::from_secs(patience.0),
            terminate: Duration::from_secs(patience.1),
        };
        ground.steps.cancel(&ground.key, OURS, patience).await.unwrap();
        assert_eq!(ground.exit().await, exit, "{traps}");
        // The shell tells when its own child was terminated.
        let texts = ground.texts().await;
        let texts = texts.iter().filter(|text| *text != "Terminated").map(String::as_str);
        assert_eq!(texts.collect::<String>(), format!("ready{said}"), "{traps}");
    }
}

#[tokio::test]
async fn a_second_cancellation_can_only_hasten_the_end() {
    let ground = Ground::new();
    ground.start("trap '' INT TERM; echo ready; sleep 600").await;
    ground.until_written("ready").await;
    let hours = Duration::from_secs(7200);
    let patient = Patience { interrupt: hours, terminate: hours };
    ground.steps.cancel(&ground.key, OURS, patient).await.unwrap();
    ground.steps.cancel(&ground.key, OURS, Patience::NONE).await.unwrap();
    ground.steps.cancel(&ground.key, OURS, patient).await.unwrap();
    assert_eq!(ground.exit().await, Exit::Signal(9));
}

#[tokio::test]
async fn a_step_whose_shim_was_killed_is_lost_and_is_not_run_again() {
    let ground = Ground::new();
    let mark = mark();
    let line = format!("echo begun >>ledger; echo ready; sleep {mark}");
    ground.start(&line).await;
    ground.until_written("ready").await;
    kill(ground.shim());
    assert_eq!(ground.ended().await, StepObservation::Lost);
    ground.start(&line).await;
    assert_eq!(ground.steps.attach(&ground.key, OURS).await.unwrap(), StepObservation::Lost);
    until("the box is gone", || !is_running(&mark)).await;
    assert_eq!(ground.texts().await, ["ready"]);
    assert_eq!(ground.ledger(), "begun\n");
    ground.steps.forget_run(ground.key.run, OURS).await.unwrap();
    assert!(!ground.directory.path().join("steps").join(ground.key.run.to_string()).exists());
}

#[tokio::test]
async fn what_a_step_is_told_is_nowhere_on_disk_and_in_no_command_line() {
    let ground = Ground::new();
    ground.start("echo ready; sleep 600").await;
    ground.until_written("ready").await;
    let found = Command::new("grep")
        .args(["--recursive", "--files-with-matches", "hush-hush"])
        .arg(ground.directory.path().join("steps"))
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&found.stdout), "");
    assert!(!is_running("hush-hush"));
    assert!(!format!("{:?}", ground.spec("true")).contains("hush-hush"));
}

#[tokio::test]
async fn a_step_that_still_runs_is_not_forgotten() {
    let ground = Ground::new();
    ground.start("sleep 600").await;
    let error = ground.steps.forget(&ground.key, OURS).await.unwrap_err();
    assert!(matches!(error, StepError::StillRunning(_)), "{error}");
    ground.running().await;
}

#[tokio::test]
async fn a_step_that_cannot_be_made_says_why_and_was_not_begun() {
    let ground = Ground::new();
    let mut spec = ground.spec("true");
    spec.boxed.uid = 0;
    let error = ground.steps.start(&ground.key, &spec, OURS).await.unwrap_err();
    assert!(error.to_string().contains("its user is root"), "{error}");
    assert_eq!(ground.steps.attach(&ground.key, OURS).await.unwrap(), StepObservation::Absent);
    let huge = [("X".to_owned(), "x".repeat(200 * 1024))];
    let mut spec = ground.spec("true");
    spec.boxed.env = huge.into();
    assert!(ground.steps.start(&ground.key, &spec, OURS).await.is_err());
}

/// The most memory that a process has taken, in bytes.
fn peak(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

#[tokio::test]
async fn a_gigabyte_of_output_takes_bounded_room_and_is_counted() {
    let ground = Ground::new();
    let spec = ground.spec("yes 0123456789 | head -c 1000000000; echo done >ledger; sleep 600");
    ground.steps.start(&ground.key, &spec, OURS).await.unwrap();
    until("all is written", || ground.ledger() == "done\n").await;
    assert!(peak(ground.shim()) < 64 << 20, "{}", peak(ground.shim()));
    ground.steps.cancel(&ground.key, OURS, Patience::NONE).await.unwrap();
    let StepObservation::Ended { output, .. } = ground.ended().await else { panic!() };
    assert_eq!(output.bytes, 1_000_000_000);
    let lines = ground.lines().await;
    let last = lines.last().unwrap();
    assert!(last.end <= spec.output_bytes + RESERVE);
    assert_eq!(last.kind, OutputKind::Note);
    let kept = lines.iter().filter(|line| line.kind == OutputKind::Line).count() as u64;
    assert_eq!(output.dropped_lines + kept, 1_000_000_000 / 11);
    assert_eq!(output.dropped_bytes + 11 * kept, 1_000_000_000);
}
