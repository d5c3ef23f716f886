//! What is too much, cut short, or no git at all.

use std::io::Write as _;
use std::time::Duration;

use source::GitHttpConfig;
use tokio::io::AsyncWriteExt;

use crate::client::Client;
use crate::host::{Host, Options, quarantines, until};
use crate::raw::{Raw, packet, post, request};

const PUSH: [(&str, &str); 1] = [("Content-Type", "application/x-git-receive-pack-request")];
const FETCH: [(&str, &str); 1] = [("Content-Type", "application/x-git-upload-pack-request")];

/// The beginning of a push that creates `main`: its commands, up to the pack.
fn commands() -> Vec<u8> {
    let mut body = packet(&format!(
        "{} {} refs/heads/main\0 report-status side-band-64k agent=test",
        "0".repeat(40),
        "1".repeat(40)
    ));
    body.extend_from_slice(b"0000");
    body
}

/// The header of a pack of version 2 with so many objects (gitformat-pack(5)).
fn pack_header(objects: u32) -> Vec<u8> {
    [b"PACK\0\0\0\x02".as_slice(), &objects.to_be_bytes()].concat()
}

#[tokio::test]
async fn a_push_over_the_limit_is_refused_in_words() {
    let host = Host::start(Options { max_pack_bytes: 64 << 10, ..Options::default() }).await;
    let client = Client::with_app(&host.url()).await;
    let noise: Vec<u8> = (0..5 << 20).map(|_| rand::random::<u8>()).collect();
    client.commit("noise", &noise).await;
    client
        .git(&["push", "solum", "main"])
        .await
        .fails()
        .says("remote: fatal: pack exceeds maximum allowed size (64.00 KiB)");
    assert_eq!(host.handler.incoming.lock().unwrap().len(), 0);
    assert!(!host.pushes_under_way());
    client.git(&["reset", "--quiet", "--hard", "HEAD~1"]).await.ok();
    client.git(&["push", "solum", "main"]).await.ok();
    host.stop().await;
}

#[tokio::test]
async fn an_upload_without_end_is_stopped_at_the_limit() {
    let host = Host::start(Options { max_pack_bytes: 1 << 20, ..Options::default() }).await;
    let mut raw = Raw::connect(&host.authority).await;
    let mut headers = PUSH.to_vec();
    headers.push(("Content-Length", "10000000000"));
    raw.post("/shop.git/git-receive-pack", &headers).await;
    raw.send(commands()).await;
    raw.send(pack_header(1_000_000)).await;
    // Blobs of one incompressible megabyte each, stored as deflate's stored blocks.
    let piece = stored_blob(1 << 20);
    let started = tokio::time::Instant::now();
    let mut sent = 0_usize;
    // The server reads on for a while, so that clients come to read its answer, and then closes.
    while raw.stream.write_all(&piece).await.is_ok() {
        sent += piece.len();
        assert!(started.elapsed() < Duration::from_secs(20), "still reading after {sent} bytes");
    }
    until("the quarantine is gone", || quarantines(&host.repository()) == 0).await;
    host.stop().await;
}

/// One blob of random bytes as it stands in a pack.
fn stored_blob(size: usize) -> Vec<u8> {
    let noise: Vec<u8> = (0..size).map(|_| rand::random::<u8>()).collect();
    packed_blob(&noise, flate2::Compression::none())
}

fn packed_blob(content: &[u8], compression: flate2::Compression) -> Vec<u8> {
    let size = content.len();
    let mut rest = size >> 4;
    let mut packed = vec![0x30 | (size & 15) as u8 | if rest > 0 { 0x80 } else { 0 }];
    while rest > 0 {
        packed.push((rest & 0x7f) as u8 | if rest > 0x7f { 0x80 } else { 0 });
        rest >>= 7;
    }
    let mut zlib = flate2::write::ZlibEncoder::new(packed, compression);
    zlib.write_all(content).unwrap();
    zlib.finish().unwrap()
}

#[tokio::test]
async fn a_truncated_pack_is_refused_and_leaves_nothing() {
    let host = Host::start(Options::default()).await;
    let mut body = commands();
    body.extend_from_slice(&pack_header(3));
    body.extend_from_slice(&stored_blob(1000)[..500]);
    let answer = post(&host.authority, "/shop.git/git-receive-pack", &PUSH, &body).await;
    assert_eq!(answer.status, 200);
    assert!(answer.text().contains("unpack"), "{}", answer.text());
    assert!(answer.text().contains("ng refs/heads/main"), "{}", answer.text());
    assert_eq!(host.handler.incoming.lock().unwrap().len(), 0);
    assert!(!host.pushes_under_way());
    host.stop().await;
}

#[tokio::test]
async fn a_commit_that_does_not_come_with_the_push_is_refused() {
    let host = Host::start(Options::default()).await;
    let mut body = commands();
    let mut pack = pack_header(0);
    pack.extend_from_slice(&[
        0x02, 0x9d, 0x08, 0x82, 0x3b, 0xd8, 0xa8, 0xea, 0xb5, 0x10, 0xad, 0x6a, 0xc7, 0x5c, 0x82,
        0x3c, 0xfd, 0x3e, 0xd3, 0x1e,
    ]);
    body.extend_from_slice(&pack);
    let answer = post(&host.authority, "/shop.git/git-receive-pack", &PUSH, &body).await;
    assert!(
        answer.text().contains("ng refs/heads/main missing necessary objects"),
        "{}",
        answer.text()
    );
    host.stop().await;
}

#[tokio::test]
async fn what_is_no_push_is_a_bad_request() {
    let host = Host::start(Options::default()).await;
    let url = "/shop.git/git-receive-pack";
    for body in [&b"hello"[..], b"", b"00"] {
        let answer = post(&host.authority, url, &PUSH, body).await;
        assert_eq!(answer.status, 400, "{body:?}");
        assert_eq!(answer.text(), "git cannot read this as a push\n");
    }
    let answer = post(&host.authority, url, &PUSH, b"0000").await;
    assert_eq!(answer.status, 200, "git's own way to ask whether it may push");
    let answer = post(&host.authority, url, &FETCH, b"0000").await;
    assert_eq!(answer.status, 415);
    let answer = post(&host.authority, "/shop.git/git-upload-pack", &FETCH, b"hello").await;
    assert_eq!(answer.status, 400);
    host.stop().await;
}

#[tokio::test]
async fn other_requests_are_refused_with_what_is_wrong() {
    let host = Host::start(Options::default()).await;
    for (method, path, status) in [
        ("GET", "/shop.git/info/refs", 403),
        ("GET", "/shop.git/info/refs?service=git-upload-archive", 403),
        ("GET", "/shop.git/HEAD", 403),
        ("GET", "/shop.git/objects/info/packs", 403),
        ("GET", "/shop.git/config", 404),
        ("GET", "/shop.git/../x", 404),
        ("POST", "/shop.git/info/refs?service=git-upload-pack", 405),
        ("GET", "/shop.git/git-upload-pack", 405),
        ("GET", "/other.git/info/refs?service=git-upload-pack", 404),
    ] {
        let answer = request(&host.authority, method, path).await;
        assert_eq!(answer.status, status, "{method} {path}");
        assert!(answer.head.contains("text/plain"), "{method} {path}");
    }
    host.stop().await;
}

#[tokio::test]
async fn a_full_disk_is_said_before_anything_is_sent() {
    let host = Host::start(Options { min_free_bytes: u64::MAX, ..Options::default() }).await;
    let client = Client::with_app(&host.url()).await;
    client
        .git(&["push", "solum", "main"])
        .await
        .fails()
        .says("remote: the server's disk is nearly full")
        .says("507");
    // Reading goes on.
    client.git(&["ls-remote", "solum"]).await.ok();
    let answer = post(&host.authority, "/shop.git/git-receive-pack", &PUSH, &commands()).await;
    assert_eq!(answer.status, 507);
    host.stop().await;
}

#[tokio::test]
async fn who_may_only_read_is_told_so() {
    let host = Host::start(Options { may_push: false, ..Options::default() }).await;
    let client = Client::with_app(&host.url()).await;
    client
        .git(&["push", "solum", "main"])
        .await
        .fails()
        .says("remote: you may read this app, but not push to it");
    let answer = post(&host.authority, "/shop.git/git-receive-pack", &PUSH, b"0000").await;
    assert_eq!(answer.status, 403);
    client.git(&["ls-remote", "solum"]).await.ok();
    host.stop().await;
}

#[tokio::test]
async fn pushes_over_the_limit_are_told_to_come_back() {
    let http = GitHttpConfig { max_pushes: 0, ..GitHttpConfig::default() };
    let host = Host::start(Options { http, ..Options::default() }).await;
    let answer = post(&host.authority, "/shop.git/git-receive-pack", &PUSH, b"0000").await;
    assert_eq!(answer.status, 503);
    assert!(answer.head.to_lowercase().contains("retry-after: 60"), "{}", answer.head);
    host.stop().await;
}

#[tokio::test]
async fn a_client_that_stops_sending_is_cut_off() {
    let http =
        GitHttpConfig { idle_timeout: Duration::from_millis(200), ..GitHttpConfig::default() };
    let host = Host::start(Options { http, ..Options::default() }).await;
    let mut raw = Raw::connect(&host.authority).await;
    let mut headers = PUSH.to_vec();
    headers.push(("Content-Length", "100000"));
    raw.post("/shop.git/git-receive-pack", &headers).await;
    raw.send(commands()).await;
    raw.send(pack_header(3)).await;
    let answer = raw.answer().await;
    assert!(answer.text().contains("unpack"), "{}", answer.text());
    until("the quarantine is gone", || quarantines(&host.repository()) == 0).await;
    host.stop().await;
}

#[tokio::test]
async fn a_push_that_is_small_but_unpacks_without_end_is_stopped() {
    let http = GitHttpConfig { unpack_cpu: Duration::from_secs(1), ..GitHttpConfig::default() };
    let host = Host::start(Options { http, ..Options::default() }).await;
    // Thirty megabytes of zeros, a thousand times: minutes of work out of 30 MB.
    let bomb = packed_blob(&vec![0; 30 << 20], flate2::Compression::best());
    assert!(bomb.len() < 64 << 10);
    let body = [commands(), pack_header(1000), bomb.repeat(1000)].concat();
    let answer = post(&host.authority, "/shop.git/git-receive-pack", &PUSH, &body).await;
    assert!(answer.text().contains("ng refs/heads/main unpacker error"), "{}", answer.text());
    assert_eq!(host.handler.incoming.lock().unwrap().len(), 0);
    assert!(!host.pushes_under_way());
    host.stop().await;
}
