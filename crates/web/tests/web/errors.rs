use http_body_util::Full;
use hyper::Request;
use serde_json::json;

use crate::bench::Bench;

#[tokio::test]
async fn what_is_not_there_is_a_problem() {
    let bench = Bench::start().await;
    bench.get("/").await.problem(404, "route_not_found");
    bench.get("/api/v1/nothing").await.problem(404, "route_not_found");
    let missing = bench.get("/api/v1/apps/shpo").await;
    assert_eq!(missing.problem(404, "app_not_found")["detail"], "there is no app `shpo`");
    bench.app("shop").await;
    for (path, code) in [
        ("/api/v1/apps/shop/environments/prod", "environment_not_found"),
        ("/api/v1/apps/shop/environments/prod/config", "environment_not_found"),
        ("/api/v1/apps/shop/releases/v1", "release_not_found"),
        ("/api/v1/apps/shop/uploads/upl_01h2xcejqtf2nbrexx3vqjhp41", "upload_not_found"),
        ("/api/v1/runs/run_01h2xcejqtf2nbrexx3vqjhp41", "run_not_found"),
        ("/api/v1/runs/run_01h2xcejqtf2nbrexx3vqjhp41/log", "run_not_found"),
        ("/api/v1/runs/run_01h2xcejqtf2nbrexx3vqjhp41/watch", "run_not_found"),
        ("/api/v1/runs?app=shpo", "app_not_found"),
        ("/api/v1/apps/shop/logs?environment=prod", "environment_not_found"),
    ] {
        bench.get(path).await.problem(404, code);
    }
    bench.stop().await;
}

#[tokio::test]
async fn a_path_that_cannot_be_meant_says_why() {
    let bench = Bench::start().await;
    let problem = bench.get("/api/v1/apps/My%20App").await.problem(422, "invalid_request");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.contains("`My App` is not a valid app name"), "{detail}");
    let problem = bench.get("/api/v1/runs/app_1").await.problem(422, "invalid_request");
    assert!(problem["detail"].as_str().unwrap().contains("is not an id of the form run_"));
    bench.get("/api/v1/apps/shop/releases/3").await.problem(422, "invalid_request");
    bench.stop().await;
}

#[tokio::test]
async fn another_method_is_told_which_ones_there_are() {
    let bench = Bench::start().await;
    let reply = bench.call("PUT", "/api/v1/apps", json!({})).await;
    reply.problem(405, "method_not_allowed");
    assert_eq!(reply.header("allow"), "POST,GET,HEAD");
    bench.stop().await;
}

#[tokio::test]
async fn a_body_that_is_not_as_wanted_says_what_is_wrong_where() {
    let bench = Bench::start().await;
    let post = |content_type: &str, body: Vec<u8>| {
        let request = bench.request("POST", "/api/v1/apps").header("content-type", content_type);
        bench.send(request.body(Full::from(body)).unwrap())
    };
    post("text/plain", b"{}".to_vec()).await.problem(415, "unsupported_media_type");
    post("application/json", b"{\"name\": ".to_vec()).await.problem(400, "invalid_json");
    let large = post("application/json", vec![b' '; (1 << 20) + 1]).await;
    large.problem(413, "payload_too_large");
    let problem = post("application/json", br#"{"name": "My App"}"#.to_vec()).await;
    let problem = problem.problem(422, "invalid_request");
    assert_eq!(problem["errors"][0]["pointer"], "/name");
    let problem = post("application/json", br#"{"name": "a", "nmae": 1}"#.to_vec()).await;
    let problem = problem.problem(422, "invalid_request");
    assert!(problem["errors"][0]["detail"].as_str().unwrap().contains("unknown field `nmae`"));
    let branch = json!({"name": "a", "default_branch": "a..b"});
    bench.call("POST", "/api/v1/apps", branch).await.problem(422, "invalid_branch");
    bench.stop().await;
}

#[tokio::test]
async fn nobody_gets_in_without_a_token() {
    let bench = Bench::start().await;
    for authorization in [None, Some("Bearer solum_wrong"), Some("Basic c29sdW06YQ=="), Some("x")] {
        let mut request = Request::builder().uri("/api/v1/apps").header("host", "solum");
        if let Some(value) = authorization {
            request = request.header("authorization", value);
        }
        let reply = bench.send(request.body(Full::default()).unwrap()).await;
        reply.problem(401, "unauthenticated");
        assert_eq!(reply.header("www-authenticate"), r#"Bearer realm="Solum""#);
    }
    // What there is to be asked is no secret, and neither is whether the server is well.
    for path in ["/api/v1/openapi.json", "/healthz", "/readyz", "/metrics"] {
        let request = Request::builder().uri(path).header("host", "solum");
        let reply = bench.send(request.body(Full::default()).unwrap()).await;
        assert_eq!(reply.status, 200, "{path}");
    }
    bench.stop().await;
}
