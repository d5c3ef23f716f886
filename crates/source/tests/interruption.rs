//! Clients, hooks and servers that go away in the middle.

use std::sync::Arc;

use source::RefOutcome;
use tokio::sync::Notify;

use crate::client::{Client, interrupt};
use crate::host::{Host, Options, quarantines, soon, until};
use crate::raw::{Raw, packet};

#[tokio::test]
async fn a_client_that_hangs_up_after_sending_does_not_stop_its_push() {
    let (begun, gone, go_on) =
        (Arc::new(Notify::new()), Arc::new(Notify::new()), Arc::new(Notify::new()));
    let notify = (Arc::clone(&begun), Arc::clone(&gone), Arc::clone(&go_on));
    let host = Host::start(Options::receive(move |_, talk| {
        let (begun, gone, go_on) = notify.clone();
        async move {
            begun.notify_one();
            talk.closed().await;
            assert!(talk.is_closed());
            gone.notify_one();
            go_on.notified().await;
            // Nobody reads this; it must not get in the way.
            for number in 0..5000 {
                talk.line(&format!("line {number}"));
            }
            vec![RefOutcome::Accept]
        }
    }))
    .await;
    let client = Client::with_app(&host.url()).await;
    let (mut child, _lines) = client.start(&["push", "solum", "main"]);
    soon(begun.notified()).await;
    interrupt(&child);
    assert!(!child.wait().await.unwrap().success());
    soon(gone.notified()).await;
    go_on.notify_one();
    let branch = host.repository().join("refs/heads/main");
    until("the branch has moved", || branch.exists()).await;
    assert_eq!(
        host.repositories.tip(&host.app, "main").await.unwrap(),
        client.resolve("HEAD").await
    );
    host.stop().await;
}

#[tokio::test]
async fn a_client_that_hangs_up_while_sending_leaves_nothing() {
    let host = Host::start(Options::default()).await;
    let mut raw = Raw::connect(&host.authority).await;
    let headers = [
        ("Content-Type", "application/x-git-receive-pack-request"),
        ("Transfer-Encoding", "chunked"),
    ];
    raw.post("/shop.git/git-receive-pack", &headers).await;
    let (zeros, ones) = ("0".repeat(40), "1".repeat(40));
    let mut body = packet(&format!("{zeros} {ones} refs/heads/main\0 report-status"));
    body.extend_from_slice(b"0000PACK\0\0\0\x02\0\0\x10\0");
    raw.send(format!("{:x}\r\n", body.len())).await;
    raw.send(&body).await;
    raw.send("\r\n").await;
    let repository = host.repository();
    until("git has begun to take it", || quarantines(&repository) == 1).await;
    drop(raw);
    until("the quarantine is gone", || quarantines(&repository) == 0).await;
    assert_eq!(host.handler.incoming.lock().unwrap().len(), 0);
    host.stop().await;
}

#[tokio::test]
async fn a_server_that_stops_cuts_off_what_still_arrives() {
    let host = Host::start(Options::default()).await;
    let mut raw = Raw::connect(&host.authority).await;
    let headers =
        [("Content-Type", "application/x-git-receive-pack-request"), ("Content-Length", "100000")];
    raw.post("/shop.git/git-receive-pack", &headers).await;
    let (zeros, ones) = ("0".repeat(40), "1".repeat(40));
    raw.send(packet(&format!("{zeros} {ones} refs/heads/main\0 report-status"))).await;
    raw.send(b"0000PACK\0\0\0\x02\0\0\x10\0").await;
    let repository = host.repository();
    until("git has begun to take it", || quarantines(&repository) == 1).await;
    let directory = host.stop().await;
    assert_eq!(quarantines(&repository), 0);
    drop((raw, directory));
}

#[tokio::test]
async fn a_client_that_hangs_up_ends_its_fetch() {
    let host = Host::start(Options::default()).await;
    let client = Client::with_app(&host.url()).await;
    let noise: Vec<u8> = (0..20 << 20).map(|_| rand::random::<u8>()).collect();
    let head = client.commit("noise", &noise).await;
    client.git(&["push", "--quiet", "solum", "main"]).await.ok();

    let mut body = packet("command=fetch\n");
    body.extend_from_slice(b"0001");
    body.extend_from_slice(&packet(&format!("want {head}\n")));
    body.extend_from_slice(&packet("done\n"));
    body.extend_from_slice(b"0000");
    let mut raw = Raw::connect(&host.authority).await;
    let length = body.len().to_string();
    let headers = [
        ("Content-Type", "application/x-git-upload-pack-request"),
        ("Git-Protocol", "version=2"),
        ("Content-Length", length.as_str()),
    ];
    raw.post("/shop.git/git-upload-pack", &headers).await;
    raw.send(&body).await;
    // It takes only the beginning, so that git is stuck with the rest.
    let mut beginning = [0; 4096];
    tokio::io::AsyncReadExt::read_exact(&mut raw.stream, &mut beginning).await.unwrap();
    let serving = || gits_in(&host.repository());
    assert!(serving() > 0, "git serves it");
    drop(raw);
    until("git has ended", || serving() == 0).await;
    host.stop().await;
}

/// How many processes serve this repository.
fn gits_in(repository: &std::path::Path) -> usize {
    std::fs::read_dir("/proc")
        .unwrap()
        .filter_map(|entry| std::fs::read_link(entry.ok()?.path().join("cwd")).ok())
        .filter(|directory| directory == repository)
        .count()
}

#[tokio::test]
async fn a_handler_that_dies_refuses_the_ref_in_words() {
    let host =
        Host::start(Options::receive(|_, _| async move { panic!("as the test wants it") })).await;
    let client = Client::with_app(&host.url()).await;
    client
        .git(&["push", "solum", "main"])
        .await
        .fails()
        .says("remote: error: the Solum server went away before it said what became of this push")
        .says("remote: hint: `solum run list` tells whether it was recorded")
        .says("! [remote rejected] main -> main (the server went away; `solum run list` tells");
    assert_eq!(host.repositories.tip(&host.app, "main").await.unwrap(), None);
    host.stop().await;
}

#[tokio::test]
async fn a_server_that_does_not_answer_hooks_takes_no_push() {
    let host = Host::start(Options::default()).await;
    host.hooks.cancel();
    let socket = host.directory.path().join("hooks.sock");
    until("nobody listens any more", || std::os::unix::net::UnixStream::connect(&socket).is_err())
        .await;
    let client = Client::with_app(&host.url()).await;
    client
        .git(&["push", "solum", "main"])
        .await
        .fails()
        .says("remote: error: the Solum server went away")
        .says("remote: hint: nothing was recorded and nothing has moved")
        .says("(pre-receive hook declined)");
    host.stop().await;
}

#[tokio::test]
async fn a_server_that_stops_gives_its_pushes_time_to_be_answered() {
    let begun = Arc::new(Notify::new());
    let stopping = tokio_util::sync::CancellationToken::new();
    let notify = (Arc::clone(&begun), stopping.clone());
    let host = Host::start(Options::receive(move |push, talk| {
        let (begun, stopping) = notify.clone();
        async move {
            begun.notify_one();
            stopping.cancelled().await;
            talk.line("the server restarts; the run goes on");
            let new = push.updates[0].new.clone().unwrap();
            vec![RefOutcome::Renamed { to: source::change_ref(1), old: None, new }]
        }
    }))
    .await;
    let client = Client::with_app(&host.url()).await;
    let push = client.git(&["push", "solum", "main"]);
    let stop = async {
        soon(begun.notified()).await;
        host.hooks.cancel();
        stopping.cancel();
    };
    let (said, ()) = tokio::join!(push, stop);
    said.ok()
        .says("remote: the server restarts; the run goes on")
        .says("main -> refs/changes/1/head");
    host.stop().await;
}

#[tokio::test]
async fn a_handler_that_outlives_the_grace_is_stopped_and_its_push_told() {
    let begun = Arc::new(Notify::new());
    let notify = Arc::clone(&begun);
    let host = Host::start(Options::receive(move |_, _| {
        let begun = Arc::clone(&notify);
        async move {
            begun.notify_one();
            std::future::pending().await
        }
    }))
    .await;
    let client = Client::with_app(&host.url()).await;
    let stop = async {
        soon(begun.notified()).await;
        host.hooks.cancel();
    };
    let (said, ()) = tokio::join!(client.git(&["push", "solum", "main"]), stop);
    said.fails().says("before it said what became of this push");
    host.stop().await;
}
