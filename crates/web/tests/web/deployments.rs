use std::time::Duration;

use api::client::RunEvent;
use api::deployments::Deploy;
use api::uploads::UploadStatus;
use http_body_util::Full;
use serde_json::json;
use types::{Digest, RunStatus};

use crate::bench::Bench;

/// A bundle of one file that could be run.
pub(crate) fn bundle() -> Vec<u8> {
    let encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut archive = tar::Builder::new(encoder);
    let procfile = b"web: ./serve\n";
    let mut header = tar::Header::new_gnu();
    header.set_size(procfile.len() as u64);
    header.set_mode(0o644);
    archive.append_data(&mut header, "Procfile", &procfile[..]).unwrap();
    archive.into_inner().unwrap().finish().unwrap()
}

pub(crate) async fn hand_in(bench: &Bench) -> Digest {
    let request = bench
        .request("POST", "/api/v1/apps/shop/uploads")
        .header("content-type", "application/gzip")
        .body(Full::from(bundle()))
        .unwrap();
    let taken = bench.send(request).await;
    assert_eq!((taken.status.as_u16(), &taken.json()["status"]), (202, &json!("importing")));
    let path = taken.header("location").to_owned();
    let ready = bench.until(&path, |reply| reply.json()["status"] != "importing").await.json();
    assert_eq!(ready["status"], "ready", "{ready}");
    ready["artifact"].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn what_is_not_deployed_cannot_be_gone_back_to_or_run_beside() {
    let bench = Bench::start().await;
    bench.app("shop").await;
    let path = |what: &str| format!("/api/v1/apps/shop/environments/dev/{what}");
    let rollback = bench.call("POST", &path("rollback"), json!({})).await;
    rollback.problem(409, "nothing_deployed");
    let exec = bench.call("POST", &path("exec"), json!({"command": ["ls"]})).await;
    exec.problem(409, "nothing_deployed");
    let exec = bench.call("POST", &path("exec"), json!({"command": []})).await;
    exec.problem(422, "no_command");
    let promotion = bench.call("POST", "/api/v1/apps/shop/promotions", json!({})).await;
    promotion.problem(409, "promotion_unclear");
    let promotion = json!({"from": "dev", "to": ["prod"]});
    let promotion = bench.call("POST", "/api/v1/apps/shop/promotions", promotion).await;
    promotion.problem(404, "environment_not_found");
    let release = bench.call("POST", &path("deployments"), json!({"release": "v1"})).await;
    release.problem(404, "release_not_found");
    for both_or_none in
        [json!({}), json!({"release": "v1", "artifact": format!("sha256:{}", "0".repeat(64))})]
    {
        let reply = bench.call("POST", &path("deployments"), both_or_none).await;
        reply.problem(422, "invalid_request");
    }
    bench.call("PUT", &path("scale"), json!({"web": 1000})).await.problem(422, "scale_too_large");
    bench.stop().await;
}

#[tokio::test]
async fn a_bundle_is_taken_in_and_a_run_of_it_watched_to_its_end() {
    let bench = Bench::start().await;
    bench.app("shop").await;
    let artifact = hand_in(&bench).await;
    let client = bench.client();
    let (app, environment) = ("shop".parse().unwrap(), "dev".parse().unwrap());
    // The typed client waits for its answers; it does so beside the server.
    let watched = tokio::task::spawn_blocking(move || {
        let what = Deploy { release: None, artifact: Some(artifact) };
        let run = client.deploy(&app, &environment, &what).unwrap();
        let mut feed = client.watch_run_and_jobs(run.id).unwrap();
        let (mut said, mut jobs) = (Vec::new(), Vec::new());
        let end = loop {
            match feed.next_event().unwrap() {
                RunEvent::Log(text) => said.extend(text.lines().map(str::to_owned)),
                RunEvent::State(run) => assert!(!types::Transition::is_terminal(run.status)),
                RunEvent::Jobs(detail) => jobs.push(detail.jobs),
                RunEvent::End(end) => break end,
            }
        };
        assert_eq!(client.run_log(run.id).unwrap().lines().collect::<Vec<_>>(), said);
        assert_eq!(client.run(run.id).unwrap(), *end);
        jobs.dedup();
        assert!(!jobs.is_empty() && jobs.iter().all(|jobs| jobs[0].name == "deploy"), "{jobs:?}");
        assert_eq!(client.runs(Some(&app), None).unwrap()[0].id, run.id);
        *end
    });
    let end = tokio::time::timeout(Duration::from_secs(60), watched).await.unwrap().unwrap();
    // Nothing can be started here, and that is what is said.
    assert_eq!(end.run.status, RunStatus::Failed);
    let failure = end.failure.unwrap();
    assert!(!failure.message.is_empty() && !failure.code.is_empty());
    let shown = bench.get("/api/v1/apps/shop/environments/dev").await.json();
    assert_eq!(shown["deployments"][0]["state"], "failed", "{shown}");
    assert_eq!(shown["deployments"][0]["run_id"], end.run.id.to_string());
    assert!(shown["deployments"][0]["phases"].as_array().unwrap().len() >= 2);
    let releases = bench.get("/api/v1/apps/shop/releases").await.json();
    assert_eq!(releases["items"][0]["version"], "v1");

    let path = format!("/api/v1/runs/{}", end.run.id);
    let cancelled = bench.call("POST", &format!("{path}/cancel"), json!(null)).await;
    cancelled.problem(409, "run_ended");
    bench.stop().await;
}

#[tokio::test]
async fn a_feed_goes_on_behind_the_event_that_arrived_last() {
    let bench = Bench::start().await;
    bench.app("shop").await;
    let artifact = hand_in(&bench).await.to_string();
    let deploy = "/api/v1/apps/shop/environments/dev/deployments";
    let run = bench.call("POST", deploy, json!({ "artifact": artifact })).await;
    assert_eq!(run.status, 202, "{run:?}");
    let path = format!("{}/watch", run.header("location"));
    let whole = bench.get(&path).await;
    assert_eq!(whole.header("content-type"), "text/event-stream");
    let whole = String::from_utf8(whole.body.to_vec()).unwrap();
    let id = whole.lines().filter_map(|line| line.strip_prefix("id: ")).next_back().unwrap();
    assert!(whole.contains("event: end\n"), "{whole}");

    let request = bench.request("GET", &path).header("last-event-id", id);
    let rest = bench.send(request.body(Full::default()).unwrap()).await;
    let rest = String::from_utf8(rest.body.to_vec()).unwrap();
    assert!(!rest.contains("event: log\n") && rest.contains("event: end\n"), "{rest}");
    bench.stop().await;
}

#[tokio::test]
async fn what_cannot_be_a_bundle_is_refused() {
    let bench = Bench::start().await;
    bench.app("shop").await;
    let hand_in = |app: &str, content_type: &str, body: Vec<u8>| {
        let path = format!("/api/v1/apps/{app}/uploads");
        let request = bench.request("POST", &path).header("content-type", content_type);
        bench.send(request.body(Full::from(body)).unwrap())
    };
    let zip = hand_in("shop", "application/zip", vec![0; 9]).await;
    zip.problem(415, "unsupported_media_type");
    hand_in("shpo", "application/gzip", vec![0; 9]).await.problem(404, "app_not_found");
    let taken = hand_in("shop", "application/gzip", b"not a gzip".to_vec()).await;
    let location = taken.header("location").to_owned();
    let failed = bench.until(&location, |reply| reply.json()["status"] != "importing").await;
    assert_eq!(failed.json()["status"], "failed");
    assert!(!failed.json()["reason"].as_str().unwrap().is_empty());
    bench.stop().await;
}

#[tokio::test]
async fn a_bundle_that_is_too_large_is_refused_before_it_is_sent() {
    let bench = Bench::start().await;
    bench.app("shop").await;
    let client = bench.client();
    let refused = tokio::task::spawn_blocking(move || {
        let bundle = std::io::Cursor::new(vec![0; 2 << 20]);
        client.start_upload(&"shop".parse().unwrap(), bundle).map(|upload| upload.status)
    });
    let refused: Result<UploadStatus, _> = refused.await.unwrap();
    let error = refused.unwrap_err();
    assert!(error.to_string().contains("1048576 are the most"), "{error:?}");
    bench.stop().await;
}
