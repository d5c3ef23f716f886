//! Requests and answers on their way through.

use bytes::Bytes;

use crate::harness::instance::Instance;
use crate::harness::wire::{Wire, get};
use crate::harness::{HOST, Router};

#[tokio::test]
async fn one_connection_carries_many_requests_and_so_does_the_one_behind() {
    let router = Router::start("");
    let instance = Instance::start(1).await;
    router.route(1, &[&instance]).await;
    let mut wire = Wire::connect(router.address).await;
    for _ in 0..100 {
        let answer = wire.get("/").await;
        assert_eq!((answer.status, answer.text()), (200, "1"));
        assert!(answer.header("date").is_some() && answer.header("connection").is_none());
    }
    assert_eq!((instance.requests(), instance.connections()), (100, 1));
    router.stop().await;
}

#[tokio::test]
async fn an_instance_sees_our_headers_and_none_of_the_hop() {
    let router = Router::start("");
    let instance = Instance::start(1).await;
    router.route(1, &[&instance]).await;
    let mut wire = Wire::connect(router.address).await;
    let seen = wire
        .request(
            "GET /headers?x=%20y",
            &[
                "X-Forwarded-For: 8.8.8.8",
                "x_forwarded_for: 8.8.8.8",
                "Forwarded: for=8.8.8.8",
                "Connection: keep-alive, X-Secret-Hop",
                "X-Secret-Hop: 1",
                "X-Request-Id: mine-1",
                "Cookie: a=b",
            ],
            b"",
        )
        .await;
    let mut lines: Vec<&str> = seen.text().lines().collect();
    lines.sort_unstable();
    let port = router.address.port();
    assert_eq!(
        lines,
        [
            "GET /headers?x=%20y HTTP/1.1".to_owned(),
            "cookie: a=b".into(),
            format!("forwarded: for=127.0.0.1;host={HOST};proto=http"),
            format!("host: {HOST}"),
            "x-forwarded-for: 127.0.0.1".into(),
            format!("x-forwarded-host: {HOST}"),
            format!("x-forwarded-port: {port}"),
            "x-forwarded-proto: http".into(),
            "x-request-id: mine-1".into(),
        ]
    );
    router.stop().await;
}

#[tokio::test]
async fn a_host_is_found_whatever_its_case_and_port() {
    let router = Router::start("");
    let instance = Instance::start(1).await;
    router.route(1, &[&instance]).await;
    let mut wire = Wire::connect(router.address).await;
    for head in [
        "GET / HTTP/1.1\r\nHost: SHOP-dev.LOCALHOST:99",
        "GET http://shop-dev.localhost/ HTTP/1.1\r\nHost: other.localhost",
    ] {
        wire.send(format!("{head}\r\n\r\n")).await;
        assert_eq!(wire.answer().await.text(), "1", "{head}");
    }
    router.stop().await;
}

#[tokio::test]
async fn an_upload_streams_to_the_instance() {
    let router = Router::start("");
    let instance = Instance::start(1).await;
    router.route(1, &[&instance]).await;
    for framing in ["Transfer-Encoding: chunked", "Content-Length: 11"] {
        let mut received = instance.receive_upload().await;
        let mut wire = Wire::connect(router.address).await;
        wire.send_request("POST /upload", &[framing], b"").await;
        let is_chunked = framing.contains("chunked");
        wire.send(if is_chunked { &b"6\r\nhello \r\n"[..] } else { b"hello " }).await;
        // It is there while the rest has not been sent.
        assert_eq!(received.recv().await.unwrap(), "hello ");
        wire.send(if is_chunked { &b"5\r\nworld\r\n0\r\n\r\n"[..] } else { b"world" }).await;
        assert_eq!(received.recv().await.unwrap(), "world");
        assert_eq!(wire.answer().await.text(), "11");
        // The connection goes on.
        assert_eq!(wire.get("/").await.text(), "1");
    }
    router.stop().await;
}

#[tokio::test]
async fn an_answer_streams_to_the_client() {
    let router = Router::start("");
    let instance = Instance::start(1).await;
    router.route(1, &[&instance]).await;
    let chunks = instance.answer_stream().await;
    let mut wire = Wire::connect(router.address).await;
    chunks.send(Bytes::from_static(b"one")).unwrap();
    wire.send_request("GET /stream", &[], b"").await;
    assert_eq!(wire.head().await.header("transfer-encoding"), Some("chunked"));
    assert_eq!(wire.chunk().await.unwrap(), b"one");
    chunks.send(Bytes::from_static(b"two")).unwrap();
    assert_eq!(wire.chunk().await.unwrap(), b"two");
    drop(chunks);
    assert_eq!(wire.chunk().await.unwrap(), b"");
    assert_eq!(wire.get("/").await.text(), "1");
    router.stop().await;
}

#[tokio::test]
async fn both_directions_move_when_the_client_reads_only_at_the_end() {
    let router = Router::start("");
    let instance = Instance::start(1).await;
    router.route(1, &[&instance]).await;
    let body: Vec<u8> = (0..(4 << 20) / 4_u32).flat_map(u32::to_le_bytes).collect();
    let wire = Wire::connect(router.address).await;
    let length = format!("Content-Length: {}", body.len());
    let (read, mut write) = wire.stream.into_split();
    let head =
        format!("POST /echo HTTP/1.1\r\nHost: {HOST}\r\n{length}\r\nConnection: close\r\n\r\n");
    let sending = async {
        tokio::io::AsyncWriteExt::write_all(&mut write, head.as_bytes()).await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut write, &body).await.unwrap();
    };
    let receiving = async {
        let mut all = Vec::new();
        let mut read = read;
        tokio::io::AsyncReadExt::read_to_end(&mut read, &mut all).await.unwrap();
        all
    };
    let ((), all) = tokio::join!(sending, receiving);
    assert!(all.ends_with(&body), "{} of {} bytes came back", all.len(), body.len());
    router.stop().await;
}

#[tokio::test]
async fn large_answers_arrive_whole_also_before_a_close() {
    let router = Router::start("");
    let instance = Instance::start(1).await;
    router.route(1, &[&instance]).await;
    let mut wire = Wire::connect(router.address).await;
    for lines in [&[][..], &["Connection: close"][..]] {
        let answer = wire.request("GET /large", lines, b"").await;
        assert_eq!(answer.body.len(), 8 << 20);
    }
    wire.ends().await;
    router.stop().await;
}

#[tokio::test]
async fn a_declined_upgrade_leaves_a_whole_answer() {
    let router = Router::start("");
    let instance = Instance::start(1).await;
    router.route(1, &[&instance]).await;
    for connection in ["Connection: Upgrade", "Connection: Upgrade, close"] {
        let mut wire = Wire::connect(router.address).await;
        let answer = wire.request("GET /large", &[connection, "Upgrade: websocket"], b"").await;
        assert_eq!((answer.status, answer.body.len()), (200, 8 << 20));
        if connection.ends_with("close") {
            wire.ends().await;
        } else {
            assert_eq!(wire.get("/").await.text(), "1");
        }
    }
    router.stop().await;
}

#[tokio::test]
async fn answers_without_a_body_have_none() {
    let router = Router::start("");
    let instance = Instance::start(1).await;
    router.route(1, &[&instance]).await;
    let mut wire = Wire::connect(router.address).await;
    wire.send_request("HEAD /", &[], b"").await;
    let head = wire.head().await;
    assert_eq!((head.status, head.header("content-length")), (200, Some("1")));
    assert_eq!(wire.get("/nothing").await.status, 204);
    assert_eq!(wire.get("/").await.text(), "1");
    assert_eq!(instance.connections(), 1);
    router.stop().await;
}

#[tokio::test]
async fn a_get_may_have_a_body_in_chunks() {
    let router = Router::start("");
    let instance = Instance::start(1).await;
    router.route(1, &[&instance]).await;
    let mut wire = Wire::connect(router.address).await;
    let body = b"3\r\nabc\r\n4;ext=1\r\ndefg\r\n0\r\n\r\n";
    let answer = wire.request("GET /length", &["Transfer-Encoding: chunked"], body).await;
    assert_eq!(answer.text(), "7");
    router.stop().await;
}

#[tokio::test]
async fn a_client_that_waits_for_100_is_told_to_go_on() {
    let router = Router::start("");
    let instance = Instance::start(1).await;
    router.route(1, &[&instance]).await;
    let mut wire = Wire::connect(router.address).await;
    wire.send_request("POST /length", &["Content-Length: 3", "Expect: 100-continue"], b"").await;
    assert_eq!(wire.head().await.status, 100);
    wire.send("abc").await;
    assert_eq!(wire.answer().await.text(), "3");
    router.stop().await;
}

#[tokio::test]
async fn old_clients_and_old_instances_are_understood() {
    let router = Router::start("");
    let old = Instance::answering(1, b"HTTP/1.0 200 OK\r\nX: 1\r\n\r\nuntil the end").await;
    router.route(1, &[&old]).await;
    let answer = get(router.address, "/").await;
    assert_eq!(answer.header("transfer-encoding"), Some("chunked"));
    assert!(answer.head.starts_with("HTTP/1.1 200"));
    assert_eq!(answer.text(), "until the end");

    let mut wire = Wire::connect(router.address).await;
    wire.send(format!("GET / HTTP/1.0\r\nHost: {HOST}\r\n\r\n")).await;
    let answer = String::from_utf8(wire.rest().await.unwrap()).unwrap();
    assert!(answer.starts_with("HTTP/1.0 200 OK\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\nuntil the end"), "{answer}");
    router.stop().await;
}

#[tokio::test]
async fn an_answer_with_two_lengths_reaches_the_client_with_one() {
    let router = Router::start("");
    let instance = Instance::answering(
        1,
        b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
    )
    .await;
    router.route(1, &[&instance]).await;
    let answer = get(router.address, "/").await;
    assert_eq!(answer.header("content-length"), None);
    assert_eq!(answer.text(), "hi");
    router.stop().await;
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let router = Router::start("");
    let instance = Instance::start(1).await;
    router.route(1, &[&instance]).await;
    let mut wire = Wire::connect(router.address).await;
    let one = format!("GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
    let two = format!("POST /length HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 2\r\n\r\nab");
    let three = format!("GET /missing HTTP/1.1\r\nHost: {HOST}\r\n\r\n");
    wire.send([one, two, three].concat()).await;
    assert_eq!(wire.answer().await.text(), "1");
    assert_eq!(wire.answer().await.text(), "2");
    assert_eq!(wire.answer().await.status, 404);
    router.stop().await;
}

#[tokio::test]
async fn an_instance_may_answer_before_it_has_read_everything() {
    let router = Router::start("");
    let instance =
        Instance::answering(1, b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nno!").await;
    router.route(1, &[&instance]).await;
    let mut wire = Wire::connect(router.address).await;
    wire.send_request("POST /", &["Content-Length: 1000000"], &[b'x'; 10_000]).await;
    let answer = wire.answer().await;
    assert_eq!((answer.status, answer.text()), (413, "no!"));
    router.stop().await;
}
