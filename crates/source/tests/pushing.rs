//! What a push brings to the handler, and what the handler's decision does to refs and terminal.

use std::sync::Arc;
use std::time::Duration;

use source::RefOutcome;
use tokio::sync::Notify;

use crate::client::Client;
use crate::host::{Host, Options, soon};

#[tokio::test]
async fn a_first_push_creates_the_branch_and_says_who_pushed_what() {
    let host = Host::start(Options::default()).await;
    let client = Client::with_app(&host.url()).await;
    let head = client.resolve("HEAD").await.unwrap();
    client.git(&["push", "solum", "main"]).await.ok().says("[new branch]      main -> main");
    assert_eq!(host.repositories.tip(&host.app, "main").await.unwrap(), Some(head.clone()));

    let incoming = host.handler.incoming.lock().unwrap()[0].clone();
    assert_eq!(incoming.actor.to_string(), "ann");
    assert_eq!(incoming.app, host.app);
    assert!(incoming.quarantine_bytes > 100, "{}", incoming.quarantine_bytes);
    assert_eq!(incoming.updates.len(), 1);
    assert_eq!(incoming.updates[0].branch(), Some("main"));
    assert_eq!(incoming.updates[0].old, None);
    assert_eq!(incoming.updates[0].new, Some(head));
    assert!(incoming.updates[0].fast_forward);
    let received = host.handler.received.lock().unwrap()[0].clone();
    assert_eq!(received.updates, incoming.updates);
    assert_eq!(received.options, [""; 0]);
    host.stop().await;
}

#[tokio::test]
async fn what_loses_commits_is_told_from_what_does_not() {
    let host = Host::start(Options::default()).await;
    let client = Client::with_app(&host.url()).await;
    client.git(&["push", "--quiet", "solum", "main"]).await.ok();
    client.commit("app.py", "print('two')\n").await;
    client.git(&["push", "--quiet", "solum", "main"]).await.ok();
    client.git(&["reset", "--quiet", "--hard", "HEAD~1"]).await.ok();
    client.commit("app.py", "print('three')\n").await;
    client.git(&["push", "--quiet", "solum", "main"]).await.fails().says("(non-fast-forward)");
    client.git(&["push", "--quiet", "--force", "solum", "main"]).await.ok();
    client.git(&["push", "--quiet", "solum", "main:other"]).await.ok();
    client.git(&["push", "--quiet", "solum", ":other"]).await.ok();

    let facts: Vec<_> = host
        .handler
        .received
        .lock()
        .unwrap()
        .iter()
        .map(|push| (push.updates[0].old.is_some(), push.updates[0].fast_forward))
        .collect();
    assert_eq!(facts, [(false, true), (true, true), (true, false), (false, true), (true, false)]);
    assert_eq!(host.handler.received.lock().unwrap()[4].updates[0].new, None);
    host.stop().await;
}

#[tokio::test]
async fn tags_and_several_refs_at_once_come_in_order() {
    let host = Host::start(Options::default()).await;
    let client = Client::with_app(&host.url()).await;
    client.git(&["tag", "v1", "-m", "first"]).await.ok();
    client.git(&["branch", "feature/x"]).await.ok();
    client.git(&["push", "solum", "main", "feature/x", "v1"]).await.ok();
    let names: Vec<_> = host.handler.received.lock().unwrap()[0]
        .updates
        .iter()
        .map(|update| update.name.clone())
        .collect();
    assert_eq!(names, ["refs/heads/main", "refs/heads/feature/x", "refs/tags/v1"]);
    client.git(&["fetch", "--quiet", "solum", "tag", "v1"]).await.ok();
    host.stop().await;
}

#[tokio::test]
async fn a_rejected_push_shows_the_reason_and_leaves_nothing() {
    let host = Host::start(Options::default()).await;
    *host.handler.rejection.lock().unwrap() =
        Some("error: the quota is used up\nhint: delete an app".to_owned());
    let client = Client::with_app(&host.url()).await;
    let head = client.resolve("HEAD").await.unwrap();
    client
        .git(&["push", "solum", "main"])
        .await
        .fails()
        .says("remote: error: the quota is used up\nremote: hint: delete an app\n")
        .says("! [remote rejected] main -> main (pre-receive hook declined)");
    assert!(!host.pushes_under_way());
    assert!(host.repositories.commit(&host.app, &head).await.is_err(), "its objects are gone");
    assert_eq!(host.handler.received.lock().unwrap().len(), 0);
    host.stop().await;
}

#[tokio::test]
async fn lines_arrive_while_the_push_goes_on() {
    let go_on = Arc::new(Notify::new());
    let waiting = Arc::clone(&go_on);
    let host = Host::start(Options::receive(move |push, talk| {
        let waiting = Arc::clone(&waiting);
        async move {
            talk.line("-----> Building");
            waiting.notified().await;
            talk.line("       with an indent");
            talk.line("");
            talk.line("=====> Deployed");
            vec![RefOutcome::Accept; push.updates.len()]
        }
    }))
    .await;
    let client = Client::with_app(&host.url()).await;
    let (mut child, mut lines) = client.start(&["push", "solum", "main"]);
    let first = tokio::time::timeout(Duration::from_secs(20), async {
        loop {
            let line = lines.next_line().await.unwrap().expect("a line before the end");
            if line.contains("Building") {
                return line;
            }
        }
    });
    assert_eq!(first.await.expect("the line comes at once").trim_end(), "remote: -----> Building");
    go_on.notify_one();
    let mut rest = Vec::new();
    while let Some(line) = lines.next_line().await.unwrap() {
        rest.push(line.trim_end().to_owned());
    }
    assert!(child.wait().await.unwrap().success());
    assert_eq!(rest[..3], ["remote:        with an indent", "remote:", "remote: =====> Deployed"]);
    host.stop().await;
}

#[tokio::test]
async fn a_refused_ref_stays_and_the_push_fails() {
    let host = Host::start(Options::receive(|_, talk| async move {
        talk.line("       SyntaxError");
        vec![RefOutcome::Refused("the build failed".to_owned())]
    }))
    .await;
    let client = Client::with_app(&host.url()).await;
    client
        .git(&["push", "solum", "main"])
        .await
        .fails()
        .says("remote:        SyntaxError")
        .says("! [remote rejected] main -> main (the build failed)");
    assert_eq!(host.repositories.tip(&host.app, "main").await.unwrap(), None);
    assert_eq!(client.resolve("solum/main").await, None);
    host.stop().await;
}

#[tokio::test]
async fn a_ref_that_was_moved_already_is_a_success() {
    let host = Host::start(Options::receive(|push, _| async move {
        drop(push);
        vec![RefOutcome::Moved]
    }))
    .await;
    let client = Client::with_app(&host.url()).await;
    client.git(&["push", "solum", "main"]).await.ok();
    // Git leaves the ref to the handler, which in this test did nothing.
    assert_eq!(host.repositories.tip(&host.app, "main").await.unwrap(), None);
    assert_eq!(client.resolve("solum/main").await, client.resolve("main").await);
    host.stop().await;
}

#[tokio::test]
async fn a_detached_push_reports_the_change_and_the_tracking_branch_tells_the_truth() {
    let host = Host::start(Options::receive(|push, _| async move {
        assert_eq!(push.options, ["detach", "note=a b"]);
        let new = push.updates[0].new.clone().unwrap();
        vec![RefOutcome::Renamed { to: source::change_ref(7), old: None, new }]
    }))
    .await;
    let client = Client::with_app(&host.url()).await;
    client
        .git(&["push", "-o", "detach", "-o", "note=a b", "solum", "main"])
        .await
        .ok()
        .says("[new reference]   main -> refs/changes/7/head");
    assert_eq!(client.resolve("solum/main").await, None, "main has not moved");
    host.stop().await;
}

#[tokio::test]
async fn an_atomic_push_moves_all_refs_or_none() {
    let host = Host::start(Options::receive(|push, _| async move {
        assert!(push.atomic);
        let decide = |name: &str| match name {
            "refs/heads/main" => RefOutcome::Refused("no".to_owned()),
            _ => RefOutcome::Accept,
        };
        push.updates.iter().map(|update| decide(&update.name)).collect()
    }))
    .await;
    let client = Client::with_app(&host.url()).await;
    client.git(&["branch", "other"]).await.ok();
    client
        .git(&["push", "--atomic", "solum", "other", "main"])
        .await
        .fails()
        .says("another ref of this atomic push was refused");
    assert_eq!(host.repositories.tip(&host.app, "other").await.unwrap(), None);
    host.stop().await;
}

#[tokio::test]
async fn a_push_that_is_not_atomic_moves_what_it_can() {
    let host = Host::start(Options::receive(|push, _| async move {
        assert!(!push.atomic);
        vec![RefOutcome::Refused("no".to_owned()), RefOutcome::Accept]
    }))
    .await;
    let client = Client::with_app(&host.url()).await;
    client.git(&["branch", "other"]).await.ok();
    client.git(&["push", "solum", "main", "other"]).await.fails().says("main -> main (no)");
    assert_eq!(host.repositories.tip(&host.app, "main").await.unwrap(), None);
    assert!(host.repositories.tip(&host.app, "other").await.unwrap().is_some());
    host.stop().await;
}

#[tokio::test]
async fn a_large_push_is_streamed_in_chunks() {
    let host = Host::start(Options::default()).await;
    let client = Client::with_app(&host.url()).await;
    let noise: Vec<u8> = (0..3 << 20).map(|_| rand::random::<u8>()).collect();
    let head = client.commit("noise", &noise).await;
    client.git(&["push", "--quiet", "solum", "main"]).await.ok();
    assert_eq!(host.repositories.tip(&host.app, "main").await.unwrap(), Some(head));
    assert!(host.handler.incoming.lock().unwrap()[0].quarantine_bytes > 3 << 20);
    host.stop().await;
}

#[tokio::test]
async fn pushes_at_the_same_time_do_not_mix() {
    let host = Host::start(Options::receive(|push, talk| async move {
        for _ in 0..20 {
            talk.line(push.updates[0].branch().unwrap());
            tokio::task::yield_now().await;
        }
        vec![RefOutcome::Accept]
    }))
    .await;
    let first = Client::with_app(&host.url()).await;
    let second = Client::with_app(&host.url()).await;
    let (one, two) = tokio::join!(
        first.git(&["push", "solum", "main:one"]),
        second.git(&["push", "solum", "main:two"])
    );
    assert_eq!(one.ok().stderr.matches("remote: one\n").count(), 20);
    assert_eq!(two.ok().stderr.matches("remote: two\n").count(), 20);
    host.stop().await;
}

#[tokio::test]
async fn the_same_commits_can_be_pushed_again_while_the_first_push_goes_on() {
    let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let notify = (Arc::clone(&begun), Arc::clone(&go_on));
    let host = Host::start(Options::receive(move |push, _| {
        let (begun, go_on) = notify.clone();
        async move {
            if push.options == ["wait"] {
                begun.notify_one();
                go_on.notified().await;
            }
            vec![RefOutcome::Refused("not yet".to_owned())]
        }
    }))
    .await;
    let client = Client::with_app(&host.url()).await;
    let first = client.git(&["push", "-o", "wait", "solum", "main"]);
    let second = async {
        soon(begun.notified()).await;
        let said = client.git(&["push", "solum", "main"]).await;
        go_on.notify_one();
        said
    };
    let (first, second) = tokio::join!(first, second);
    first.fails().says("(not yet)");
    second.fails().says("(not yet)");
    host.stop().await;
}

#[tokio::test]
async fn of_two_pushes_to_one_branch_the_later_one_loses() {
    let both = Arc::new(tokio::sync::Barrier::new(2));
    let host = Host::start(Options::receive(move |_, _| {
        let both = Arc::clone(&both);
        async move {
            both.wait().await;
            vec![RefOutcome::Accept]
        }
    }))
    .await;
    let first = Client::with_app(&host.url()).await;
    let second = Client::with_app(&host.url()).await;
    second.commit("app.py", "print('other')\n").await;
    let (one, two) =
        tokio::join!(first.git(&["push", "solum", "main"]), second.git(&["push", "solum", "main"]));
    assert_ne!(one.success, two.success, "{one:?} {two:?}");
    let winner = if one.success { &first } else { &second };
    let tip = host.repositories.tip(&host.app, "main").await.unwrap();
    assert_eq!(tip, winner.resolve("HEAD").await);
    host.stop().await;
}

#[tokio::test]
async fn refs_that_are_ours_cannot_be_pushed() {
    let host = Host::start(Options::default()).await;
    let client = Client::with_app(&host.url()).await;
    for name in ["refs/solum/pins/x", "refs/changes/1/head"] {
        let refspec = format!("main:{name}");
        client.git(&["push", "solum", &refspec]).await.fails().says("deny updating a hidden ref");
    }
    assert_eq!(host.handler.received.lock().unwrap().len(), 0);
    host.stop().await;
}

#[tokio::test]
async fn a_replacement_ref_does_not_change_what_a_commit_is() {
    let host = Host::start(Options::default()).await;
    let client = Client::with_app(&host.url()).await;
    let one = client.resolve("HEAD").await.unwrap();
    let two = client.commit("app.py", "print('evil')\n").await;
    client.git(&["replace", one.as_str(), two.as_str()]).await.ok();
    client.git(&["push", "solum", "main", "refs/replace/*"]).await.ok();
    assert_eq!(host.repositories.commit(&host.app, &one).await.unwrap().subject, "change app.py");
    assert!(!host.repositories.is_ancestor(&host.app, &two, &one).await.unwrap());
    let into = host.directory.path().join("tree");
    host.repositories.checkout(&host.app, &one, &into).await.unwrap();
    assert_eq!(std::fs::read_to_string(into.join("app.py")).unwrap(), "print('one')\n");
    host.stop().await;
}

#[tokio::test]
async fn a_push_past_the_server_is_refused() {
    let host = Host::start(Options::default()).await;
    let client = Client::with_app(&host.url()).await;
    let path = host.repository();
    client.git(&["push", path.to_str().unwrap(), "main"]).await.fails();
    assert_eq!(host.repositories.tip(&host.app, "main").await.unwrap(), None);
    host.stop().await;
}

#[tokio::test]
async fn a_socket_with_a_long_path_and_a_program_with_a_space_work() {
    let scratch = tempfile::tempdir().unwrap();
    let program = scratch.path().join("a program");
    std::fs::copy(crate::host::hook_program(), &program).unwrap();
    let deep = format!("{0}/{0}", "d".repeat(100));
    let host = Host::start(Options { deep, hook_program: program, ..Options::default() }).await;
    let client = Client::with_app(&host.url()).await;
    client.git(&["push", "solum", "main"]).await.ok();
    assert_eq!(host.handler.received.lock().unwrap().len(), 1);
    host.stop().await;
}
