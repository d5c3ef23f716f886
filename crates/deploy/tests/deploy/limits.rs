//! An app takes what it is given, and no more.

use std::time::{Duration, Instant};

use deploy::{Driver, Exit, InstanceSpec, Observation};
use types::Limits;

use crate::world::{PATIENCE, World, is_running, mark, until};

fn limits(memory_mebibytes: u64) -> Limits {
    Limits { memory_bytes: Some(memory_mebibytes * 1024 * 1024), ..Limits::default() }
}

const HOG: &str = "exec python3 -c 'x = bytearray(300 * 1024 * 1024)'";

#[tokio::test]
async fn who_takes_too_much_memory_is_said_to_have() {
    let world = World::new();
    let spec = InstanceSpec { limits: limits(64), ..world.running(HOG).await };
    let (exit, _) = world.output_of(spec).await;
    assert_eq!(exit, Exit::OutOfMemory);
}

#[tokio::test]
async fn it_is_said_between_two_restarts_too() {
    let world = World::new();
    let spec = InstanceSpec { limits: limits(64), ..world.running(HOG).await };
    world.driver.start(&spec).await.unwrap();
    let seen = world.until(spec.id, |seen| matches!(seen, Observation::BackingOff { .. })).await;
    assert!(matches!(seen, Observation::BackingOff { last: Exit::OutOfMemory, .. }), "{seen:?}");
}

#[tokio::test]
async fn who_stays_within_the_limit_is_left_alone() {
    let world = World::new();
    let spec = InstanceSpec { limits: limits(512), ..world.running(HOG).await };
    let (exit, text) = world.output_of(spec).await;
    assert_eq!(exit, Exit::Code(0), "{text}");
}

#[tokio::test]
async fn a_fork_bomb_is_contained_and_can_be_stopped() {
    let world = World::new();
    let mark = mark();
    let bomb = format!("f() {{ f | f & }}; f; sleep {mark} & while :; do f; done");
    let spec = InstanceSpec {
        limits: Limits { pids: Some(100), ..Limits::default() },
        ..world.running(&bomb).await
    };
    let uid = world.owner.uid;
    world.driver.start(&spec).await.unwrap();
    until("the limit is reached", || processes_of(uid) > 80).await;
    assert!(processes_of(uid) <= 100);
    let started = Instant::now();
    world.driver.stop(spec.id, Duration::from_millis(100)).await.unwrap();
    assert!(started.elapsed() < PATIENCE / 2, "{:?}", started.elapsed());
    assert_eq!(processes_of(uid), 0);
    assert!(!is_running(&mark));
}

#[tokio::test]
async fn limits_are_those_of_the_spec_and_processes_are_always_limited() {
    let world = World::new();
    let spec = world.running("exec sleep 600").await;
    world.driver.start(&spec).await.unwrap();
    assert_eq!(limit(&spec, &["pids.max"]), "1024");
    let limits = Limits { cpu_millis: Some(250), pids: Some(7), ..limits(64) };
    let spec = InstanceSpec { limits, ..world.spec(&spec.bundle, "exec sleep 600") };
    world.driver.start(&spec).await.unwrap();
    assert_eq!(limit(&spec, &["pids.max"]), "7");
    assert_eq!(limit(&spec, &["memory.max", "memory.limit_in_bytes"]), "67108864");
    let quota = limit(&spec, &["cpu.max", "cpu.cfs_quota_us"]);
    assert_eq!(quota.trim_end_matches(" 100000"), "25000");
}

/// What stands in the first of these files of an instance's control group that there is.
fn limit(spec: &InstanceSpec, files: &[&str]) -> String {
    let mut find = std::process::Command::new("find");
    find.args(["/sys/fs/cgroup", "-path", "/none"]);
    for file in files {
        find.args(["-o", "-path", &format!("*/{}/{file}", spec.id)]);
    }
    let found = String::from_utf8(find.output().unwrap().stdout).unwrap();
    std::fs::read_to_string(found.trim()).unwrap().trim().to_owned()
}

#[tokio::test]
async fn a_shim_is_small() {
    let world = World::new();
    let bundle = world.prepared(&[]).await;
    let specs: Vec<InstanceSpec> = (0..20).map(|_| world.spec(&bundle, "exec sleep 600")).collect();
    for spec in &specs {
        world.driver.start(spec).await.unwrap();
        world.until_running(spec.id).await;
    }
    let kibibytes: u64 =
        specs.iter().map(|spec| proportional_set_size(world.shim_of(spec.id))).sum();
    assert!(kibibytes / 20 < 2048, "{} KiB each", kibibytes / 20);
}

fn proportional_set_size(pid: u32) -> u64 {
    let sizes = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap();
    let line = sizes.lines().find_map(|line| line.strip_prefix("Pss:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

fn processes_of(uid: u32) -> usize {
    use std::os::unix::fs::MetadataExt as _;
    let entries = std::fs::read_dir("/proc").unwrap().flatten();
    entries.filter(|entry| entry.metadata().is_ok_and(|it| it.uid() == uid)).count()
}
