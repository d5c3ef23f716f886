//! An address alone makes nobody an instance: what listens there has to be its app's user's.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};

use router::table::RouteTable;

use crate::harness::instance::Instance;
use crate::harness::wire::{Wire, get};
use crate::harness::{HOST, Router, side, table};

fn owned(revision: u64, instance: &Instance, uid: u32) -> RouteTable {
    let mut table = table(revision, vec![side("v1", 100, &[instance])]);
    table.routes[0].sides[0].instances[0].uid = Some(uid);
    table
}

fn us() -> u32 {
    rustix::process::geteuid().as_raw()
}

#[tokio::test]
async fn only_the_programs_of_an_instances_user_get_its_requests() {
    let router = Router::start("");
    let instance = Instance::start(1).await;
    router.apply(&owned(1, &instance, us() + 1)).await;
    let answer = get(router.address, "/").await;
    assert_eq!((answer.status, answer.header("x-solum-error")), (502, Some("instance_refused")));
    assert_eq!(instance.connections(), 0);
    router.apply(&owned(2, &instance, us())).await;
    assert_eq!(get(router.address, "/").await.status, 200);
    router.stop().await;
    instance.stop().await;
}

#[tokio::test]
async fn whoever_listens_in_a_crashed_instances_place_gets_none_of_its_requests() {
    if us() != 0 {
        println!("skipped: only root can run something as another user");
        return;
    }
    let router = Router::start("");
    let instance = Instance::start(1).await;
    router.apply(&owned(1, &instance, us())).await;
    // Two connections to the router, of which one leaves a kept connection to the instance.
    let mut wire = Wire::connect(router.address).await;
    assert_eq!(wire.request("GET /", &[], b"").await.status, 200);
    // It loops until the instance is gone, then says so, and says what it gets.
    let evil = r#"
import socket, sys, time
while True:
    try:
        s = socket.create_server(("127.0.0.1", int(sys.argv[1])))
        break
    except OSError:
        time.sleep(0.001)
print("took over", flush=True)
while True:
    c, _ = s.accept()
    print("got", c.recv(4096), flush=True)
    c.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil")
    c.close()
"#;
    let mut evil = Command::new("/usr/bin/setpriv")
        .env("PATH", "/usr/bin:/bin")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups", "python3", "-c", evil])
        .arg(instance.address.port().to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(evil.stdout.take().unwrap());
    instance.stop().await;
    let (mut said, line) = tokio::task::spawn_blocking(move || {
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        (said, line)
    })
    .await
    .unwrap();
    assert_eq!(line, "took over\n");
    for _ in 0..20 {
        assert_eq!(wire.request("GET /", &["Cookie: session=secret"], b"").await.status, 502);
        assert_eq!(get(router.address, "/").await.status, 502);
        let request = [
            format!("GET / HTTP/1.1\r\nHost: {HOST}\r\nConnection: Upgrade\r\n"),
            "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n".to_owned(),
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".to_owned(),
        ];
        let mut upgrading = Wire::connect(router.address).await;
        upgrading.send(&request.concat()).await;
        assert_eq!(upgrading.answer().await.status, 502);
    }
    evil.kill().unwrap();
    evil.wait().unwrap();
    let mut got = String::new();
    said.read_to_string(&mut got).unwrap();
    assert_eq!(got, "", "somebody else's program got requests");
    router.stop().await;
}
