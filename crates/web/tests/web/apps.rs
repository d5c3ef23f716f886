use serde_json::json;

use crate::bench::Bench;

#[tokio::test]
async fn an_app_is_taken_on_at_once_and_ready_soon() {
    let bench = Bench::start().await;
    let created = bench.call("POST", "/api/v1/apps", json!({"name": "shop"})).await;
    assert_eq!(created.status, 202);
    assert_eq!(created.header("location"), "/api/v1/apps/shop");
    assert_eq!(created.json()["default_branch"], "main");
    let ready = bench.until("/api/v1/apps/shop", |reply| reply.json()["status"] == "ready").await;
    let ready = ready.json();
    assert_eq!(ready["git_url"], format!("http://{}/shop.git", bench.address));
    assert_eq!(ready["urls"], json!({"dev": "http://shop-dev.localhost:8080"}));
    assert_eq!(ready["created_by"], "admin");

    let again = bench.call("POST", "/api/v1/apps", json!({"name": "shop"})).await;
    let problem = again.problem(409, "app_exists");
    assert!(problem["hint"].as_str().is_some(), "{problem}");

    let deleted = bench.call("DELETE", "/api/v1/apps/shop", json!(null)).await;
    assert_eq!(deleted.status, 202);
    let gone = bench.until("/api/v1/apps/shop", |reply| reply.status == 404).await;
    gone.problem(404, "app_not_found");
    bench.stop().await;
}

#[tokio::test]
async fn a_list_comes_in_parts() {
    let bench = Bench::start().await;
    for name in ["c", "a", "b"] {
        bench.app(name).await;
    }
    let first = bench.get("/api/v1/apps?limit=2").await.json();
    let names = |page: &serde_json::Value| {
        let items = page["items"].as_array().unwrap().iter();
        items.map(|app| app["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(names(&first), ["a", "b"]);
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = bench.get(&format!("/api/v1/apps?limit=2&cursor={cursor}")).await.json();
    assert_eq!(names(&second), ["c"]);
    assert_eq!(second.get("next_cursor"), None);

    let first = bench.get("/api/v1/events?app=a&limit=1").await.json();
    assert_eq!(first["items"][0]["kind"], "app.created");
    bench.get("/api/v1/apps?limit=0").await.problem(422, "invalid_request");
    bench.get("/api/v1/apps?limit=many").await.problem(422, "invalid_request");
    bench.get("/api/v1/apps?colour=red").await.problem(422, "invalid_request");
    bench.get("/api/v1/apps?cursor=%20").await.problem(400, "invalid_cursor");
    bench.stop().await;
}

#[tokio::test]
async fn config_is_kept_and_read_like_a_ledger() {
    let bench = Bench::start().await;
    bench.app("shop").await;
    let path = "/api/v1/apps/shop/environments/dev/config";
    assert_eq!(bench.get(path).await.json(), json!({"revision": 0, "variables": {}}));
    let set = bench.call("PATCH", path, json!({"set": {"A": "1", "B": "2"}})).await;
    assert_eq!((set.status.as_u16(), set.json()), (200, json!({"revision": 1, "run_id": null})));
    let changed = bench.call("PATCH", path, json!({"set": {"A": "3"}, "unset": ["B"]})).await;
    assert_eq!(changed.json()["revision"], 2);
    assert_eq!(bench.get(path).await.json(), json!({"revision": 2, "variables": {"A": "3"}}));
    let both = bench.call("PATCH", path, json!({"set": {"A": "3"}, "unset": ["A"]})).await;
    assert_eq!(both.problem(422, "invalid_request")["errors"][0]["pointer"], "/set/A");
    let reserved = bench.call("PATCH", path, json!({"set": {"PORT": "1"}})).await;
    reserved.problem(422, "reserved_variable");

    let shown = bench.get("/api/v1/apps/shop/environments/dev").await.json();
    assert_eq!(shown["config_revision"], 2);
    assert_eq!(shown["config_revisions"][0]["number"], 2);
    assert_eq!(shown["config_revisions"][0]["changed"], json!(["A", "B"]));
    assert_eq!(shown["config_revisions"][1]["created_by"], "admin");
    bench.stop().await;
}
