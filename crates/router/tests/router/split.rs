//! Routes with more than one side.

use crate::harness::instance::Instance;
use crate::harness::wire::{Wire, get};
use crate::harness::{Router, side, table};

#[tokio::test]
async fn a_user_stays_on_a_side_and_the_sides_share_the_users() {
    let router = Router::start("");
    let (stable, canary) = (Instance::start(1).await, Instance::start(2).await);
    router.apply(&table(1, vec![side("v1", 50, &[&stable]), side("v2", 50, &[&canary])])).await;
    let mut seen = [0, 0];
    for _ in 0..40 {
        let first = get(router.address, "/").await;
        let cookie = first.header("set-cookie").expect("a new user gets a key");
        assert!(cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax"), "{cookie}");
        let cookie = format!("Cookie: {}", cookie.split(';').next().unwrap());
        let mut wire = Wire::connect(router.address).await;
        for _ in 0..3 {
            let again = wire.request("GET /", &[&cookie], b"").await;
            assert_eq!(again.text(), first.text());
            assert_eq!(again.header("set-cookie"), None);
        }
        seen[first.text().parse::<usize>().unwrap() - 1] += 1;
    }
    assert!(seen.iter().all(|users| *users > 5), "{seen:?} of 40");
    router.stop().await;
}

#[tokio::test]
async fn a_route_that_is_not_split_sets_no_cookie() {
    let router = Router::start("");
    let (stable, canary) = (Instance::start(1).await, Instance::start(2).await);
    router.apply(&table(1, vec![side("v1", 0, &[&stable]), side("v2", 100, &[&canary])])).await;
    for _ in 0..5 {
        let answer = get(router.address, "/").await;
        assert_eq!((answer.text(), answer.header("set-cookie")), ("2", None));
    }
    router.stop().await;
}

#[tokio::test]
async fn instances_of_a_side_share_its_requests() {
    let router = Router::start("");
    let (one, two) = (Instance::start(1).await, Instance::start(2).await);
    router.route(1, &[&one, &two]).await;
    for _ in 0..20 {
        get(router.address, "/").await;
    }
    assert_eq!((one.requests(), two.requests()), (10, 10));
    // With one busy, the other gets what comes.
    let mut busy = Wire::connect(router.address).await;
    busy.send_request("GET /gate", &[], b"").await;
    router.until(|status| status.in_flight == 1).await;
    let before = (one.requests(), two.requests());
    for _ in 0..10 {
        get(router.address, "/").await;
    }
    let after = (one.requests(), two.requests());
    assert!(before.0 == after.0 || before.1 == after.1, "{before:?} {after:?}");
    one.open_gate();
    two.open_gate();
    assert_eq!(busy.answer().await.status, 200);
    router.stop().await;
}
