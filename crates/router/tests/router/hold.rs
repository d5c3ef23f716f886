//! Routes whose requests wait: the strategy `recreate`.

use crate::harness::instance::Instance;
use crate::harness::wire::Wire;
use crate::harness::{Router, side, table};
use router::table::RouteTable;

fn holding(revision: u64) -> RouteTable {
    let mut table = table(revision, vec![side("v1", 100, &[])]);
    table.routes[0].hold = true;
    table
}

#[tokio::test]
async fn a_held_request_goes_to_the_instance_that_comes() {
    let router = Router::start("");
    let (old, new) = (Instance::start(1).await, Instance::start(2).await);
    router.route(1, &[&old]).await;
    let mut wires = [Wire::connect(router.address).await, Wire::connect(router.address).await];
    assert_eq!(wires[0].get("/").await.text(), "1");
    router.apply(&holding(2)).await;
    wires[0].send_request("GET /", &[], b"").await;
    wires[1].send_request("POST /length", &["Content-Length: 3"], b"abc").await;
    router.until(|status| status.held == 2).await;
    router.apply(&holding(3)).await;
    router.route(4, &[&new]).await;
    assert_eq!(wires[0].answer().await.text(), "2");
    assert_eq!(wires[1].answer().await.text(), "3");
    router.until(|status| status.held == 0).await;
    router.stop().await;
}

#[tokio::test]
async fn a_hold_ends_with_an_answer_when_it_takes_too_long() {
    let router = Router::start("hold=100");
    router.apply(&holding(1)).await;
    let answer = Wire::connect(router.address).await.get("/").await;
    assert_eq!((answer.status, answer.header("x-solum-error")), (503, Some("held_too_long")));
    router.stop().await;
}

#[tokio::test]
async fn only_so_many_requests_are_held() {
    let router = Router::start("held=1");
    router.apply(&holding(1)).await;
    let mut first = Wire::connect(router.address).await;
    first.send_request("GET /", &[], b"").await;
    router.until(|status| status.held == 1).await;
    let second = Wire::connect(router.address).await.get("/").await;
    assert_eq!((second.status, second.header("x-solum-error")), (503, Some("too_many_held")));
    // A place is free again when its client goes away.
    drop(first);
    router.until(|status| status.held == 0).await;
    router.stop().await;
}
