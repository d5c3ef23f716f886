//! Secrets and variables of workflows.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use control::ScopeName;
use serde_json::json;
use tokio::task::JoinSet;
use types::Actor;

use crate::bench::Bench;

const SCOPES: [&str; 3] = ["", "?app=shop", "?app=shop&environment=dev"];

async fn secrets_of(bench: &Bench, environment: Option<&str>, trusted: bool) -> Vec<String> {
    let environment = environment.map(|name| name.parse().unwrap());
    let app = "shop".parse().unwrap();
    let secrets = bench.control.secrets_for(&app, environment.as_ref(), trusted).await.unwrap();
    secrets.iter().map(|(name, value)| format!("{name}={}", value.expose())).collect()
}

fn key_file(bench: &Bench) -> PathBuf {
    bench.path().join("data/secrets.key")
}

#[tokio::test]
async fn the_nearest_secret_goes_to_whom_it_is_for() {
    let bench = Bench::start().await;
    bench.app("shop").await;
    bench.app("other").await;
    for (scope, value) in SCOPES.iter().zip(["of-project", "of-app", "of-env"]) {
        let body = json!({ "value": value });
        let path = format!("/api/v1/secrets/token{scope}");
        let set = bench.call("PUT", &path, body.clone()).await;
        assert_eq!((set.status.as_u16(), &set.json()["name"]), (200, &json!("TOKEN")), "{set:?}");
        assert!(!String::from_utf8_lossy(&set.body).contains(value), "{set:?}");
        // Once more is the same secret.
        assert_eq!(bench.call("PUT", &path, body).await.status, 200);
    }
    bench.call("PUT", "/api/v1/secrets/ONLY_APP?app=shop", json!({"value": "1"})).await;
    bench.call("PUT", "/api/v1/secrets/ONLY_OTHER?app=other", json!({"value": "2"})).await;

    assert_eq!(secrets_of(&bench, Some("dev"), true).await, ["ONLY_APP=1", "TOKEN=of-env"]);
    assert_eq!(secrets_of(&bench, None, true).await, ["ONLY_APP=1", "TOKEN=of-app"]);
    assert_eq!(secrets_of(&bench, Some("not-yet"), true).await, ["ONLY_APP=1", "TOKEN=of-app"]);
    assert_eq!(secrets_of(&bench, Some("dev"), false).await, [""; 0]);

    for (scope, left) in SCOPES.iter().rev().zip(["of-app", "of-project"]) {
        let path = format!("/api/v1/secrets/TOKEN{scope}");
        assert_eq!(bench.call("DELETE", &path, json!(null)).await.status, 204);
        let token = format!("TOKEN={left}");
        assert_eq!(secrets_of(&bench, Some("dev"), true).await, ["ONLY_APP=1", &token]);
        let again = bench.call("DELETE", &path, json!(null)).await;
        again.problem(404, "secret_not_found");
    }
    bench.stop().await;
}

#[tokio::test]
async fn a_value_is_nowhere_to_be_seen() {
    let bench = Bench::start().await;
    bench.app("shop").await;
    for scope in SCOPES {
        let path = format!("/api/v1/secrets/TOKEN{scope}");
        let set = bench.call("PUT", &path, json!({"value": "hunter2-hunter2"})).await;
        assert_eq!(set.status, 200);
    }
    let mut seen = Vec::new();
    for scope in SCOPES {
        let listed = bench.get(&format!("/api/v1/secrets{scope}")).await;
        assert_eq!(listed.json()["items"][0]["updated_by"], "admin", "{listed:?}");
        seen.push(listed.body.to_vec());
    }
    let events = bench.get("/api/v1/events").await;
    let told: Vec<_> = events.json()["items"].as_array().unwrap().clone();
    let told: Vec<_> = told.iter().filter(|event| event["kind"] == "secret.set").collect();
    assert_eq!(told.len(), 3);
    assert_eq!((&told[0]["environment"], &told[0]["subject"]), (&json!("dev"), &json!("TOKEN")));
    seen.push(events.body.to_vec());
    // Whatever the server keeps.
    bench.control.shut_down().await;
    let mut files = Vec::new();
    collect(&bench.path().join("data"), &mut files);
    assert!(files.iter().any(|file| file.ends_with("solum.db")), "{files:?}");
    for file in files {
        seen.push(std::fs::read(&file).unwrap());
    }
    for bytes in seen {
        assert!(!bytes.windows(7).any(|window| window == b"hunter2"));
    }
    bench.stop().await;
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).unwrap() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            collect(&entry.path(), files);
        } else if kind.is_file() {
            files.push(entry.path());
        }
    }
}

#[tokio::test]
async fn what_no_secret_can_be_is_refused_and_not_repeated() {
    let bench = Bench::start().await;
    bench.app("shop").await;
    for (path, body, status, code) in [
        ("GITHUB_TOKEN", json!({"value": "hunter2"}), 422, "invalid_request"),
        ("A", json!({"value": 271_828}), 422, "invalid_request"),
        ("A", json!({"value": ""}), 422, "invalid_value"),
        ("A", json!({"value": "hunter2\u{0}"}), 422, "invalid_value"),
        ("A", json!({"value": "hunter2".repeat(7_022)}), 422, "value_too_large"),
        ("A?environment=dev", json!({"value": "hunter2"}), 422, "invalid_request"),
        ("A?app=nothere", json!({"value": "hunter2"}), 404, "app_not_found"),
        ("A?app=shop&environment=x", json!({"value": "hunter2"}), 404, "environment_not_found"),
    ] {
        let reply = bench.call("PUT", &format!("/api/v1/secrets/{path}"), body).await;
        let text = String::from_utf8_lossy(&reply.body).into_owned();
        assert!(!text.contains("hunter2") && !text.contains("271828"), "{text}");
        reply.problem(status, code);
    }
    let largest = "x".repeat(control::MAX_SETTING_BYTES);
    let set = bench.call("PUT", "/api/v1/secrets/A?app=shop", json!({ "value": largest })).await;
    assert_eq!(set.status, 200);
    assert_eq!(secrets_of(&bench, None, true).await, [format!("A={largest}")]);
    bench.stop().await;
}

#[tokio::test]
async fn a_server_without_the_key_of_its_secrets_starts_and_says_so() {
    let bench = Bench::start().await;
    bench.app("shop").await;
    let mode = std::fs::metadata(key_file(&bench)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    bench.call("PUT", "/api/v1/secrets/A?app=shop", json!({"value": "1"})).await;
    let aside = bench.path().join("aside");
    std::fs::rename(key_file(&bench), &aside).unwrap();

    let bench = bench.restart().await;
    assert!(!key_file(&bench).exists(), "a new key would hide that the old one is missing");
    let refused = bench.call("PUT", "/api/v1/secrets/B?app=shop", json!({"value": "2"})).await;
    let problem = refused.json();
    assert!(problem["hint"].as_str().unwrap().starts_with("put the file back"), "{problem}");
    refused.problem(503, "secret_key_unavailable");
    let app = "shop".parse().unwrap();
    assert!(bench.control.secrets_for(&app, None, true).await.is_err());
    let listed = bench.get("/api/v1/secrets?app=shop").await.json();
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);

    // It is read anew: no restart is needed.
    std::fs::rename(&aside, key_file(&bench)).unwrap();
    assert_eq!(secrets_of(&bench, None, true).await, ["A=1"]);

    // With another server's key, what it sealed opens, and what was there does not.
    std::fs::write(key_file(&bench), "ab".repeat(32)).unwrap();
    let refused = bench.control.secrets_for(&app, None, true).await.unwrap_err().to_string();
    assert!(refused.starts_with("secret A was sealed with key "), "{refused}");
    for (method, body) in [("DELETE", json!(null)), ("PUT", json!({"value": "3"}))] {
        bench.call(method, "/api/v1/secrets/A?app=shop", body).await;
    }
    assert_eq!(secrets_of(&bench, None, true).await, ["A=3"]);

    // Where nothing is sealed, a missing key is made.
    bench.call("DELETE", "/api/v1/secrets/A?app=shop", json!(null)).await;
    std::fs::remove_file(key_file(&bench)).unwrap();
    let set = bench.call("PUT", "/api/v1/secrets/A?app=shop", json!({"value": "4"})).await;
    assert_eq!(set.status, 200);
    assert_eq!(secrets_of(&bench, None, true).await, ["A=4"]);
    bench.stop().await;
}

#[tokio::test]
async fn variables_are_shown_and_the_nearest_is_read() {
    let bench = Bench::start().await;
    bench.app("shop").await;
    for (scope, value) in SCOPES.iter().zip(["of-project", "of-app", "of-env"]) {
        let path = format!("/api/v1/variables/region{scope}");
        let set = bench.call("PUT", &path, json!({ "value": value })).await.json();
        assert_eq!((&set["name"], &set["value"]), (&json!("REGION"), &json!(value)));
        let listed = bench.get(&format!("/api/v1/variables{scope}")).await.json();
        assert_eq!(listed["items"], json!([set]));
    }
    bench.call("PUT", "/api/v1/variables/EMPTY?app=shop", json!({"value": ""})).await;
    let app = "shop".parse().unwrap();
    let dev = "dev".parse().unwrap();
    let read = bench.control.variables_for(&app, Some(&dev)).await.unwrap();
    assert_eq!(json!(read), json!({"REGION": "of-env", "EMPTY": ""}));
    let read = bench.control.variables_for(&app, None).await.unwrap();
    assert_eq!(json!(read), json!({"REGION": "of-app", "EMPTY": ""}));

    let path = "/api/v1/variables/REGION?app=shop";
    assert_eq!(bench.call("DELETE", path, json!(null)).await.status, 204);
    bench.call("DELETE", path, json!(null)).await.problem(404, "variable_not_found");
    let read = bench.control.variables_for(&app, None).await.unwrap();
    assert_eq!(json!(read), json!({"REGION": "of-project", "EMPTY": ""}));
    let large = json!({ "value": "x".repeat(control::MAX_SETTING_BYTES + 1) });
    bench.call("PUT", path, large).await.problem(422, "value_too_large");
    bench.stop().await;
}

#[tokio::test]
async fn a_scope_has_room_for_five_hundred() {
    let bench = Bench::start().await;
    let mut setting = JoinSet::new();
    for number in 0..500 {
        let control = bench.control.clone();
        setting.spawn(async move {
            let name = format!("V{number:03}").parse().unwrap();
            let scope = ScopeName::default();
            control.set_variable(&scope, name, "x".to_owned(), &Actor::System).await.unwrap();
        });
    }
    assert_eq!(setting.join_all().await.len(), 500);
    let another = bench.call("PUT", "/api/v1/variables/W", json!({"value": "x"})).await;
    another.problem(409, "too_many_settings");
    let known = bench.call("PUT", "/api/v1/variables/V000", json!({"value": "y"})).await;
    assert_eq!(known.status, 200);
    let client = bench.client();
    let listed = tokio::task::spawn_blocking(move || client.variables(&Default::default()));
    assert_eq!(listed.await.unwrap().unwrap().len(), 500, "in several pages");
    bench.stop().await;
}

#[tokio::test]
async fn what_an_app_had_goes_with_it() {
    let bench = Bench::start().await;
    bench.app("shop").await;
    for scope in SCOPES {
        bench.call("PUT", &format!("/api/v1/secrets/A{scope}"), json!({"value": "1"})).await;
        bench.call("PUT", &format!("/api/v1/variables/A{scope}"), json!({"value": "1"})).await;
    }
    assert_eq!(bench.call("DELETE", "/api/v1/apps/shop", json!(null)).await.status, 202);
    bench.until("/api/v1/apps/shop", |reply| reply.status == 404).await;
    bench.app("shop").await;
    assert_eq!(secrets_of(&bench, Some("dev"), true).await, ["A=1"], "the project's alone");
    let left = bench.get("/api/v1/secrets?app=shop").await.json();
    assert_eq!(left["items"], json!([]));
    bench.stop().await;
}
