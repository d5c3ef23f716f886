//! When an instance counts as fit for traffic, and what is said of one that is not.

use std::time::{Duration, Instant};

use deploy::{Driver, Exit, InstanceSpec, NotReady, Ready, ReadyBy};
use types::HealthCheck;

use crate::world::{OK, PATIENCE, PORT, World, health, server};

const SOON: Duration = Duration::from_millis(1500);

async fn ready(world: &World, command: &str, health: &HealthCheck) -> Result<Ready, NotReady> {
    let spec = InstanceSpec { port: true, ..world.running(command).await };
    world.driver.start(&spec).await.unwrap();
    world.driver.ready(spec.id, health).await
}

fn answer(status: &str, body: &str) -> String {
    format!(r"HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

#[tokio::test]
async fn a_good_answer_on_the_health_path_counts() {
    let world = World::new();
    let by =
        ready(&world, &server(PORT, OK), &health(Some("/healthz"), PATIENCE)).await.unwrap().by;
    assert_eq!(by, ReadyBy::Answered { path: "/healthz".into(), status: 200 });
    let moved = answer("302 Found", "");
    let by = ready(&world, &server(PORT, &moved), &health(Some("/x"), PATIENCE)).await.unwrap().by;
    assert_eq!(by, ReadyBy::Answered { path: "/x".into(), status: 302 });
}

#[tokio::test]
async fn without_a_health_path_any_answer_below_500_counts() {
    let world = World::new();
    let lost = server(PORT, &answer("404 Not Found", "?"));
    let by = ready(&world, &lost, &health(None, PATIENCE)).await.unwrap().by;
    assert_eq!(by, ReadyBy::Answered { path: "/".into(), status: 404 });
    let error = ready(&world, &lost, &health(Some("/healthz"), SOON)).await.unwrap_err();
    assert!(error.to_string().contains("GET /healthz answered 404 Not Found: ?"), "{error}");
}

#[tokio::test]
async fn a_bad_answer_is_quoted() {
    let world = World::new();
    let broken = server(PORT, &answer("500 Internal Server Error", r"no\nsuch table"));
    let error = ready(&world, &broken, &health(None, SOON)).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "no good answer within 1.5s: GET / answered 500 Internal Server Error: no such table"
    );
}

#[tokio::test]
async fn an_answer_without_an_end_counts_as_soon_as_it_begins() {
    let world = World::new();
    let stream = "exec python3 -c 'import os, socket, time
s = socket.create_server((\"127.0.0.1\", int(os.environ[\"PORT\"])))
c, _ = s.accept()
c.sendall(b\"HTTP/1.1 200 OK\\r\\nContent-Type: text/event-stream\\r\\n\\r\\n\")
time.sleep(600)'";
    let ready = ready(&world, stream, &health(None, PATIENCE)).await.unwrap();
    assert_eq!(ready.by, ReadyBy::Answered { path: "/".into(), status: 200 });
}

#[tokio::test]
async fn a_health_path_that_is_none_is_said_to_be() {
    let world = World::new();
    for path in ["health z", "healthz"] {
        let health = health(Some(path), SOON);
        let error = ready(&world, &server(PORT, OK), &health).await.unwrap_err();
        assert!(error.to_string().contains(&format!("`{path}` cannot be asked for")), "{error}");
    }
}

#[tokio::test]
async fn a_port_that_never_opens_is_named() {
    let world = World::new();
    let error = ready(&world, "exec sleep 600", &health(None, SOON)).await.unwrap_err();
    let NotReady::TimedOut { last_probe, hint: None, .. } = &error else { panic!("{error}") };
    assert!(last_probe.starts_with("nothing listens on port "), "{error}");
}

#[tokio::test]
async fn an_app_that_listens_elsewhere_is_told_where_it_should() {
    let world = World::new();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let stray = server(&port.to_string(), OK);
    let error = ready(&world, &stray, &health(None, SOON)).await.unwrap_err();
    let text = error.to_string();
    assert!(
        text.contains(&format!("the app listens on {port}; it has to listen on $PORT (")),
        "{text}"
    );
}

#[tokio::test]
async fn what_does_not_speak_http_is_ready_when_its_port_is_open() {
    let world = World::new();
    for other in [r"220 mail.example ESMTP\r\n", ""] {
        let by = ready(&world, &server(PORT, other), &health(None, PATIENCE)).await.unwrap().by;
        assert_eq!(by, ReadyBy::OpenPort);
        let error =
            ready(&world, &server(PORT, other), &health(Some("/"), SOON)).await.unwrap_err();
        assert!(matches!(error, NotReady::TimedOut { .. }), "{error}");
    }
}

#[tokio::test]
async fn who_accepts_and_says_nothing_is_not_ready() {
    let world = World::new();
    let silent = "exec python3 -c 'import os, socket, time
s = socket.create_server((\"127.0.0.1\", int(os.environ[\"PORT\"])))
time.sleep(600)'";
    let error = ready(&world, silent, &health(None, SOON)).await.unwrap_err();
    assert!(error.to_string().contains("GET / was not answered"), "{error}");
}

#[tokio::test]
async fn who_takes_long_to_start_is_waited_for() {
    let world = World::new();
    let slow = format!("sleep 1; {}", server(PORT, OK));
    let ready = ready(&world, &slow, &HealthCheck::default()).await.unwrap();
    assert!(ready.after >= Duration::from_secs(1));
}

#[tokio::test]
async fn who_keeps_exiting_is_given_up_on_early() {
    let world = World::new();
    let started = Instant::now();
    let error = ready(&world, "echo oh no; exit 4", &health(None, PATIENCE)).await.unwrap_err();
    let NotReady::Exited { exit, restarts } = error else { panic!("{error}") };
    assert_eq!(exit, Exit::Code(4));
    assert!(restarts >= 1);
    assert!(started.elapsed() < PATIENCE / 2);
}

#[tokio::test]
async fn who_fails_once_and_then_serves_is_ready() {
    let world = World::new();
    let shy =
        format!("[ -e /data/tried ] || {{ touch /data/tried; exit 1; }}; {}", server(PORT, OK));
    ready(&world, &shy, &health(None, PATIENCE)).await.unwrap();
}

#[tokio::test]
async fn an_instance_that_is_stopped_meanwhile_is_not_ready() {
    let world = World::new();
    let spec = InstanceSpec { port: true, ..world.running("exec sleep 600").await };
    world.driver.start(&spec).await.unwrap();
    world.until_running(spec.id).await;
    let health = health(None, PATIENCE);
    let (ready, stopped) =
        tokio::join!(world.driver.ready(spec.id, &health), world.driver.stop(spec.id, PATIENCE));
    stopped.unwrap();
    assert!(matches!(ready.unwrap_err(), NotReady::Exited { exit: Exit::Signal(15), .. }));
}
