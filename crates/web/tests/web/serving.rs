use std::time::Duration;

use http_body_util::{BodyExt as _, Empty};
use hyper::body::Bytes;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::bench::Bench;

#[tokio::test]
async fn health_and_metrics_are_told() {
    let bench = Bench::start().await;
    bench.app("shop").await;
    assert_eq!(bench.get("/healthz").await.body, "ok\n");
    assert_eq!(bench.get("/readyz").await.body, "ok\n");
    let metrics = bench.get("/metrics").await;
    assert!(metrics.header("content-type").starts_with("text/plain; version=0.0.4"));
    let text = String::from_utf8(metrics.body.to_vec()).unwrap();
    assert!(text.contains("\nsolum_apps 1\n") && text.contains("\nsolum_router_up 0\n"), "{text}");
    bench.stop().await;
}

#[tokio::test]
async fn http_2_is_spoken_too() {
    let bench = Bench::start().await;
    let stream = TcpStream::connect(bench.address).await.unwrap();
    let (mut sender, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(connection);
    let request = bench.request("GET", &format!("http://{}/api/v1/whoami", bench.address));
    let request = request.body(Empty::<Bytes>::new()).unwrap();
    let reply = sender.send_request(request).await.unwrap();
    assert_eq!(reply.status(), 200);
    drop((sender, reply, tasks));
    bench.stop().await;
}

#[tokio::test]
async fn who_listens_does_not_hold_the_server_up() {
    let bench = Bench::start().await;
    bench.app("shop").await;
    let stream = TcpStream::connect(bench.address).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(connection);
    let request = bench.request("GET", "/api/v1/apps/shop/logs?follow=true");
    let reply = sender.send_request(request.body(Empty::<Bytes>::new()).unwrap()).await.unwrap();
    assert_eq!(reply.status(), 200);
    tokio::time::timeout(Duration::from_secs(8), bench.stop()).await.unwrap();
    // The feed has ended without an `end`: its reader knows that there is more, and comes back.
    let rest = reply.into_body().collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    assert!(!String::from_utf8_lossy(&rest).contains("event: end"));
}

#[tokio::test]
async fn an_answer_is_never_kept_by_a_cache() {
    let bench = Bench::start().await;
    assert_eq!(bench.get("/api/v1/whoami").await.header("cache-control"), "no-store");
    let created = bench.call("POST", "/api/v1/tokens", json!({"name": "ci"})).await;
    assert_eq!(created.header("cache-control"), "no-store");
    bench.stop().await;
}

#[tokio::test]
async fn who_connects_and_asks_for_nothing_is_cut_off() {
    let bench = Bench::start().await;
    let connect = || TcpStream::connect(bench.address);
    let (mut mute, mut begun) = (connect().await.unwrap(), connect().await.unwrap());
    // The beginning of HTTP/2's preface: nobody can tell yet which protocol this is.
    begun.write_all(b"PRI * HT").await.unwrap();
    for connection in [&mut mute, &mut begun] {
        let mut rest = Vec::new();
        let end = connection.read_to_end(&mut rest);
        tokio::time::timeout(Duration::from_secs(30), end).await.expect("it is cut off").unwrap();
    }
    bench.stop().await;
}
