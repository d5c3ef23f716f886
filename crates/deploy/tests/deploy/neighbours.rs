//! What one app can do to another through the network that they share.

use std::time::Duration;

use deploy::{Driver, InstanceSpec, Owner};
use rustix::process::{Pid, Signal, kill_process};
use types::{AppId, HealthCheck, SystemClock};

use crate::world::{OK, PORT, World, health, server};

#[tokio::test]
async fn no_app_enters_where_ports_are_reserved() {
    use std::os::unix::fs::MetadataExt as _;
    let world = World::new();
    let spec = InstanceSpec { port: true, ..world.running("exec sleep 600").await };
    let port = world.driver.start(&spec).await.unwrap().address.unwrap().port();
    let ports = world.directory.join("ports");
    assert!(ports.join(port.to_string()).is_file());
    assert_eq!(std::fs::metadata(&ports).unwrap().mode() & 0o777, 0o700);
}

/// An instance of another app than `spec`'s.
async fn neighbour(world: &World, command: &str) -> InstanceSpec {
    let owner = Owner { app: AppId::generate(&SystemClock), uid: world.owner.uid + 70_000 };
    let bundle = world.bundle(vec![world.layer(&crate::world::tar_of(&[]))]);
    world.driver.prepare(&bundle, &owner, world.blobs()).await.unwrap();
    InstanceSpec { owner, app: "evil".parse().unwrap(), ..world.spec(&bundle, command) }
}

/// Tries to get at a port until it has it, and answers whoever comes.
fn taker(port: u16) -> String {
    format!(
        r#"exec python3 -uc '
import socket, time
print("trying")
while True:
    try:
        s = socket.create_server(("127.0.0.1", {port}))
        break
    except OSError:
        time.sleep(0.0005)
print("took over")
while True:
    c, _ = s.accept()
    c.recv(4096)
    c.sendall(b"{OK}")
    c.close()
'"#
    )
}

#[tokio::test]
async fn an_instance_whose_port_was_taken_while_it_was_down_comes_back_on_another() {
    let world = World::new();
    let spec = InstanceSpec { port: true, ..world.running(&server(PORT, OK)).await };
    let first = world.driver.start(&spec).await.unwrap().address.unwrap();
    let health = HealthCheck::default();
    assert_eq!(world.driver.ready(spec.id, &health).await.unwrap().address, Some(first));
    let evil = neighbour(&world, &taker(first.port())).await;
    world.driver.start(&evil).await.unwrap();
    world.until_written(evil.id, "trying").await;

    let pid = world.until_running(spec.id).await;
    kill_process(Pid::from_raw(pid.cast_signed()).unwrap(), Signal::KILL).unwrap();
    world.until_written(evil.id, "took over").await;
    let seen = world.until(spec.id, |seen| seen.address().is_some_and(|at| at != first)).await;
    let ready = world.driver.ready(spec.id, &health).await.unwrap();
    assert!(ready.address.is_some() && ready.address != Some(first), "{ready:?} {seen:?}");
    let log = world.log(spec.id).await;
    assert!(log.contains(&format!("port {} is taken by another program", first.port())), "{log}");
}

#[tokio::test]
async fn an_answer_from_another_app_makes_no_instance_ready() {
    let world = World::new();
    let spec = InstanceSpec { port: true, ..world.running("exec sleep 600").await };
    let address = world.driver.start(&spec).await.unwrap().address.unwrap();
    let evil = neighbour(&world, &taker(address.port())).await;
    world.driver.start(&evil).await.unwrap();
    world.until_written(evil.id, "took over").await;
    let health = health(None, Duration::from_millis(1500));
    let error = world.driver.ready(spec.id, &health).await.unwrap_err().to_string();
    let expected = format!("another app's program listens on port {}", address.port());
    assert!(error.contains(&expected), "{error}");
}

#[tokio::test]
async fn an_app_that_cannot_share_a_port_gets_another_when_somebody_sits_on_its_own() {
    let world = World::new();
    // It has bound the port and does not listen: only who sets SO_REUSEADDR can listen there, and this app does not.
    let plain = r#"exec python3 -uc '
import os, socket
s = socket.socket()
s.bind(("127.0.0.1", int(os.environ["PORT"])))
s.listen()
s.accept()
'"#;
    let spec = InstanceSpec { port: true, ..world.running(plain).await };
    let first = world.driver.start(&spec).await.unwrap().address.unwrap();
    let evil = format!(
        r#"exec python3 -uc '
import signal, socket, time
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
print("trying")
while True:
    try:
        s.bind(("127.0.0.1", {}))
        break
    except OSError:
        time.sleep(0.0005)
print("sits")
signal.pause()
'"#,
        first.port()
    );
    let evil = neighbour(&world, &evil).await;
    world.driver.start(&evil).await.unwrap();
    world.until_written(evil.id, "trying").await;
    let pid = world.until_running(spec.id).await;
    kill_process(Pid::from_raw(pid.cast_signed()).unwrap(), Signal::KILL).unwrap();
    world.until_written(evil.id, "sits").await;
    let seen = world.until(spec.id, |seen| seen.address().is_some_and(|at| at != first)).await;
    assert_ne!(seen.address(), Some(first));
}
