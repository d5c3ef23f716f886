//! What clients get when no instance can answer.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::harness::instance::Instance;
use crate::harness::wire::{Wire, get};
use crate::harness::{HOST, Router, side, table};

#[tokio::test]
async fn an_unknown_host_is_told_so() {
    let router = Router::start("");
    let mut wire = Wire::connect(router.address).await;
    wire.send("GET / HTTP/1.1\r\nHost: nope.localhost:80\r\n\r\n").await;
    let answer = wire.answer().await;
    assert_eq!((answer.status, answer.header("x-solum-error")), (404, Some("unknown_host")));
    assert!(answer.text().contains("nope.localhost"), "{}", answer.text());
    // The connection is fine.
    assert_eq!(wire.request("GET /", &["Accept: application/json"], b"").await.status, 404);
    router.stop().await;
}

#[tokio::test]
async fn json_is_for_whoever_asks_for_it() {
    let router = Router::start("");
    let mut wire = Wire::connect(router.address).await;
    let answer =
        wire.request("GET /", &["Accept: application/json", "X-Request-Id: abc"], b"").await;
    assert_eq!(answer.header("content-type"), Some("application/problem+json"));
    let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!((&body["code"], &body["request_id"]), (&"unknown_host".into(), &"abc".into()));
    router.stop().await;
}

#[tokio::test]
async fn a_route_without_instances_is_unavailable() {
    let router = Router::start("");
    router.apply(&table(1, vec![side("v3", 100, &[])])).await;
    let answer = get(router.address, "/").await;
    assert_eq!((answer.status, answer.header("x-solum-error")), (503, Some("no_instance")));
    assert!(answer.header("retry-after").is_some());
    assert!(answer.text().contains("shop is not running"), "{}", answer.text());
    router.stop().await;
}

#[tokio::test]
async fn a_refused_connection_names_the_release_and_no_address() {
    let router = Router::start("");
    let absent = Instance::absent(1).await;
    router.apply(&table(1, vec![side("v3", 100, &[&absent])])).await;
    let answer = get(router.address, "/").await;
    assert_eq!((answer.status, answer.header("x-solum-error")), (502, Some("instance_refused")));
    let text = answer.text();
    assert!(text.contains("shop v3 in dev") && text.contains(&absent.id.to_string()), "{text}");
    assert!(!text.contains("127.0.0.1") && !text.contains(&absent.address.port().to_string()));
    router.stop().await;
}

#[tokio::test]
async fn an_instance_that_refuses_is_passed_over() {
    let router = Router::start("");
    let (absent, other, present) =
        (Instance::absent(1).await, Instance::absent(2).await, Instance::start(3).await);
    router.route(1, &[&absent, &other, &present]).await;
    for _ in 0..30 {
        let mut wire = Wire::connect(router.address).await;
        let answer = wire.request("POST /length", &["Content-Length: 3"], b"abc").await;
        assert_eq!((answer.status, answer.text()), (200, "3"));
    }
    assert_eq!(present.requests(), 30);
    router.stop().await;
}

#[tokio::test]
async fn a_request_that_was_sent_is_never_sent_again() {
    let router = Router::start("");
    // Both take a request and hang up.
    let hang_up = |mut stream: tokio::net::TcpStream| async move {
        let _ = stream.read(&mut [0; 1024]).await;
    };
    let (first, second) = (Instance::raw(1, hang_up).await, Instance::raw(2, hang_up).await);
    router.route(1, &[&first, &second]).await;
    for request in 1..=4 {
        let answer = get(router.address, "/").await;
        assert_eq!((answer.status, answer.header("x-solum-error")), (502, Some("instance_closed")));
        assert_eq!(first.connections() + second.connections(), request);
    }
    router.stop().await;
}

#[tokio::test]
async fn what_an_instance_did_not_answer_on_a_kept_connection_is_sent_once_more_if_it_may_be() {
    let router = Router::start("");
    // It answers the first request of each connection and hangs up on the second, as it may at any time.
    let instance = Instance::raw(1, |mut stream| async move {
        let mut head = [0; 1024];
        let _ = stream.read(&mut head).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
        let _ = stream.read(&mut head).await;
    })
    .await;
    router.route(1, &[&instance]).await;
    let mut wire = Wire::connect(router.address).await;
    for connections in 1..=3 {
        assert_eq!(wire.get("/").await.text(), "ok");
        assert_eq!(instance.connections(), connections);
    }
    for (line, body) in [("POST /", ""), ("PUT /", "x")] {
        let length = format!("Content-Length: {}", body.len());
        let answer = wire.request(line, &[&length], body.as_bytes()).await;
        assert_eq!(answer.header("x-solum-error"), Some("instance_closed"), "{line}");
        assert_eq!(wire.get("/").await.text(), "ok");
    }
    router.stop().await;
}

#[tokio::test]
async fn an_answer_that_is_not_http_is_a_bad_gateway() {
    let router = Router::start("");
    for (number, answer) in
        [&b"SSH-2.0-OpenSSH\r\n"[..], b"HTTP/1.1 101 Switching Protocols\r\n\r\n"]
            .iter()
            .enumerate()
    {
        let instance = Instance::answering(number as u128, answer).await;
        router.route(number as u64 + 1, &[&instance]).await;
        let answer = get(router.address, "/").await;
        assert_eq!((answer.status, answer.header("x-solum-error")), (502, Some("instance_closed")));
    }
    router.stop().await;
}

#[tokio::test]
async fn a_silent_instance_times_out_and_its_connection_is_not_used_again() {
    let router = Router::start("response_head=200");
    let instance = Instance::start(1).await;
    router.route(1, &[&instance]).await;
    let mut wire = Wire::connect(router.address).await;
    let answer = wire.get("/gate").await;
    assert_eq!((answer.status, answer.header("x-solum-error")), (504, Some("instance_timed_out")));
    assert_eq!(wire.get("/").await.text(), "1");
    assert_eq!(instance.connections(), 2);
    router.stop().await;
}

#[tokio::test]
async fn an_answer_that_breaks_off_does_not_look_whole() {
    let router = Router::start("");
    for (number, answer) in [
        &b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"[..],
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
    ]
    .iter()
    .enumerate()
    {
        let instance = Instance::answering(number as u128, answer).await;
        router.route(number as u64 + 1, &[&instance]).await;
        let mut wire = Wire::connect(router.address).await;
        wire.send_request("GET /", &[], b"").await;
        assert!(wire.try_answer().await.is_err());
    }
    let broken: u64 =
        router.client.metrics().await.unwrap().iter().map(|one| one.errors.broken_off).sum();
    assert_eq!(broken, 2);
    router.stop().await;
}

#[tokio::test]
async fn requests_that_make_no_sense_are_refused() {
    let router = Router::start("");
    for (request, status, code) in [
        ("GET / HTTP/1.1\r\n\r\n".to_owned(), 400, "no_host"),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n".into(), 400, "many_hosts"),
        (
            format!("CONNECT {HOST}:443 HTTP/1.1\r\nHost: {HOST}\r\n\r\n"),
            501,
            "connect_not_supported",
        ),
    ] {
        let mut wire = Wire::connect(router.address).await;
        wire.send(&request).await;
        let answer = wire.answer().await;
        assert_eq!((answer.status, answer.header("x-solum-error")), (status, Some(code)));
        assert!(answer.closes());
        wire.ends().await;
    }
    router.stop().await;
}

#[tokio::test]
async fn a_refusal_reaches_a_client_that_is_still_sending() {
    let router = Router::start("");
    let mut wire = Wire::connect(router.address).await;
    wire.send("POST / HTTP/1.1\r\nHost: nope.localhost\r\nContent-Length: 400000\r\n\r\n").await;
    wire.send(vec![b'x'; 400_000]).await;
    assert_eq!(wire.answer().await.status, 404);
    router.stop().await;
}
