//! What an instance writes, as it is read back.

use std::time::Duration;

use deploy::{Driver, Error, InstanceSpec, LogLine, LogReader, LogStart, OutputStream, Restart};

use crate::world::{NO_GRACE, PATIENCE, World};

async fn all(mut reader: Box<dyn LogReader>) -> Vec<LogLine> {
    let mut lines = Vec::new();
    let reading = async {
        while let Some(line) = reader.next().await.unwrap() {
            lines.push(line);
        }
    };
    tokio::time::timeout(PATIENCE, reading).await.expect("the log ends");
    lines
}

fn texts(lines: &[LogLine]) -> Vec<&str> {
    lines.iter().map(|line| line.text.as_str()).collect()
}

#[tokio::test]
async fn lines_come_with_their_stream_and_can_be_read_from_the_end() {
    let world = World::new();
    let spec = world.running("for i in 1 2 3 4; do echo $i; done; sleep 0.1; echo oops >&2").await;
    let (id, spec) = (spec.id, InstanceSpec { restart: Restart::Never, ..spec });
    world.output_of(spec).await;
    let lines = all(world.driver.logs(id, LogStart::Last(2), false).await.unwrap()).await;
    assert_eq!(texts(&lines), ["4", "oops"]);
    assert_eq!(lines[0].stream, OutputStream::Stdout);
    assert_eq!(lines[1].stream, OutputStream::Stderr);
    assert!(lines[0].at <= lines[1].at);
    let all_lines = all(world.driver.logs(id, LogStart::Last(100), false).await.unwrap()).await;
    assert_eq!(texts(&all_lines), ["1", "2", "3", "4", "oops"]);
    let none = all(world.driver.logs(id, LogStart::Last(0), false).await.unwrap()).await;
    assert!(none.is_empty());
    let after = LogStart::After(all_lines[2].position);
    let rest = all(world.driver.logs(id, after, false).await.unwrap()).await;
    assert_eq!(texts(&rest), ["4", "oops"]);
}

#[tokio::test]
async fn a_follower_gets_lines_as_they_come_and_an_end() {
    let world = World::new();
    let spec =
        world.running("echo begun; while [ ! -e /data/go ]; do sleep 0.01; done; echo ended").await;
    let spec = InstanceSpec { restart: Restart::Never, ..spec };
    world.driver.start(&spec).await.unwrap();
    let mut reader = world.driver.logs(spec.id, LogStart::Last(10), true).await.unwrap();
    assert_eq!(reader.next().await.unwrap().unwrap().text, "begun");
    // A call that is dropped loses nothing.
    let waited = tokio::time::timeout(Duration::from_millis(50), reader.next()).await;
    assert!(waited.is_err());
    let data = world.directory.join("data").join(world.owner.app.to_string()).join("dev");
    std::fs::write(data.join("go"), "").unwrap();
    assert_eq!(texts(&all(reader).await), ["ended"]);
}

#[tokio::test]
async fn a_followers_log_also_ends_with_a_shim_that_is_killed() {
    let world = World::new();
    let spec = world.running("echo up; exec sleep 600").await;
    world.driver.start(&spec).await.unwrap();
    world.until_written(spec.id, "up").await;
    let reader = world.driver.logs(spec.id, LogStart::Last(10), true).await.unwrap();
    let shim = rustix::process::Pid::from_raw(world.shim_of(spec.id).cast_signed()).unwrap();
    rustix::process::kill_process(shim, rustix::process::Signal::KILL).unwrap();
    assert_eq!(texts(&all(reader).await), ["up"]);
}

#[tokio::test]
async fn a_flood_takes_bounded_room_and_stops_nobody() {
    let world = World::new();
    let spec = world
        .running("i=0; while [ $i -lt 40 ]; do head -c 1000000 /dev/zero | tr '\\0' x | fold -w 100; i=$((i+1)); done; echo; echo last")
        .await;
    let spec = InstanceSpec { restart: Restart::Never, ..spec };
    world.driver.start(&spec).await.unwrap();
    world.exit_of(spec.id).await;
    let bytes: u64 = std::fs::read_dir(world.of(spec.id).join("log"))
        .unwrap()
        .map(|entry| entry.unwrap().metadata().unwrap().len())
        .sum();
    assert!(bytes < 8 * 1024 * 1024, "{bytes}");
    let lines = all(world.driver.logs(spec.id, LogStart::Last(1), false).await.unwrap()).await;
    assert_eq!(texts(&lines), ["last"]);
    // Somebody who was left behind goes on with the oldest line there is.
    let early = "1-100".parse().unwrap();
    let rest = all(world.driver.logs(spec.id, LogStart::After(early), false).await.unwrap()).await;
    assert!(rest.len() > 10_000);
    assert_eq!(rest.last().unwrap().text, "last");
}

#[tokio::test]
async fn logs_outlive_the_process_and_go_with_the_instance() {
    let world = World::new();
    let spec = world.running("echo hello; exec sleep 600").await;
    world.driver.start(&spec).await.unwrap();
    world.until_written(spec.id, "hello").await;
    world.driver.stop(spec.id, NO_GRACE).await.unwrap();
    assert_eq!(world.log(spec.id).await, "hello\n");
    world.driver.remove(spec.id).await.unwrap();
    let error = world.driver.logs(spec.id, LogStart::Last(1), false).await.unwrap_err();
    assert!(matches!(error, Error::Absent(id) if id == spec.id));
}
