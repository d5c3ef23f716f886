//! Clones and fetches.

use std::io::Write as _;

use types::{ChangeId, SystemClock};

use crate::client::Client;
use crate::host::{Host, Options};
use crate::raw;

/// A host with three commits on `main`.
async fn with_history() -> (Host, Client) {
    let host = Host::start(Options::default()).await;
    let client = Client::with_app(&host.url()).await;
    client.commit("app.py", "print('two')\n").await;
    client.commit("app.py", "print('three')\n").await;
    client.git(&["push", "--quiet", "solum", "main"]).await.ok();
    (host, client)
}

#[tokio::test]
async fn a_clone_has_it_all() {
    let (host, client) = with_history().await;
    let copy = Client::new();
    copy.git(&["clone", "--quiet", &host.url(), "."]).await.ok();
    assert_eq!(copy.resolve("HEAD").await, client.resolve("main").await);
    assert_eq!(std::fs::read_to_string(copy.file("app.py")).unwrap(), "print('three')\n");
    host.stop().await;
}

#[tokio::test]
async fn every_version_of_the_protocol_is_spoken() {
    let (host, _) = with_history().await;
    for version in ["0", "1", "2"] {
        let copy = Client::new();
        let option = format!("protocol.version={version}");
        let url = host.url();
        let mut command = copy.command(&["-c", &option, "clone", &url, "."]);
        command.env("GIT_TRACE_PACKET", "1");
        let said = copy.run(command).await.ok();
        assert_eq!(said.stderr.contains("< version 2"), version == "2", "{version}");
        assert_eq!(said.stderr.contains("< version 1"), version == "1", "{version}");
    }
    host.stop().await;
}

#[tokio::test]
async fn shallow_and_partial_clones_grow_on_demand() {
    let (host, client) = with_history().await;
    let shallow = Client::new();
    shallow.git(&["clone", "--quiet", "--depth=1", &host.url(), "."]).await.ok();
    let count = shallow.git(&["rev-list", "--count", "HEAD"]).await.ok();
    assert_eq!(count.stdout.trim(), "1");
    let four = client.commit("app.py", "print('four')\n").await;
    client.git(&["push", "--quiet", "solum", "main"]).await.ok();
    shallow.git(&["fetch", "--quiet", "--depth=1"]).await.ok();
    assert_eq!(shallow.resolve("origin/main").await, Some(four));
    shallow.git(&["fetch", "--quiet", "--unshallow"]).await.ok();
    let count = shallow.git(&["rev-list", "--count", "origin/main"]).await.ok();
    assert_eq!(count.stdout.trim(), "4");

    let partial = Client::new();
    partial.git(&["clone", "--quiet", "--filter=blob:none", &host.url(), "."]).await.ok();
    partial.git(&["show", "HEAD~2:app.py"]).await.ok();
    host.stop().await;
}

#[tokio::test]
async fn a_push_from_a_shallow_clone_works() {
    let (host, _) = with_history().await;
    let shallow = Client::new();
    shallow.git(&["clone", "--quiet", "--depth=1", &host.url(), "."]).await.ok();
    let head = shallow.commit("app.py", "print('four')\n").await;
    shallow.git(&["push", "--quiet", "origin", "main"]).await.ok();
    assert_eq!(host.repositories.tip(&host.app, "main").await.unwrap(), Some(head));
    host.stop().await;
}

#[tokio::test]
async fn pins_are_hidden_and_changes_can_be_fetched() {
    let (host, client) = with_history().await;
    let head = client.resolve("main").await.unwrap();
    let change = ChangeId::generate(&SystemClock);
    host.repositories.pin(&host.app, change, &head).await.unwrap();
    host.repositories.set_change_ref(&host.app, 3, &head).await.unwrap();
    for version in ["0", "2"] {
        let option = format!("protocol.version={version}");
        let said = client.git(&["-c", &option, "ls-remote", "solum"]).await.ok();
        assert!(!said.stdout.contains("refs/solum"), "{}", said.stdout);
        assert!(said.stdout.contains("refs/changes/3/head"), "{}", said.stdout);
    }
    client.git(&["fetch", "--quiet", "solum", "refs/changes/3/head"]).await.ok();
    assert_eq!(client.resolve("FETCH_HEAD").await, Some(head));
    host.stop().await;
}

#[tokio::test]
async fn a_gzipped_request_is_understood() {
    let (host, client) = with_history().await;
    let mut plain = raw::packet("command=ls-refs\n");
    plain.extend_from_slice(b"0001");
    plain.extend_from_slice(&raw::packet("ref-prefix refs/heads/\n"));
    plain.extend_from_slice(b"0000");
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(&plain).unwrap();
    let body = encoder.finish().unwrap();
    let headers = [
        ("Content-Type", "application/x-git-upload-pack-request"),
        ("Content-Encoding", "gzip"),
        ("Git-Protocol", "version=2"),
    ];
    let answer = raw::post(&host.authority, "/shop.git/git-upload-pack", &headers, &body).await;
    assert_eq!(answer.status, 200);
    assert!(
        answer.head.to_lowercase().contains("content-type: application/x-git-upload-pack-result")
    );
    assert!(answer.head.to_lowercase().contains("cache-control: no-cache"));
    let head = client.resolve("main").await.unwrap();
    assert!(answer.text().contains(&format!("{head} refs/heads/main")), "{}", answer.text());
    host.stop().await;
}

#[tokio::test]
async fn the_client_itself_gzips_when_it_has_much_to_say() {
    let (host, client) = with_history().await;
    let copy = Client::new();
    copy.git(&["clone", "--quiet", &host.url(), "."]).await.ok();
    // A history of its own, so that it takes many words to find what both have.
    let mut history = String::new();
    for number in 0..400 {
        let at = 2_000_000_000 + number;
        history.push_str(&format!(
            "commit refs/heads/mine\ncommitter A <a@b> {at} +0000\ndata 1\nx\n"
        ));
    }
    std::fs::write(copy.file("history"), history).unwrap();
    let mut import = copy.command(&["fast-import", "--quiet"]);
    import.stdin(std::fs::File::open(copy.file("history")).unwrap());
    copy.run(import).await.ok();
    client.commit("app.py", "print('four')\n").await;
    client.git(&["push", "--quiet", "solum", "main"]).await.ok();
    let mut command = copy.command(&["fetch", "origin"]);
    command.env("GIT_TRACE_CURL", "1").env("GIT_TRACE_CURL_NO_DATA", "1");
    let said = copy.run(command).await.ok();
    assert!(said.stderr.to_lowercase().contains("send header: content-encoding: gzip"));
    assert_eq!(copy.resolve("origin/main").await, client.resolve("main").await);
    host.stop().await;
}

#[tokio::test]
async fn an_empty_repository_can_be_cloned() {
    let host = Host::start(Options::default()).await;
    let copy = Client::new();
    copy.git(&["clone", &host.url(), "."]).await.ok().says("empty repository");
    host.stop().await;
}
