use std::time::Duration;

use http_body_util::{BodyExt as _, Empty, Full};
use hyper::Request;
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::bench::Bench;

#[tokio::test]
async fn a_token_works_until_it_is_revoked() {
    let bench = Bench::start().await;
    let created = bench.call("POST", "/api/v1/tokens", json!({"name": "ci"})).await;
    assert_eq!(created.status, 201);
    let created = created.json();
    let token = created["token"].as_str().unwrap().to_owned();
    let whoami = || {
        let request = Request::builder()
            .uri("/api/v1/whoami")
            .header("host", "solum")
            .header("authorization", format!("Bearer {token}"));
        bench.send(request.body(Full::default()).unwrap())
    };
    let who = whoami().await.json();
    assert_eq!((&who["name"], &who["token_id"]), (&json!("ci"), &created["id"]));
    let listed = bench.get("/api/v1/tokens").await.json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 2);
    assert!(!listed.to_string().contains(&token));

    let path = format!("/api/v1/tokens/{}", created["id"].as_str().unwrap());
    assert_eq!(bench.call("DELETE", &path, json!(null)).await.status, 204);
    whoami().await.problem(401, "unauthenticated");
    bench.call("DELETE", &path, json!(null)).await.problem(404, "token_not_found");
    bench.stop().await;
}

#[tokio::test]
async fn a_name_is_given_once() {
    let bench = Bench::start().await;
    let again = bench.call("POST", "/api/v1/tokens", json!({"name": "admin"})).await;
    again.problem(409, "token_exists");
    let bad = bench.call("POST", "/api/v1/tokens", json!({"name": "a b"})).await;
    bad.problem(422, "invalid_token_name");
    bench.stop().await;
}

#[tokio::test]
async fn who_listens_with_a_token_is_cut_off_when_it_is_revoked() {
    let bench = Bench::start().await;
    bench.app("shop").await;
    let created = bench.call("POST", "/api/v1/tokens", json!({"name": "ci"})).await.json();
    let stream = TcpStream::connect(bench.address).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    let mut tasks = JoinSet::new();
    tasks.spawn(connection);
    let request = Request::builder()
        .uri("/api/v1/apps/shop/logs?follow=true")
        .header("host", "solum")
        .header("authorization", format!("Bearer {}", created["token"].as_str().unwrap()));
    let reply = sender.send_request(request.body(Empty::<Bytes>::new()).unwrap()).await.unwrap();
    assert_eq!(reply.status(), 200);
    let path = format!("/api/v1/tokens/{}", created["id"].as_str().unwrap());
    assert_eq!(bench.call("DELETE", &path, json!(null)).await.status, 204);
    let rest = tokio::time::timeout(Duration::from_secs(30), reply.into_body().collect()).await;
    assert!(rest.expect("the feed ends").is_err(), "and not as if all had been said");
    bench.stop().await;
}
