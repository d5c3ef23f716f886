//! Limits, and what happens at them.

use std::time::{Duration, Instant};

use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::harness::instance::Instance;
use crate::harness::wire::{Wire, get};
use crate::harness::{HOST, Router, until};

#[tokio::test]
async fn a_head_that_is_too_large_is_refused() {
    let router = Router::start("head_bytes=8192");
    let instance = Instance::start(1).await;
    router.route(1, &[&instance]).await;
    let large = format!("X-Large: {}", "x".repeat(9000));
    let many: Vec<String> = (0..150).map(|number| format!("X-{number}: y")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for lines in [&[large.as_str()][..], &many] {
        let mut wire = Wire::connect(router.address).await;
        let answer = wire.request("GET /", lines, b"").await;
        assert_eq!(answer.status, 431);
        wire.ends().await;
    }
    let mut fits = Wire::connect(router.address).await;
    let fitting = format!("X-Large: {}", "x".repeat(7000));
    assert_eq!(fits.request("GET /", &[&fitting], b"").await.status, 200);
    router.stop().await;
}

#[tokio::test]
async fn a_head_that_trickles_in_is_given_up() {
    let router = Router::start("request_head=200");
    let instance = Instance::start(1).await;
    router.route(1, &[&instance]).await;
    let mut wire = Wire::connect(router.address).await;
    // One that has been good before is no exception.
    assert_eq!(wire.get("/").await.status, 200);
    wire.send(format!("GET / HTTP/1.1\r\nHost: {HOST}\r\n")).await;
    let began = Instant::now();
    let trickle = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(20));
        loop {
            ticks.tick().await;
            if wire.stream.try_write(b"X").is_err() {
                return;
            }
        }
    };
    timeout(Duration::from_secs(10), trickle).await.expect("the router hangs up");
    assert!(began.elapsed() >= Duration::from_millis(200));
    let answer = wire.try_head_of_408().await;
    assert!(answer.is_none_or(|status| status == 408));
    router.until(|status| status.connections == 0).await;
    router.stop().await;
}

#[tokio::test]
async fn a_slow_head_is_told_so() {
    let router = Router::start("request_head=100");
    let mut wire = Wire::connect(router.address).await;
    wire.send("GET / HTTP/1.1\r\n").await;
    assert_eq!(wire.answer().await.status, 408);
    wire.ends().await;
    router.stop().await;
}

#[tokio::test]
async fn idle_connections_are_closed_and_busy_ones_are_not() {
    let router = Router::start("idle=150");
    let instance = Instance::start(1).await;
    router.route(1, &[&instance]).await;
    let mut silent = Wire::connect(router.address).await;
    let mut idle = Wire::connect(router.address).await;
    idle.get("/").await;
    let mut busy = Wire::connect(router.address).await;
    busy.send_request("GET /gate", &[], b"").await;
    silent.ends().await;
    idle.ends().await;
    // The busy one has outlived both, and goes on.
    instance.open_gate();
    assert_eq!(busy.answer().await.status, 200);
    router.stop().await;
}

#[tokio::test]
async fn a_client_that_stops_sending_or_reading_is_cut() {
    let router = Router::start("stall=200");
    let instance = Instance::start(1).await;
    router.route(1, &[&instance]).await;
    let _received = instance.receive_upload().await;
    let mut sender = Wire::connect(router.address).await;
    sender.send_request("POST /upload", &["Content-Length: 100"], b"abc").await;
    let mut reader = Wire::connect(router.address).await;
    reader.send_request("GET /large", &[], b"").await;
    router.until(|status| status.in_flight == 2).await;
    router.until(|status| status.in_flight == 0 && status.connections == 0).await;
    assert!(reader.try_answer().await.is_err());
    router.stop().await;
}

#[tokio::test]
async fn an_answer_may_be_silent_for_as_long_as_it_likes() {
    let router = Router::start("stall=100 idle=100 response_head=100 request_head=100");
    let instance = Instance::start(1).await;
    router.route(1, &[&instance]).await;
    let chunks = instance.answer_stream().await;
    chunks.send("one".into()).unwrap();
    let mut wire = Wire::connect(router.address).await;
    wire.send_request("GET /stream", &[], b"").await;
    wire.head().await;
    assert_eq!(wire.chunk().await.unwrap(), b"one");
    // Others come and go by their limits meanwhile.
    for _ in 0..4 {
        Wire::connect(router.address).await.ends().await;
    }
    chunks.send("two".into()).unwrap();
    assert_eq!(wire.chunk().await.unwrap(), b"two");
    drop(chunks);
    assert_eq!(wire.chunk().await.unwrap(), b"");
    router.stop().await;
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_for_a_place() {
    let router = Router::start("connections=4");
    let instance = Instance::start(1).await;
    router.route(1, &[&instance]).await;
    let mut places = Vec::new();
    for _ in 0..4 {
        let mut wire = Wire::connect(router.address).await;
        assert_eq!(wire.get("/").await.status, 200);
        places.push(wire);
    }
    let mut fifth = Wire::connect(router.address).await;
    fifth.send_request("GET /", &[], b"").await;
    assert!(timeout(Duration::from_millis(100), fifth.stream.readable()).await.is_err());
    assert_eq!(router.accepting().await.connections, 4);
    places.pop();
    assert_eq!(fifth.answer().await.status, 200);
    router.stop().await;
}

#[tokio::test]
async fn a_low_limit_of_open_files_makes_clients_wait_and_fails_none() {
    let mut router = Router::start("");
    let instance = Instance::start(1).await;
    router.route(1, &[&instance]).await;
    router.kill();
    router.launch_with_open_files(64);
    let mut crowd = Vec::new();
    for _ in 0..100 {
        let mut wire = Wire::connect(router.address).await;
        wire.send_request("GET /", &["Connection: close"], b"").await;
        crowd.push(wire);
    }
    for wire in &mut crowd {
        assert_eq!(wire.answer().await.status, 200);
    }
    router.stop().await;
}

#[tokio::test]
async fn running_out_of_descriptors_burns_no_cpu_and_passes() {
    let mut router = Router::start("");
    let instance = Instance::start(1).await;
    router.route(1, &[&instance]).await;
    // Less than it was started with, so that it cannot have prepared for it.
    router.limit_open_files(64);
    let mut crowd = Vec::new();
    for _ in 0..100 {
        crowd.push(TcpStream::connect(router.address).await.unwrap());
    }
    // As many are let in as there are descriptors; the rest waits.
    until(async || router.newest_open_files() >= 64).await;
    let before = router.newest_cpu_ticks();
    tokio::time::sleep(Duration::from_millis(500)).await;
    let burnt = router.newest_cpu_ticks() - before;
    assert!(burnt <= 10, "{burnt} ticks of CPU in half a second of waiting");
    drop(crowd);
    assert_eq!(get(router.address, "/").await.status, 200);
    router.stop().await;
}
