//! From an instance's start to its end, and what happens when somebody is killed in between.

use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use deploy::{Driver, Exit, InstanceSpec, LogStart, Observation, ProcessDriver, Restart};
use rustix::process::{Pid, Signal, kill_process};
use types::{HealthCheck, InstanceId};

use crate::world::{
    NO_GRACE, OK, PATIENCE, PORT, World, config, is_running, mark, processes, server, unprivileged,
    until,
};

fn kill(pid: u32) {
    kill_process(Pid::from_raw(pid.cast_signed()).unwrap(), Signal::KILL).unwrap();
}

fn restarts(seen: &Observation) -> u32 {
    match seen {
        Observation::Running { restarts, .. } | Observation::BackingOff { restarts, .. } => {
            *restarts
        }
        _ => 0,
    }
}

#[tokio::test]
async fn a_process_that_exits_is_started_again_after_pauses_that_grow() {
    let world = World::new();
    let spec = world.running("date +%s%N >>/data/starts; exit 7").await;
    world.driver.start(&spec).await.unwrap();
    let seen = world
        .until(spec.id, |seen| {
            restarts(seen) >= 3 && matches!(seen, Observation::BackingOff { .. })
        })
        .await;
    assert!(matches!(seen, Observation::BackingOff { last: Exit::Code(7), .. }), "{seen:?}");
    world.driver.stop(spec.id, NO_GRACE).await.unwrap();
    let (_, starts) = world.output_of(world.spec(&spec.bundle, "cat /data/starts")).await;
    let starts: Vec<u128> = starts.lines().map(|line| line.parse().unwrap()).collect();
    let pauses: Vec<u128> = starts.windows(2).map(|two| (two[1] - two[0]) / 1_000_000).collect();
    for (pause, least) in pauses.iter().zip([100, 200, 400]) {
        assert!(*pause >= least, "{pauses:?}");
    }
}

#[tokio::test]
async fn a_port_stays_the_same_over_restarts_of_the_process() {
    let world = World::new();
    let spec = world.running(&format!("echo $PORT >>/data/ports\n{}", server(PORT, OK))).await;
    let spec = InstanceSpec { port: true, ..spec };
    let address = world.driver.start(&spec).await.unwrap().address.unwrap();
    world.driver.ready(spec.id, &HealthCheck::default()).await.unwrap();
    let pid = world.until_running(spec.id).await;
    kill(pid);
    let seen = world.until(spec.id, |seen| restarts(seen) == 1 && seen.address().is_some()).await;
    assert_eq!(seen.address(), Some(address));
    world.driver.ready(spec.id, &HealthCheck::default()).await.unwrap();
    let (_, ports) = world.output_of(world.spec(&spec.bundle, "cat /data/ports")).await;
    assert_eq!(ports, format!("{0}\n{0}\n", address.port()));
}

#[tokio::test]
async fn an_instance_outlives_the_server_that_started_it() {
    let world = World::new();
    let mark = mark();
    let mut server = Command::new(env!("CARGO_BIN_EXE_solum-deploy-testbed"))
        .args(["start", world.directory.to_str().unwrap()])
        .arg(format!("sleep {mark}; echo never"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut id = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut id).unwrap();
    let id: InstanceId = id.trim().parse().unwrap();
    let pid = world.until_running(id).await;
    server.kill().unwrap();
    server.wait().unwrap();

    let shim = world.shim_of(id);
    let stat = std::fs::read_to_string(format!("/proc/{shim}/stat")).unwrap();
    let session = stat.rsplit_once(") ").unwrap().1.split(' ').nth(3).unwrap().to_owned();
    assert_eq!(session, shim.to_string(), "the shim leads a session of its own");
    assert!(is_running(&format!("sleep {mark}")));
    // And it restarts its child while nobody is there.
    kill(pid);
    let seen = world
        .until(id, |seen| restarts(seen) == 1 && !matches!(seen, Observation::BackingOff { .. }))
        .await;
    assert!(matches!(seen, Observation::Running { .. }), "{seen:?}");
    world.driver.stop(id, NO_GRACE).await.unwrap();
    assert!(!is_running(&format!("sleep {mark}")));
}

#[tokio::test]
async fn without_root_an_instance_lives_and_ends_too() {
    let world = World::new();
    let directory = world.directory.join("another");
    std::fs::create_dir(&directory).unwrap();
    std::os::unix::fs::chown(&directory, Some(65534), Some(65534)).unwrap();
    for above in directory.ancestors().skip(1).take(2) {
        std::fs::set_permissions(above, std::fs::Permissions::from_mode(0o711)).unwrap();
    }
    let mark = mark();
    let (_program, mut command) = unprivileged();
    let mut server = command
        .args(["start", directory.to_str().unwrap()])
        .arg(format!("touch /app/x /data/x && id -u; sleep {mark} & sleep {mark}"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut id = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut id).unwrap();
    server.kill().unwrap();
    let said = server.wait_with_output().unwrap().stderr;
    let said = String::from_utf8_lossy(&said);
    let Ok(id) = id.trim().parse::<InstanceId>() else {
        // As on machines that forbid user namespaces; the reason is what counts then.
        assert!(said.contains("DoesNotWork") && said.contains("namespace"), "{said}");
        return;
    };
    let driver = ProcessDriver::new(config(directory)).unwrap();
    let mut log = driver.logs(id, LogStart::Last(10), true).await.unwrap();
    assert_eq!(log.next().await.unwrap().unwrap().text, "65534");
    driver.stop(id, PATIENCE).await.unwrap();
    assert!(!is_running(&mark));
    driver.remove(id).await.unwrap();
}

#[tokio::test]
async fn a_box_goes_with_its_shim_and_the_instance_is_lost_and_found() {
    let world = World::new();
    let mark = mark();
    let spec = world.running(&format!("sleep {mark} & sleep {mark}; wait")).await;
    world.driver.start(&spec).await.unwrap();
    world.until_running(spec.id).await;
    until("the command runs", || is_running(&format!("sleep {mark}"))).await;
    kill(world.shim_of(spec.id));
    let seen = world.until(spec.id, |seen| matches!(seen, Observation::Exited { .. })).await;
    assert!(matches!(seen, Observation::Exited { exit: Exit::Lost, .. }), "{seen:?}");
    until("the box is gone", || !is_running(&mark)).await;

    world.driver.start(&spec).await.unwrap();
    world.until_running(spec.id).await;
    until("the command runs again", || is_running(&format!("sleep {mark}"))).await;
    world.driver.stop(spec.id, NO_GRACE).await.unwrap();
    assert!(!is_running(&mark));
}

#[tokio::test]
async fn stopping_a_lost_instance_leaves_nothing_and_is_final() {
    let world = World::new();
    let mark = mark();
    let spec = world.running(&format!("sleep {mark}")).await;
    world.driver.start(&spec).await.unwrap();
    world.until_running(spec.id).await;
    kill(world.shim_of(spec.id));
    world.driver.stop(spec.id, NO_GRACE).await.unwrap();
    assert!(!is_running(&mark));
    world.driver.start(&spec).await.unwrap();
    let seen = world.driver.observe(spec.id).await.unwrap();
    assert!(matches!(seen, Observation::Exited { exit: Exit::Lost, .. }), "{seen:?}");
    world.driver.remove(spec.id).await.unwrap();
    assert!(!world.of(spec.id).exists());
}

#[tokio::test]
async fn a_one_time_process_that_was_lost_is_not_run_again() {
    let world = World::new();
    let spec = world.running("echo once >>/data/runs; sleep 600").await;
    let spec = InstanceSpec { restart: Restart::Never, ..spec };
    world.driver.start(&spec).await.unwrap();
    world.until_running(spec.id).await;
    kill(world.shim_of(spec.id));
    assert_eq!(world.exit_of(spec.id).await, Exit::Lost);
    world.driver.start(&spec).await.unwrap();
    assert_eq!(world.exit_of(spec.id).await, Exit::Lost);
}

#[tokio::test]
async fn stopping_asks_every_process_and_waits_for_the_slowest() {
    let world = World::new();
    // The first process ends at once, its child takes its time.
    let child =
        "trap 'sleep 0.4; echo child done; exit' TERM; echo up; while :; do sleep 0.02; done";
    let spec = world.running(&format!("sh -c \"{child}\" & wait; sleep 600")).await;
    world.driver.start(&spec).await.unwrap();
    world.until_written(spec.id, "up").await;
    let started = Instant::now();
    world.driver.stop(spec.id, PATIENCE).await.unwrap();
    assert!(started.elapsed() < PATIENCE / 2, "{:?}", started.elapsed());
    let log = world.log(spec.id).await;
    assert!(log.contains("\nchild done\n"), "{log}");
    assert!(started.elapsed() >= Duration::from_millis(400), "it was left to finish");
}

#[tokio::test]
async fn what_does_not_end_in_time_is_killed() {
    let world = World::new();
    let mark = mark();
    let spec = world.running(&format!("trap '' TERM; echo up; sleep {mark}; sleep {mark}")).await;
    world.driver.start(&spec).await.unwrap();
    world.until_written(spec.id, "up").await;
    let grace = Duration::from_millis(300);
    let started = Instant::now();
    world.driver.stop(spec.id, grace).await.unwrap();
    assert!(started.elapsed() >= grace);
    assert!(!is_running(&mark));
    assert_eq!(world.exit_of(spec.id).await, Exit::Signal(9));
}

#[tokio::test]
async fn a_second_stop_may_be_less_patient() {
    let world = World::new();
    let spec = world.running("trap '' TERM; echo up; while :; do sleep 0.1; done").await;
    world.driver.start(&spec).await.unwrap();
    world.until_written(spec.id, "up").await;
    let started = Instant::now();
    let (patient, hasty) = tokio::join!(world.driver.stop(spec.id, PATIENCE), async {
        tokio::task::yield_now().await;
        world.driver.stop(spec.id, NO_GRACE).await
    });
    patient.unwrap();
    hasty.unwrap();
    assert!(started.elapsed() < PATIENCE / 2);
}

#[tokio::test]
async fn stopping_at_once_after_the_start_works() {
    let world = World::new();
    let bundle = world.prepared(&[]).await;
    for _ in 0..10 {
        let mark = mark();
        let spec = world.spec(&bundle, &format!("sleep {mark}"));
        world.driver.start(&spec).await.unwrap();
        let started = Instant::now();
        world.driver.stop(spec.id, PATIENCE).await.unwrap();
        assert!(started.elapsed() < PATIENCE / 2, "{:?}", started.elapsed());
        assert!(!is_running(&mark));
    }
}

#[tokio::test]
async fn stopping_between_two_restarts_works() {
    let world = World::new();
    let spec = world.running("exit 9").await;
    world.driver.start(&spec).await.unwrap();
    world.until(spec.id, |seen| matches!(seen, Observation::BackingOff { .. })).await;
    world.driver.stop(spec.id, PATIENCE).await.unwrap();
    assert_eq!(world.exit_of(spec.id).await, Exit::Code(9));
}

#[tokio::test]
async fn a_stopped_instance_leaves_no_process_and_no_control_group() {
    let world = World::new();
    let spec = world.running("sleep 600").await;
    world.driver.start(&spec).await.unwrap();
    world.until_running(spec.id).await;
    let id = spec.id.to_string();
    assert!(world.driver.boxes().enforces_limits(), "this machine has control groups");
    assert!(!groups_of(&id).is_empty());
    world.driver.stop(spec.id, NO_GRACE).await.unwrap();
    assert_eq!(groups_of(&id), Vec::<String>::new());
    let left: Vec<String> =
        processes().map(|(_, line)| line).filter(|line| line.contains(&id)).collect();
    assert_eq!(left, Vec::<String>::new());
}

fn groups_of(id: &str) -> Vec<String> {
    let found = Command::new("find").args(["/sys/fs/cgroup", "-name", id]).output().unwrap();
    String::from_utf8(found.stdout).unwrap().lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn a_directory_may_lie_deeper_than_a_socket_address_reaches() {
    let world = World::with(|config| {
        for _ in 0..3 {
            config.directory = config.directory.with_file_name("d".repeat(60)).join("process");
            std::fs::create_dir_all(config.directory.parent().unwrap()).unwrap();
        }
    });
    let spec = InstanceSpec { port: true, ..world.running(&server(PORT, OK)).await };
    assert!(world.of(spec.id).as_os_str().len() > 108);
    world.driver.start(&spec).await.unwrap();
    world.driver.ready(spec.id, &HealthCheck::default()).await.unwrap();
    world.driver.stop(spec.id, NO_GRACE).await.unwrap();
    world.driver.remove(spec.id).await.unwrap();
}

#[tokio::test]
async fn another_server_takes_up_what_runs() {
    let world = World::new();
    let spec = InstanceSpec { port: true, ..world.running(&server(PORT, OK)).await };
    let started = world.driver.start(&spec).await.unwrap();
    world.driver.ready(spec.id, &HealthCheck::default()).await.unwrap();
    let before = world.driver.observe(spec.id).await.unwrap();
    let other = world.restarted();
    assert_eq!(other.list().await.unwrap(), [spec.id]);
    assert_eq!(other.start(&spec).await.unwrap(), started);
    assert_eq!(other.observe(spec.id).await.unwrap(), before);
    other.stop(spec.id, PATIENCE).await.unwrap();
    assert_eq!(world.exit_of(spec.id).await, Exit::Signal(15));
}

#[tokio::test]
async fn a_start_that_is_refused_leaves_nothing() {
    let world = World::with(|config| config.solum = "/bin/false".into());
    let spec = world.running("sleep 600").await;
    let error = world.driver.start(&spec).await.unwrap_err();
    assert!(error.to_string().contains("its shim was killed"), "{error}");
    assert_eq!(world.driver.observe(spec.id).await.unwrap(), Observation::Absent);
    assert!(world.driver.list().await.unwrap().is_empty());
}
