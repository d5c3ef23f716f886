//! The router's own upgrade and death.

use std::fs;

use crate::harness::instance::Instance;
use crate::harness::load::Load;
use crate::harness::wire::{Wire, get};
use crate::harness::{Router, side, table};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_router_is_replaced_under_load_without_a_failure() {
    let mut router = Router::start("workers=2");
    let instance = Instance::start(1).await;
    router.route(1, &[&instance]).await;
    let mut idle = Vec::new();
    for _ in 0..20 {
        let mut wire = Wire::connect(router.address).await;
        assert_eq!(wire.get("/").await.status, 200);
        idle.push(wire);
    }
    let load = Load::start(router.address, 16, 8);
    for _ in 0..3 {
        load.answers(300).await;
        router.launch();
    }
    load.answers(300).await;
    // Idle connections are answered by the generation that they are with, which then closes them.
    for wire in &mut idle {
        let answer = wire.get("/").await;
        assert_eq!((answer.status, answer.closes()), (200, true));
        wire.ends().await;
    }
    for _ in 0..3 {
        router.oldest_ends().await;
    }
    load.end_without_failure().await;
    assert_eq!(router.client.status().await.unwrap().generations.len(), 1);
    router.stop().await;
}

#[tokio::test]
async fn every_generation_follows_the_table_and_confirms_drains() {
    let mut router = Router::start("");
    let (one, two) = (Instance::start(1).await, Instance::start(2).await);
    router.route(1, &[&one]).await;
    let mut old_client = Wire::connect(router.address).await;
    assert_eq!(old_client.get("/").await.text(), "1");
    let mut long = Wire::connect(router.address).await;
    long.send_request("GET /gate", &[], b"").await;
    router.until(|status| status.in_flight == 1).await;
    router.launch();
    let status = router.client.status().await.unwrap();
    assert_eq!(status.generations.len(), 2);
    assert!(status.generations[0].accepting && !status.generations[1].accepting);
    assert_eq!(status.generations[1].connections, 2);
    assert_ne!(status.generations[0].pid, status.generations[1].pid);

    router.route(2, &[&two]).await;
    // A connection that the old generation has, and the new table.
    let answer = old_client.get("/").await;
    assert_eq!((answer.text(), answer.closes()), ("2", true));
    let ids = [one.id];
    let drain = router.client.drain(&ids, crate::harness::SOON);
    let finish = async {
        assert_eq!(router.client.status().await.unwrap().generations[1].in_flight, 1);
        one.open_gate();
        let answer = long.answer().await;
        assert_eq!((answer.text(), answer.closes()), ("1", true));
    };
    let (drained, ()) = tokio::join!(drain, finish);
    assert!(drained.unwrap().is_clean());
    drop((old_client, long));
    router.oldest_ends().await;
    router.stop().await;
}

#[tokio::test]
async fn a_router_that_was_killed_serves_again_from_the_table_on_disk() {
    let mut router = Router::start("");
    let instance = Instance::start(1).await;
    router.route(7, &[&instance]).await;
    router.kill();
    assert!(router.client.status().await.unwrap().generations.is_empty());
    router.launch();
    assert_eq!(get(router.address, "/").await.text(), "1");
    assert_eq!(router.accepting().await.revision, 7);
    router.stop().await;
}

#[tokio::test]
async fn a_generation_that_died_is_passed_over() {
    let mut router = Router::start("");
    let instance = Instance::start(1).await;
    router.route(1, &[&instance]).await;
    let mut kept = Wire::connect(router.address).await;
    assert_eq!(kept.get("/").await.status, 200);
    router.launch();
    router.kill();
    // The one that accepted is dead; the one before still serves what it has.
    router.client.apply(&table(2, vec![side("v2", 1, &[&instance])])).await.unwrap();
    let status = router.client.status().await.unwrap();
    assert_eq!((status.generations.len(), status.accepting()), (1, None));
    // Who comes meanwhile waits for the next, and is not refused.
    let mut waiting = Wire::connect(router.address).await;
    waiting.send_request("GET /", &[], b"").await;
    router.launch();
    assert_eq!(waiting.answer().await.status, 200);
    assert_eq!(kept.get("/").await.status, 200);
    assert_eq!(get(router.address, "/").await.status, 200);
    router.oldest_ends().await;
    router.stop().await;
}

#[tokio::test]
async fn a_corrupt_table_is_told_and_the_router_starts_empty() {
    let mut router = Router::start("");
    let instance = Instance::start(1).await;
    router.route(1, &[&instance]).await;
    router.kill();
    fs::write(router.directory().join("table.json"), "{\"revision\": 1, \"rou").unwrap();
    router.launch();
    assert_eq!(get(router.address, "/").await.header("x-solum-error"), Some("unknown_host"));
    let told = router.accepting().await.table_error.expect("it is told");
    assert!(told.contains("table"), "{told}");
    router.route(1, &[&instance]).await;
    assert_eq!(get(router.address, "/").await.text(), "1");
    assert_eq!(router.accepting().await.table_error, None);
    router.stop().await;
}

#[tokio::test]
async fn another_address_is_bound_and_the_old_one_let_go() {
    let mut router = Router::start("");
    let instance = Instance::start(1).await;
    router.route(1, &[&instance]).await;
    let old = router.address;
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    router.launch_at(free);
    assert_eq!(router.address, free);
    assert_eq!(get(free, "/").await.text(), "1");
    router.oldest_ends().await;
    assert!(tokio::net::TcpStream::connect(old).await.is_err());
    router.stop().await;
}

#[tokio::test]
async fn stopping_lets_requests_end_and_closes_idle_connections() {
    let mut router = Router::start("");
    let instance = Instance::start(1).await;
    router.route(1, &[&instance]).await;
    let mut idle = Wire::connect(router.address).await;
    idle.get("/").await;
    let mut busy = Wire::connect(router.address).await;
    busy.send_request("GET /gate", &[], b"").await;
    router.until(|status| status.in_flight == 1).await;
    let stop = router.client.stop();
    let finish = async {
        idle.ends().await;
        instance.open_gate();
        let answer = busy.answer().await;
        assert_eq!((answer.status, answer.closes()), (200, true));
        busy.ends().await;
    };
    let (stopped, ()) = tokio::join!(stop, finish);
    stopped.unwrap();
    assert!(tokio::net::TcpStream::connect(router.address).await.is_err());
    router.oldest_ends().await;
}

#[tokio::test]
async fn stopping_cuts_what_takes_too_long() {
    let mut router = Router::start("stop=50");
    let instance = Instance::start(1).await;
    router.route(1, &[&instance]).await;
    let mut busy = Wire::connect(router.address).await;
    busy.send_request("GET /gate", &[], b"").await;
    router.until(|status| status.in_flight == 1).await;
    router.client.stop().await.unwrap();
    assert!(busy.try_answer().await.is_err());
    router.oldest_ends().await;
}

#[tokio::test]
async fn the_files_of_a_router_are_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let router = Router::start("");
    router.route(1, &[]).await;
    let mode = |path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(router.directory().to_owned()), 0o700);
    assert_eq!(mode(router.directory().join("table.json")), 0o600);
    router.stop().await;
}
