//! Claim, swap, drain.

use std::time::Duration;

use bytes::Bytes;
use router::Error;

use crate::harness::instance::Instance;
use crate::harness::load::Load;
use crate::harness::wire::{Wire, get};
use crate::harness::{Router, SOON};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_are_replaced_under_load_without_a_failure() {
    let router = Router::start("");
    let mut current = Instance::start(1).await;
    router.route(1, &[&current]).await;
    let load = Load::start(router.address, 16, 4);
    for revision in 2..=25 {
        let next = Instance::start(u128::from(revision)).await;
        router.route(revision, &[&next]).await;
        let drained = router.client.drain(&[current.id], SOON).await.unwrap();
        assert!(drained.is_clean(), "{drained:?}");
        // Nothing is under way there: the process may end like a process.
        current.stop().await;
        current = next;
        load.answers(100).await;
    }
    load.end_without_failure().await;
    router.stop().await;
}

#[tokio::test]
async fn a_drain_waits_for_long_answers_and_uploads() {
    let router = Router::start("");
    let (old, new) = (Instance::start(1).await, Instance::start(2).await);
    router.route(1, &[&old]).await;

    let chunks = old.answer_stream().await;
    let mut download = Wire::connect(router.address).await;
    chunks.send(Bytes::from_static(b"one")).unwrap();
    download.send_request("GET /stream", &[], b"").await;
    download.head().await;
    assert_eq!(download.chunk().await.unwrap(), b"one");

    let mut received = old.receive_upload().await;
    let mut upload = Wire::connect(router.address).await;
    upload.send_request("POST /upload", &["Content-Length: 6"], b"abc").await;
    assert_eq!(received.recv().await.unwrap(), "abc");

    router.route(2, &[&new]).await;
    assert_eq!(get(router.address, "/").await.text(), "2");
    let old_ids = [old.id];
    let drain = router.client.drain(&old_ids, SOON);
    let rest = async {
        upload.send("def").await;
        assert_eq!(upload.answer().await.text(), "6");
        chunks.send(Bytes::from_static(b"two")).unwrap();
        assert_eq!(download.chunk().await.unwrap(), b"two");
        drop(chunks);
        assert_eq!(download.chunk().await.unwrap(), b"");
        // The connection of the client outlives the instance.
        assert_eq!(download.get("/").await.text(), "2");
    };
    let (drained, ()) = tokio::join!(drain, rest);
    assert!(drained.unwrap().is_clean());
    assert_eq!(router.accepting().await.in_flight, 0);
    router.stop().await;
}

#[tokio::test]
async fn what_is_left_at_the_deadline_is_cut_and_reported() {
    let router = Router::start("");
    let (old, new) = (Instance::start(1).await, Instance::start(2).await);
    router.route(1, &[&old]).await;
    let mut wires = [Wire::connect(router.address).await, Wire::connect(router.address).await];
    for wire in &mut wires {
        wire.send_request("GET /gate", &[], b"").await;
    }
    router.until(|status| status.in_flight == 2).await;
    router.route(2, &[&new]).await;
    let drained = router.client.drain(&[old.id], Duration::from_millis(50)).await.unwrap();
    assert_eq!(drained.cut, [(old.id, 2)].into());
    for wire in &mut wires {
        let answer = wire.answer().await;
        assert_eq!((answer.status, answer.header("x-solum-error")), (502, Some("instance_closed")));
    }
    assert_eq!(router.accepting().await.in_flight, 0);
    router.stop().await;
}

#[tokio::test]
async fn only_what_is_out_of_the_table_is_drained() {
    let router = Router::start("");
    let instance = Instance::start(1).await;
    router.route(1, &[&instance]).await;
    let refused = router.client.drain(&[instance.id], SOON).await.unwrap_err();
    assert!(matches!(&refused, Error::StillRouted(ids) if *ids == [instance.id.to_string()]));
    router.route(2, &[]).await;
    assert!(router.client.drain(&[instance.id], SOON).await.unwrap().is_clean());
    // Whom nobody knows there is nothing to wait for.
    assert!(router.client.drain(&[crate::harness::id(9)], SOON).await.unwrap().is_clean());
    router.stop().await;
}

#[tokio::test]
async fn idle_connections_to_a_removed_instance_are_closed() {
    let router = Router::start("pooled=60000");
    let (old, new) = (Instance::start(1).await, Instance::start(2).await);
    router.route(1, &[&old]).await;
    get(router.address, "/").await;
    router.route(2, &[&new]).await;
    router.client.drain(&[old.id], SOON).await.unwrap();
    // The instance's tasks end only when their connections do.
    old.connections_end().await;
    router.stop().await;
}

#[tokio::test]
async fn tables_are_refused_when_they_are_old_or_make_no_sense() {
    let router = Router::start("");
    let instance = Instance::start(1).await;
    router.route(5, &[&instance]).await;
    let old = crate::harness::table(4, vec![]);
    let refused = router.client.apply(&old).await.unwrap_err();
    assert!(matches!(refused, Error::Stale { offered: 4, current: 5 }), "{refused}");
    let twice =
        crate::harness::table(6, vec![crate::harness::side("v1", 1, &[&instance, &instance])]);
    assert!(matches!(router.client.apply(&twice).await, Err(Error::InvalidTable(_))));
    assert_eq!(router.accepting().await.revision, 5);
    assert_eq!(get(router.address, "/").await.text(), "1");
    router.stop().await;
}

#[tokio::test]
async fn without_a_router_a_table_is_kept_for_the_next() {
    let mut router = Router::start("");
    let instance = Instance::start(1).await;
    router.client.stop().await.unwrap();
    router.oldest_ends().await;
    let table = crate::harness::table(1, vec![crate::harness::side("v1", 1, &[&instance])]);
    assert!(matches!(router.client.apply(&table).await, Err(Error::NotRunning(_))));
    assert!(matches!(router.client.drain(&[], SOON).await, Err(Error::NotRunning(_))));
    assert!(matches!(router.client.metrics().await, Err(Error::NotRunning(_))));
    assert_eq!(router.client.status().await.unwrap().generations, []);
    router.client.stop().await.unwrap();
    router.launch();
    assert_eq!(get(router.address, "/").await.text(), "1");
    router.stop().await;
}
