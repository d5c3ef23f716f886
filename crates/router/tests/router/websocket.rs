//! Switched connections, and how they end when their instance leaves.

use std::time::Duration;

use crate::harness::instance::Instance;
use crate::harness::wire::Wire;
use crate::harness::{HOST, Router, SOON};

const SHAKE: [&str; 2] = ["Connection: Upgrade", "Upgrade: websocket"];
/// "restart", from the router to a client: 1012.
const CLOSE_TO_CLIENT: &[u8] = b"\x88\x11\x03\xf4service restart";
/// A masked close frame of a client, 1012 sent back.
const CLIENT_ANSWERS: &[u8] = b"\x88\x82\0\0\0\0\x03\xf4";

async fn open(router: &Router, protocol: &str) -> Wire {
    let mut wire = Wire::connect(router.address).await;
    let upgrade = format!("Upgrade: {protocol}");
    let answer = wire.request("GET /switch", &["Connection: Upgrade", &upgrade], b"").await;
    assert_eq!((answer.status, answer.header("upgrade")), (101, Some(protocol)));
    wire
}

/// A masked text frame; `length` bytes of payload.
fn frame(first: u8, length: usize) -> Vec<u8> {
    let mut frame = vec![first];
    match length {
        0..126 => frame.push(0x80 | length as u8),
        126..65536 => {
            frame.push(0x80 | 126);
            frame.extend((length as u16).to_be_bytes());
        }
        _ => {
            frame.push(0x80 | 127);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    frame.extend([1, 2, 3, 4]);
    frame.extend((0..length).map(|index| index as u8));
    frame
}

/// Whether `bytes` is a masked close frame with code 1001, which is what an instance gets (and the test's echoes).
fn is_close_to_instance(bytes: &[u8]) -> bool {
    bytes.len() == 8
        && bytes[..2] == [0x88, 0x82]
        && [bytes[6] ^ bytes[2], bytes[7] ^ bytes[3]] == 1001_u16.to_be_bytes()
}

/// Takes the instances out of the table and drains them.
async fn drain(router: &Router, instance: &Instance, within: Duration) -> u64 {
    router.route(2, &[]).await;
    let drained = router.client.drain(&[instance.id], within).await.unwrap();
    drained.cut.values().sum()
}

#[tokio::test]
async fn frames_pass_both_ways_also_those_sent_ahead() {
    let router = Router::start("");
    let instance = Instance::start(1).await;
    router.route(1, &[&instance]).await;
    let mut wire = open(&router, "websocket").await;
    let large = frame(0x82, 200_000);
    wire.send(&large).await;
    assert_eq!(wire.exactly(large.len()).await.unwrap(), large);

    let mut eager = Wire::connect(router.address).await;
    let head = format!("GET /switch HTTP/1.1\r\nHost: {HOST}\r\n{}\r\n\r\n", SHAKE.join("\r\n"));
    eager.send([head.as_bytes(), &frame(0x81, 3)].concat()).await;
    assert_eq!(eager.head().await.status, 101);
    assert_eq!(eager.exactly(9).await.unwrap(), frame(0x81, 3));
    assert_eq!(router.accepting().await.in_flight, 2);
    drop((wire, eager));
    router.until(|status| status.in_flight == 0 && status.connections == 0).await;
    router.stop().await;
}

#[tokio::test]
async fn a_drained_websocket_is_closed_in_order() {
    let router = Router::start("");
    let instance = Instance::start(1).await;
    router.route(1, &[&instance]).await;
    let mut wire = open(&router, "websocket").await;
    wire.send(frame(0x81, 5)).await;
    assert_eq!(wire.exactly(11).await.unwrap(), frame(0x81, 5));
    let client = async {
        assert_eq!(wire.exactly(CLOSE_TO_CLIENT.len()).await.unwrap(), CLOSE_TO_CLIENT);
        wire.send(CLIENT_ANSWERS).await;
        wire.ends().await;
    };
    let (cut, ()) = tokio::join!(drain(&router, &instance, SOON), client);
    assert_eq!(cut, 0);
    router.stop().await;
}

#[tokio::test]
async fn both_sides_get_the_rest_of_a_frame_before_the_close() {
    let router = Router::start("");
    let received = std::sync::Arc::new(parking_lot::Mutex::new(Vec::new()));
    let server_frame = [b"\x82\x7e\x01\x00".as_slice(), &[7; 256]].concat();
    let (first, rest) = server_frame.split_at(100);
    let (first, rest) = (first.to_vec(), rest.to_vec());
    let go = std::sync::Arc::new(tokio::sync::Notify::new());
    let instance = {
        let (received, go) = (received.clone(), go.clone());
        Instance::raw(1, move |mut stream| {
            let (received, go, first, rest) =
                (received.clone(), go.clone(), first.clone(), rest.clone());
            async move {
                use tokio::io::{AsyncReadExt, AsyncWriteExt};
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    stream.read_buf(&mut head).await.unwrap();
                }
                stream.write_all(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n").await.unwrap();
                stream.write_all(&first).await.unwrap();
                go.notified().await;
                stream.write_all(&rest).await.unwrap();
                let mut bytes = [0; 4096];
                while let Ok(length @ 1..) = stream.read(&mut bytes).await {
                    received.lock().extend_from_slice(&bytes[..length]);
                    if received.lock().len() >= 306 + 8 {
                        // It answers the close frame.
                        stream.write_all(b"\x88\x02\x03\xe9").await.unwrap();
                    }
                }
            }
        })
        .await
    };
    router.route(1, &[&instance]).await;
    let mut wire = open(&router, "websocket").await;
    let mine = frame(0x82, 298);
    wire.send(&mine[..50]).await;
    assert_eq!(wire.exactly(100).await.unwrap(), server_frame[..100]);
    let client = async {
        // Both directions are in the middle of a frame when the drain begins.
        router.until(|status| status.revision == 2).await;
        wire.send(&mine[50..]).await;
        go.notify_one();
        assert_eq!(wire.exactly(160).await.unwrap(), server_frame[100..]);
        assert_eq!(wire.exactly(CLOSE_TO_CLIENT.len()).await.unwrap(), CLOSE_TO_CLIENT);
        wire.send(CLIENT_ANSWERS).await;
        wire.ends().await;
    };
    let (cut, ()) = tokio::join!(drain(&router, &instance, SOON), client);
    assert_eq!(cut, 0);
    let received = received.lock().clone();
    let (passed, close) = received.split_at(306);
    assert_eq!(passed, mine);
    assert!(is_close_to_instance(close), "{close:?}");
    router.stop().await;
}

#[tokio::test]
async fn a_client_that_does_not_answer_the_close_is_left() {
    let router = Router::start("websocket_close=100");
    let instance = Instance::start(1).await;
    router.route(1, &[&instance]).await;
    let mut wire = open(&router, "websocket").await;
    let client = async {
        assert_eq!(wire.exactly(CLOSE_TO_CLIENT.len()).await.unwrap(), CLOSE_TO_CLIENT);
        wire.ends().await;
    };
    let (cut, ()) = tokio::join!(drain(&router, &instance, SOON), client);
    assert_eq!(cut, 0);
    router.stop().await;
}

#[tokio::test]
async fn a_frame_that_never_ends_is_cut_at_the_deadline() {
    let router = Router::start("websocket_close=60000");
    let instance = Instance::start(1).await;
    router.route(1, &[&instance]).await;
    let mut wire = open(&router, "websocket").await;
    wire.send(&frame(0x82, 1000)[..500]).await;
    assert_eq!(wire.exactly(500).await.unwrap().len(), 500);
    assert_eq!(drain(&router, &instance, Duration::from_millis(100)).await, 1);
    wire.ends().await;
    router.stop().await;
}

#[tokio::test]
async fn another_protocol_goes_on_until_the_deadline() {
    let router = Router::start("");
    let instance = Instance::start(1).await;
    router.route(1, &[&instance]).await;
    let mut wire = open(&router, "something").await;
    let client = async {
        router.until(|status| status.revision == 2).await;
        wire.send("still here").await;
        assert_eq!(wire.exactly(10).await.unwrap(), b"still here");
        wire.ends().await;
    };
    let (cut, ()) = tokio::join!(drain(&router, &instance, Duration::from_millis(500)), client);
    assert_eq!(cut, 1);
    router.stop().await;
}

#[tokio::test]
async fn an_old_router_keeps_its_websockets_and_closes_them_with_their_instance() {
    let mut router = Router::start("");
    let instance = Instance::start(1).await;
    router.route(1, &[&instance]).await;
    let mut wire = open(&router, "websocket").await;
    router.launch();
    wire.send(frame(0x81, 5)).await;
    assert_eq!(wire.exactly(11).await.unwrap(), frame(0x81, 5));
    let client = async {
        assert_eq!(wire.exactly(CLOSE_TO_CLIENT.len()).await.unwrap(), CLOSE_TO_CLIENT);
        wire.send(CLIENT_ANSWERS).await;
        wire.ends().await;
    };
    let (cut, ()) = tokio::join!(drain(&router, &instance, SOON), client);
    assert_eq!(cut, 0);
    router.oldest_ends().await;
    router.stop().await;
}

#[tokio::test]
async fn a_router_that_stops_closes_its_websockets() {
    let mut router = Router::start("");
    let instance = Instance::start(1).await;
    router.route(1, &[&instance]).await;
    let mut wire = open(&router, "websocket").await;
    let stop = router.client.stop();
    let client = async {
        assert_eq!(wire.exactly(CLOSE_TO_CLIENT.len()).await.unwrap(), CLOSE_TO_CLIENT);
        wire.send(CLIENT_ANSWERS).await;
        wire.ends().await;
    };
    let (stopped, ()) = tokio::join!(stop, client);
    stopped.unwrap();
    router.oldest_ends().await;
}
