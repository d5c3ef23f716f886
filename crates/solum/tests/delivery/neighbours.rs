//! Apps beside each other, one of which means no good.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use testkit::{Repository, Server, wait_until};

use crate::hello;

/// Serves on its own port, and says there how far it has come with taking another app's.
const EVIL: &str = r#"import http.server, os, socket, threading, time

state = {"taken": False, "got": 0}

def take():
    while True:
        try:
            s = socket.create_server(("127.0.0.1", TARGET), backlog=128)
            break
        except OSError:
            time.sleep(0.0005)
    state["taken"] = True
    while True:
        c, _ = s.accept()
        if c.recv(4096):
            state["got"] += 1
        c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nevil")
        c.close()

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = f"taken {state['taken']}, got {state['got']}".encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

threading.Thread(target=take, daemon=True).start()
http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
"#;

#[test]
fn no_request_reaches_an_app_that_takes_the_port_of_one_that_crashed() -> Result<()> {
    let server = Server::start()?;
    let _repository = hello::deployed(&server)?;
    let instances = server.solum_json(&["ps", "hello", "--json"])?;
    let pid = instances[0]["pid"].as_u64().context("it runs")?;
    let address = instances[0]["address"].as_str().context("it listens")?.to_owned();
    let port = address.rsplit_once(':').context("it has a port")?.1;
    let evil = EVIL.replace("TARGET", port);
    let evil =
        Repository::from_files(&server, &[("server.py", &evil), ("Procfile", hello::PROCFILE)])?;
    evil.create_app("evil")?;
    evil.push()?.require()?;
    let evil = |server: &Server| Some(server.get("evil-dev.localhost", "/").ok()?.text());
    assert_eq!(evil(&server).as_deref(), Some("taken False, got 0"));

    let killed = std::process::Command::new("kill").args(["-KILL", &pid.to_string()]).status()?;
    assert!(killed.success());
    let mut answers = Vec::new();
    wait_until("the app to serve elsewhere", Duration::from_secs(60), || {
        let response = server.get("hello-dev.localhost", "/").ok()?;
        answers.push(response.text());
        (response.status == 200).then_some(())
    })?;
    assert_eq!(hello::answer(&server)?, "hello v1");
    assert!(answers.iter().all(|answer| !answer.contains("evil")), "{answers:?}");
    assert_eq!(evil(&server).as_deref(), Some("taken True, got 0"));
    let instances = server.solum_json(&["ps", "hello", "--json"])?;
    assert_eq!(instances[0]["status"], "running");
    assert_ne!(instances[0]["address"].as_str(), Some(address.as_str()));
    Ok(())
}

#[test]
fn an_app_that_is_down_is_counted_as_down_and_says_why() -> Result<()> {
    let server = Server::start()?;
    let repository = hello::create(&server)?;
    // It comes up once, and never again.
    repository.edit(
        "server.py",
        "print(\"ready\", flush=True)",
        "if os.path.exists('/data/once'): raise SystemExit(7)\nopen('/data/once', 'w').close()",
    )?;
    repository.commit("come up once")?;
    repository.push()?.require()?;
    let pid = server.solum_json(&["ps", "hello", "--json"])?[0]["pid"].as_u64();
    let pid = pid.context("it runs")?.to_string();
    assert!(std::process::Command::new("kill").args(["-KILL", &pid]).status()?.success());
    let status = wait_until("it to be counted as down", Duration::from_secs(60), || {
        let status = server.solum(&["status", "hello"]).ok()?.stdout;
        status.contains("web.1: it exited with status 7").then_some(status)
    })?;
    assert!(status.contains("web 0/1"), "{status}");
    let response = server.get("hello-dev.localhost", "/")?;
    assert_eq!(response.status, 503, "{}", response.text());
    server.solum(&["exec", "hello", "--", "rm", "/data/once"])?.require()?;
    wait_until("it to be back", Duration::from_secs(60), || hello::answer(&server).ok())?;
    wait_until("it to be counted", Duration::from_secs(60), || {
        let status = server.solum(&["status", "hello"]).ok()?.stdout;
        status.contains("web 1/1").then_some(())
    })?;
    Ok(())
}

#[test]
fn an_instance_that_never_comes_up_is_tried_less_and_less() -> Result<()> {
    let server = Server::start()?;
    let repository = hello::create(&server)?;
    repository.edit(
        "server.py",
        "print(\"ready\", flush=True)",
        "if os.environ['SOLUM_INSTANCE'] == 'web.2': raise SystemExit(1)",
    )?;
    repository.commit("no second one")?;
    repository.push()?.require()?;
    let started = Instant::now();
    server.solum(&["scale", "hello", "web=2"])?.require()?;
    let second = wait_until("three failures in a row", Duration::from_secs(120), || {
        let instances = server.solum_json(&["ps", "hello", "--json"]).ok()?;
        let second = instances.as_array()?.iter().find(|it| it["name"] == "web.2")?.clone();
        second["detail"].as_str()?.contains("3 times in a row; another").then_some(second)
    })?;
    assert!(started.elapsed() >= Duration::from_secs(3), "one second, then two");
    assert_eq!(second["status"], "restarting");
    assert!(second["detail"].to_string().contains("exited with status 1"), "{second}");
    let status = server.solum(&["status", "hello"])?.require()?.stdout;
    assert!(status.contains("web 1/2") && status.contains("web.2: it did not stay"), "{status}");
    assert_eq!(hello::answer(&server)?, "hello v1");
    Ok(())
}
