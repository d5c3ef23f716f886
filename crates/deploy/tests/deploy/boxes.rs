//! Boxes for builds and tests.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use deploy::boxes::{Bind, BoxError, BoxSpec, Boxes, Isolation, Priority};
use deploy::{Exit, OutputStream};
use tokio_util::sync::CancellationToken;
use types::Limits;

use crate::world::{PATIENCE, is_running, mark, processes, unprivileged, until};

fn spec(line: &str) -> BoxSpec {
    BoxSpec {
        uid: 123_456,
        command: ["/bin/sh", "-c", line].map(str::to_owned).to_vec(),
        env: [("PATH", "/usr/bin:/bin"), ("HOME", "/work")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        workdir: "/".into(),
        binds: Vec::new(),
        network: false,
        limits: Limits::default(),
        priority: Priority::Build,
        tmp_bytes: 16 * 1024 * 1024,
    }
}

async fn run(spec: &BoxSpec) -> (Result<Exit, BoxError>, Vec<String>) {
    run_until(spec, PATIENCE, &CancellationToken::new()).await
}

async fn run_until(
    spec: &BoxSpec,
    timeout: Duration,
    cancel: &CancellationToken,
) -> (Result<Exit, BoxError>, Vec<String>) {
    let mut lines = Vec::new();
    let etc = tempfile::tempdir().unwrap();
    let boxes = Boxes::detect(false, etc.path().to_owned()).unwrap();
    let take = |stream, line: &str| match stream {
        OutputStream::Stdout => lines.push(line.to_owned()),
        OutputStream::Stderr => lines.push(format!("! {line}")),
    };
    let exit = boxes.run(spec, timeout, take, cancel).await;
    (exit, lines)
}

#[tokio::test]
async fn a_build_reads_and_writes_what_is_bound_and_stands_back() {
    let directory = tempfile::tempdir().unwrap();
    let source = directory.path().join("source");
    std::fs::create_dir(&source).unwrap();
    std::os::unix::fs::chown(&source, Some(123_456), None).unwrap();
    std::fs::write(source.join("in"), "given\n").unwrap();
    let spec = BoxSpec {
        workdir: "/app".into(),
        binds: vec![Bind { source: source.clone(), target: "/app".into(), writable: true }],
        ..spec("cat in; echo made >out; nice; id -un; exit 3")
    };
    let (exit, lines) = run(&spec).await;
    assert_eq!(exit.unwrap(), Exit::Code(3));
    assert_eq!(lines, ["given", "15", "app"]);
    assert_eq!(std::fs::read_to_string(source.join("out")).unwrap(), "made\n");
    let read_only =
        BoxSpec { binds: vec![Bind { writable: false, ..spec.binds[0].clone() }], ..spec };
    let (_, lines) = run(&read_only).await;
    assert!(lines.iter().any(|line| line.ends_with("out: Read-only file system")), "{lines:?}");
}

#[tokio::test]
async fn whatever_a_command_leaves_behind_is_gone_when_it_ends() {
    let mark = mark();
    let line = format!("setsid sleep {mark} & (sleep {mark} &) ; echo up");
    let (exit, lines) = run(&spec(&line)).await;
    assert_eq!((exit.unwrap(), lines), (Exit::Code(0), vec!["up".to_owned()]));
    assert!(!is_running(&mark));
}

#[tokio::test]
async fn time_runs_out() {
    let mark = mark();
    // Long enough for the box to be made on a machine that is busy.
    let timeout = Duration::from_secs(2);
    let (exit, lines) =
        run_until(&spec(&format!("echo up; sleep {mark}")), timeout, &CancellationToken::new())
            .await;
    assert!(matches!(exit, Err(BoxError::TimedOut(after)) if after == timeout), "{exit:?}");
    assert_eq!(lines, ["up"]);
    assert!(!is_running(&mark));
}

#[tokio::test]
async fn a_command_can_be_cancelled_and_dropped() {
    let mark = mark();
    let spec = spec(&format!("sleep {mark}"));
    let cancel = CancellationToken::new();
    let started = Instant::now();
    let (run_to_end, ()) = tokio::join!(run_until(&spec, PATIENCE, &cancel), async {
        until("it runs", || is_running(&format!("sleep {mark}"))).await;
        cancel.cancel();
    });
    assert!(matches!(run_to_end.0, Err(BoxError::Cancelled)), "{:?}", run_to_end.0);
    assert!(started.elapsed() < PATIENCE / 2);
    assert!(!is_running(&mark));

    tokio::select! {
        end = run(&spec) => panic!("{end:?}"),
        () = until("it runs", || is_running(&format!("sleep {mark}"))) => {}
    }
    until("it is gone", || !is_running(&mark)).await;
}

#[tokio::test]
async fn a_command_dies_with_the_process_that_runs_it() {
    let etc = tempfile::tempdir().unwrap();
    let mark = mark();
    let mut server = Command::new(env!("CARGO_BIN_EXE_solum-deploy-testbed"))
        .args(["box", "boxed"])
        .args([etc.path().as_os_str(), format!("echo up; sleep {mark}").as_ref()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "up\n");
    server.kill().unwrap();
    server.wait().unwrap();
    until("the command is gone", || !is_running(&mark)).await;
}

#[tokio::test]
async fn a_box_whose_maker_is_killed_while_it_is_set_up_is_cleared_away_by_the_next() {
    let etc = tempfile::tempdir().unwrap();
    let mark = mark();
    for _ in 0..20 {
        let mut server = Command::new(env!("CARGO_BIN_EXE_solum-deploy-testbed"))
            .args(["box", "boxed"])
            .args([etc.path().as_os_str(), format!("exec sleep {mark}").as_ref()])
            .spawn()
            .unwrap();
        let begun = |line: &str| line.starts_with("bwrap ") && line.contains(&mark);
        until("the box is begun", || processes().any(|(_, line)| begun(&line))).await;
        server.kill().unwrap();
        server.wait().unwrap();
    }
    Boxes::detect(false, etc.path().to_owned()).unwrap();
    until("no box is left", || !is_running(&mark)).await;
}

#[tokio::test]
async fn a_flood_of_output_goes_through() {
    let (exit, lines) =
        run(&spec("head -c 5000000 /dev/zero | tr '\\0' x | fold -w 99; echo; echo end")).await;
    assert_eq!(exit.unwrap(), Exit::Code(0));
    assert_eq!(lines.iter().map(String::len).sum::<usize>(), 5_000_000 + 3);
}

#[tokio::test]
async fn without_a_network_there_is_only_the_loopback_device() {
    let (_, lines) = run(&spec("tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d ' '")).await;
    assert_eq!(lines, ["lo"]);
}

#[tokio::test]
async fn limits_hold_for_builds() {
    let limits = Limits { memory_bytes: Some(64 * 1024 * 1024), ..Limits::default() };
    let hog = BoxSpec { limits, ..spec("python3 -c 'x = bytearray(300 * 1024 * 1024)'") };
    assert_eq!(run(&hog).await.0.unwrap(), Exit::OutOfMemory);
}

#[tokio::test]
async fn a_source_that_is_not_there_is_named() {
    let missing = BoxSpec {
        binds: vec![Bind { source: "/no/such".into(), target: "/app".into(), writable: true }],
        ..spec("true")
    };
    let (exit, lines) = run(&missing).await;
    assert_eq!(exit.unwrap(), Exit::Code(1));
    assert!(lines.iter().any(|line| line.contains("/no/such")), "{lines:?}");
}

/// What the program says when somebody without privileges runs it.
fn without_root(bare: &str, line: &str) -> String {
    let (program, mut command) = unprivileged();
    let etc = program.path().join("boxes");
    std::fs::create_dir(&etc).unwrap();
    std::os::unix::fs::chown(&etc, Some(65_534), None).unwrap();
    let output = command.args(["box", bare]).arg(etc).arg(line).output().unwrap();
    drop(program);
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[tokio::test]
async fn without_root_boxes_are_user_namespaces_or_refused_with_a_reason() {
    let said = without_root("boxed", "id -u; touch /usr/x 2>/dev/null || echo kept out; ls /home");
    if said.contains("DoesNotWork") {
        // As on machines that forbid user namespaces; the reason is what counts then.
        assert!(said.contains("namespace"), "{said}");
    } else {
        let isolation = Isolation::User { uid: 65534, gid: 65534 };
        assert!(said.starts_with("65534\nkept out\n"), "{said}");
        assert!(said.contains(&format!("{isolation:?}")), "{said}");
    }
}

#[tokio::test]
async fn bare_commands_leave_nothing_behind_either() {
    let mark = mark();
    let said = without_root("bare", &format!("sleep {mark} & echo up"));
    assert!(said.starts_with("up\n"), "{said}");
    assert!(said.contains("Ok(Code(0))"), "{said}");
    until("it is gone", || !is_running(&mark)).await;
}
