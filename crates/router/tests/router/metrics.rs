//! What is counted.

use crate::harness::instance::Instance;
use crate::harness::wire::{Wire, get};
use crate::harness::{Router, side, table};
use router::ReleaseMetrics;

async fn of(router: &Router, release: &str) -> ReleaseMetrics {
    let all = router.client.metrics().await.unwrap();
    all.into_iter().find(|one| one.release == release).expect("it is counted")
}

#[tokio::test]
async fn answers_errors_and_lapses_are_counted_by_release() {
    let router = Router::start("");
    let instance = Instance::start(1).await;
    router.apply(&table(1, vec![side("v1", 100, &[&instance])])).await;
    for path in ["/", "/", "/nothing", "/missing"] {
        get(router.address, path).await;
    }
    router.apply(&table(2, vec![side("v2", 100, &[&Instance::absent(2).await])])).await;
    get(router.address, "/").await;
    let (v1, v2) = (of(&router, "v1").await, of(&router, "v2").await);
    assert_eq!((v1.requests.success, v1.requests.client_error), (3, 1));
    assert_eq!((v1.latency.count(), v1.errors.total()), (4, 0));
    assert!(v1.latency.sum_us > 0 && v1.latency.quantile(0.5).is_some());
    assert_eq!((v2.requests.server_error, v2.errors.refused, v2.latency.count()), (1, 1, 0));
    assert_eq!((v1.app.as_str(), v1.environment.as_str()), ("shop", "dev"));
    router.stop().await;
}

#[tokio::test]
async fn a_client_that_goes_away_is_counted_and_its_request_ends() {
    let router = Router::start("");
    let instance = Instance::start(1).await;
    router.route(1, &[&instance]).await;
    let mut wire = Wire::connect(router.address).await;
    wire.send_request("GET /gate", &[], b"").await;
    router.until(|status| status.in_flight == 1).await;
    drop(wire);
    router.until(|status| status.in_flight == 0).await;
    assert_eq!(of(&router, "v1").await.errors.abandoned, 1);

    let chunks = instance.answer_stream().await;
    let mut wire = Wire::connect(router.address).await;
    chunks.send("x".into()).unwrap();
    wire.send_request("GET /stream", &[], b"").await;
    assert_eq!(wire.head().await.status, 200);
    drop(wire);
    router.until(|status| status.in_flight == 0).await;
    assert_eq!(of(&router, "v1").await.errors.abandoned, 2);
    router.stop().await;
}

#[tokio::test]
async fn counts_survive_the_replacement_of_the_router() {
    let mut router = Router::start("");
    let instance = Instance::start(1).await;
    router.route(1, &[&instance]).await;
    for _ in 0..7 {
        get(router.address, "/").await;
    }
    router.launch();
    router.oldest_ends().await;
    get(router.address, "/").await;
    let counted = of(&router, "v1").await;
    assert_eq!((counted.requests.success, counted.latency.count()), (8, 8));
    router.stop().await;
}
