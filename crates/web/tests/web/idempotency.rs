use serde_json::json;

use crate::bench::Bench;

#[tokio::test]
async fn the_same_request_is_carried_out_once_and_answered_the_same() {
    let bench = Bench::start().await;
    let body = json!({"name": "shop"});
    let first = bench.post_once("/api/v1/apps", "k1", body.clone()).await;
    let second = bench.post_once("/api/v1/apps", "k1", body.clone()).await;
    assert_eq!((first.status.as_u16(), second.status.as_u16()), (202, 202));
    assert_eq!(first.body, second.body);
    assert_eq!(second.header("location"), "/api/v1/apps/shop");
    assert_eq!(second.header("content-type"), "application/json");
    assert_eq!(
        (first.header("idempotency-replayed"), second.header("idempotency-replayed")),
        ("", "true")
    );
    assert_ne!(first.header("x-request-id"), second.header("x-request-id"));
    // Without the key it is another request.
    bench.call("POST", "/api/v1/apps", body).await.problem(409, "app_exists");
    bench.stop().await;
}

#[tokio::test]
async fn a_key_belongs_to_one_request() {
    let bench = Bench::start().await;
    bench.post_once("/api/v1/apps", "k1", json!({"name": "a"})).await;
    let other = bench.post_once("/api/v1/apps", "k1", json!({"name": "b"})).await;
    other.problem(422, "idempotency_conflict");
    bench.get("/api/v1/apps/b").await.problem(404, "app_not_found");
    let bad = bench.post_once("/api/v1/apps", "a key", json!({"name": "b"})).await;
    bad.problem(400, "bad_request");
    bench.stop().await;
}

#[tokio::test]
async fn what_failed_may_be_tried_again_with_its_key() {
    let bench = Bench::start().await;
    bench.app("shop").await;
    let path = "/api/v1/apps/shop/environments/dev/rollback";
    bench.post_once(path, "k1", json!({})).await.problem(409, "nothing_deployed");
    bench.post_once(path, "k1", json!({})).await.problem(409, "nothing_deployed");
    bench.stop().await;
}

#[tokio::test]
async fn a_token_is_not_kept_for_a_second_answer() {
    let bench = Bench::start().await;
    let first = bench.post_once("/api/v1/tokens", "k1", json!({"name": "ci"})).await;
    assert_eq!(first.status, 201);
    let second = bench.post_once("/api/v1/tokens", "k1", json!({"name": "ci"})).await;
    second.problem(409, "idempotency_not_kept");
    let token = first.json()["token"].as_str().unwrap().to_owned();
    let data = bench.path().join("data");
    bench.control.shut_down().await;
    for file in std::fs::read_dir(data).unwrap() {
        let path = file.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            let found = bytes.windows(token.len()).any(|window| window == token.as_bytes());
            assert!(!found, "the token is in {}", path.display());
        }
    }
    bench.stop().await;
}
