//! HTTP/2 without TLS, from the first byte on.

use std::net::SocketAddr;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

use crate::harness::instance::Instance;
use crate::harness::load::Load;
use crate::harness::{HOST, Router};

type Sender = SendRequest<Full<Bytes>>;

async fn connect(address: SocketAddr) -> (Sender, JoinHandle<hyper::Result<()>>) {
    let stream = TcpStream::connect(address).await.unwrap();
    let (sender, connection) =
        http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    (sender, TaskTracker::new().spawn(connection))
}

fn request(path: &str, body: &'static [u8]) -> Request<Full<Bytes>> {
    let method = if body.is_empty() { "GET" } else { "POST" };
    Request::builder()
        .method(method)
        .uri(format!("http://{HOST}{path}"))
        .header("x-forwarded-for", "8.8.8.8")
        .body(Full::from(body))
        .unwrap()
}

async fn text(response: Response<Incoming>) -> String {
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

#[tokio::test]
async fn many_streams_share_a_connection() {
    let router = Router::start("");
    let instance = Instance::start(1).await;
    router.route(1, &[&instance]).await;
    let (sender, _connection) = connect(router.address).await;
    let mut blocked = sender.clone();
    let gate = blocked.send_request(request("/gate", b""));
    let mut others = sender.clone();
    let rest = async {
        for _ in 0..20 {
            let answer = others.send_request(request("/length", b"hello")).await.unwrap();
            assert_eq!(text(answer).await, "5");
        }
        let large = others.send_request(request("/large", b"")).await.unwrap();
        assert_eq!(text(large).await.len(), 8 << 20);
        instance.open_gate();
    };
    let (answer, ()) = tokio::join!(gate, rest);
    assert_eq!(text(answer.unwrap()).await, "1");
    assert_eq!(router.accepting().await.connections, 1);
    drop((sender, blocked, others));
    router.stop().await;
}

#[tokio::test]
async fn an_instance_gets_the_request_as_http1_with_our_headers() {
    let router = Router::start("");
    let instance = Instance::start(1).await;
    router.route(1, &[&instance]).await;
    let (mut sender, _connection) = connect(router.address).await;
    let answer = sender.send_request(request("/headers", b"")).await.unwrap();
    assert!(answer.headers().get("connection").is_none());
    let seen = text(answer).await;
    assert!(seen.starts_with("GET /headers HTTP/1.1\n"), "{seen}");
    assert!(seen.contains(&format!("\nhost: {HOST}\n")), "{seen}");
    assert!(seen.contains("\nx-forwarded-for: 127.0.0.1\n"), "{seen}");
    let unknown = Request::builder().uri("http://nope.localhost/").body(Full::default()).unwrap();
    let answer = sender.send_request(unknown).await.unwrap();
    assert_eq!(
        (answer.status(), &answer.headers()["x-solum-error"]),
        (http::StatusCode::NOT_FOUND, &http::HeaderValue::from_static("unknown_host"))
    );
    drop(sender);
    router.stop().await;
}

#[tokio::test]
async fn a_replaced_router_finishes_its_streams_and_says_goodbye() {
    let mut router = Router::start("");
    let instance = Instance::start(1).await;
    router.route(1, &[&instance]).await;
    let load = Load::start(router.address, 2, 0);
    let (mut sender, connection) = connect(router.address).await;
    let mut blocked = sender.clone();
    let gate = blocked.send_request(request("/gate", b""));
    let mut gate = std::pin::pin!(gate);
    let upgrade = async {
        router.until(|status| status.in_flight >= 1).await;
        router.launch();
        // The connection ends for new requests, in order.
        while sender.send_request(request("/", b"")).await.is_ok() {}
        instance.open_gate();
    };
    let (answer, ()) = tokio::join!(gate.as_mut(), upgrade);
    assert_eq!(text(answer.unwrap()).await, "1");
    connection.await.unwrap().unwrap();
    router.oldest_ends().await;
    load.end_without_failure().await;
    router.stop().await;
}

#[tokio::test]
async fn an_idle_connection_says_goodbye() {
    let router = Router::start("idle=100");
    let instance = Instance::start(1).await;
    router.route(1, &[&instance]).await;
    let (mut sender, connection) = connect(router.address).await;
    assert_eq!(text(sender.send_request(request("/", b"")).await.unwrap()).await, "1");
    connection.await.unwrap().unwrap();
    assert!(sender.is_closed());
    router.stop().await;
}
