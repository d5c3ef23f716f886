//! Requests that two readers would understand differently.

use crate::harness::instance::Instance;
use crate::harness::wire::Wire;
use crate::harness::{HOST, Router};

/// What a smuggler hides in the body of the first request.
const HIDDEN: &str = "GET /hidden HTTP/1.1\r\nHost: shop-dev.localhost\r\n\r\n";

#[tokio::test]
async fn two_lengths_are_refused_and_nothing_reaches_an_instance() {
    let router = Router::start("");
    let instance = Instance::start(1).await;
    router.route(1, &[&instance]).await;
    for headers in [
        "Content-Length: 5\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nContent-Length: 5",
        "Transfer-Encoding: chunked\r\nContent-Length: nonsense",
        "Content-Length: 5\r\nContent-Length: 5",
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: 5, 5",
        "Content-Length: +5",
        "Content-Length: 0x5",
        "Content-Length:",
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: chunked, identity",
        "Transfer-Encoding: identity",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding : chunked",
        "Transfer-Encoding:\x0bchunked",
        "Content-Length: 5\r\n Transfer-Encoding: chunked",
        "X: y\r\n\tTransfer-Encoding: chunked",
    ] {
        let mut wire = Wire::connect(router.address).await;
        wire.send(format!("POST / HTTP/1.1\r\nHost: {HOST}\r\n{headers}\r\n\r\n0\r\n\r\n{HIDDEN}"))
            .await;
        let answer = wire.answer().await;
        assert_eq!(answer.status, 400, "{headers}");
        assert!(answer.closes(), "{headers}");
        wire.ends().await;
    }
    assert_eq!(instance.requests(), 0);
    router.stop().await;
}

#[tokio::test]
async fn a_doubtful_request_behind_a_good_one_is_refused_too() {
    let router = Router::start("");
    let instance = Instance::start(1).await;
    router.route(1, &[&instance]).await;
    let mut wire = Wire::connect(router.address).await;
    wire.send(format!(
        "GET / HTTP/1.1\r\nHost: {HOST}\r\n\r\n\
         POST / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n\
         {HIDDEN}"
    ))
    .await;
    assert_eq!(wire.answer().await.status, 200);
    assert_eq!(wire.answer().await.status, 400);
    wire.ends().await;
    assert_eq!(instance.requests(), 1);
    router.stop().await;
}

#[tokio::test]
async fn a_doubtful_head_is_seen_however_it_is_cut_into_packets() {
    let router = Router::start("");
    let instance = Instance::start(1).await;
    router.route(1, &[&instance]).await;
    let request = format!(
        "POST / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    for cut in [1, 20, 60, 70, 90, request.len() - 1] {
        let mut wire = Wire::connect(router.address).await;
        wire.send(&request[..cut]).await;
        // Its own packet: the rest goes out after the router has seen the first part.
        router.until(|status| status.connections == 1).await;
        wire.send(&request[cut..]).await;
        assert_eq!(wire.answer().await.status, 400, "cut at {cut}");
        drop(wire);
        router.until(|status| status.connections == 0).await;
    }
    assert_eq!(instance.requests(), 0);
    router.stop().await;
}

#[tokio::test]
async fn broken_chunks_end_the_connection() {
    let router = Router::start("");
    let instance = Instance::start(1).await;
    router.route(1, &[&instance]).await;
    for chunks in ["zz\r\n", "-1\r\n", "ffffffffffffffffff\r\n", "3\r\nabcdef\r\n"] {
        let mut wire = Wire::connect(router.address).await;
        wire.send(format!(
            "POST /length HTTP/1.1\r\nHost: {HOST}\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}{HIDDEN}"
        ))
        .await;
        // Whatever comes back, it is no answer to the hidden request.
        let all = String::from_utf8(wire.rest().await.unwrap_or_default()).unwrap();
        assert!(all.matches("HTTP/1.1").count() <= 1, "{chunks:?}: {all}");
        assert!(!all.contains("200 OK"), "{chunks:?}: {all}");
    }
    router.stop().await;
}

#[tokio::test]
async fn broken_chunks_are_the_clients_fault() {
    let router = Router::start("");
    let instance = Instance::start(1).await;
    router.route(1, &[&instance]).await;
    for chunks in ["0x5\r\nhello\r\n0\r\n\r\n", "2;\nxx\r\n0\r\n\r\n", "5\r\nhello!!\r\n"] {
        let mut wire = Wire::connect(router.address).await;
        let head = format!("POST /length HTTP/1.1\r\nHost: {HOST}\r\nTransfer-Encoding: chunked");
        wire.send(format!("{head}\r\n\r\n{chunks}")).await;
        let answer = wire.answer().await;
        assert_eq!(answer.header("x-solum-error"), Some("broken_body"), "{chunks:?}");
        assert_eq!(answer.status, 400);
    }
    router.stop().await;
}

#[tokio::test]
async fn http2_by_upgrade_is_not_passed_on() {
    let router = Router::start("");
    let instance = Instance::start(1).await;
    router.route(1, &[&instance]).await;
    let mut wire = Wire::connect(router.address).await;
    let seen = wire
        .request(
            "GET /headers",
            &["Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk"],
            b"",
        )
        .await;
    assert_eq!(seen.status, 200);
    assert!(!seen.text().contains("h2c") && !seen.text().contains("http2-settings"));
    router.stop().await;
}

#[tokio::test]
async fn bytes_before_the_switch_do_not_count_as_requests() {
    let router = Router::start("");
    let instance = Instance::start(1).await;
    router.route(1, &[&instance]).await;
    let mut wire = Wire::connect(router.address).await;
    // A client that asks for a switch and sends on without waiting for it. The switch is declined: what follows is a
    // request like any other, read by the rules.
    wire.send(format!(
        "GET / HTTP/1.1\r\nHost: {HOST}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\
         POST / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    ))
    .await;
    assert_eq!(wire.answer().await.status, 200);
    assert_eq!(wire.answer().await.status, 400);
    router.stop().await;
}
