//! Calls everything that the document describes, and holds requests and answers against it.

use http_body_util::Full;
use serde_json::{Value, json};

use crate::bench::{Bench, Reply};
use crate::deployments::{bundle, hand_in};

/// What to send to each operation, and what comes of it, in an order in which each finds what it needs.
const CALLS: &[(&str, &str, u16)] = &[
    ("whoami", "", 200),
    ("create_app", r#"{"name": "other"}"#, 202),
    ("list_apps", "", 200),
    ("show_app", "", 200),
    ("list_releases", "", 200),
    ("show_release", "", 200),
    ("list_environments", "", 200),
    ("show_environment", "", 200),
    ("show_config", "", 200),
    ("change_config", r#"{"set": {"A": "1"}, "unset": ["B"]}"#, 200),
    ("scale", r#"{"web": 2}"#, 202),
    ("list_instances", "", 200),
    ("read_logs", "", 200),
    ("create_upload", "", 202),
    ("show_upload", "", 200),
    ("list_runs", "", 200),
    ("show_run", "", 200),
    ("read_run_log", "", 200),
    ("watch_run", "", 200),
    ("deploy", r#"{"release": "v1"}"#, 202),
    ("roll_back", r#"{"to": "v1"}"#, 409),
    ("promote", r#"{}"#, 409),
    ("exec", r#"{"command": ["true"]}"#, 409),
    ("list_run_artifacts", "", 200),
    ("read_run_artifact", "", 404),
    ("cancel_run", "", 409),
    ("read_step_log", "", 200),
    ("retry_run", r#"{"failed_only": true}"#, 202),
    ("decide", r#"{"decision": "approve", "job": "prod", "step": "ask", "comment": "fine"}"#, 409),
    ("list_workflows", "", 200),
    ("dispatch_workflow", r#"{"ref": "main", "inputs": {"dry": true}}"#, 422),
    ("dispatch", r#"{"event_type": "nightly", "client_payload": {"a": [1]}}"#, 202),
    ("set_secret", r#"{"value": "hunter2"}"#, 200),
    ("list_secrets", "", 200),
    ("unset_secret", "", 204),
    ("set_variable", r#"{"value": "debug"}"#, 200),
    ("list_variables", "", 200),
    ("unset_variable", "", 204),
    ("list_events", "", 200),
    (
        "check_workflow",
        r#"{"workflow": "w.yml", "files": {"w.yml": "on: push"}, "app": "shop"}"#,
        200,
    ),
    (
        "plan_workflow",
        r#"{"workflow": "w.yml", "event": {"name": "push", "ref": "main"}, "files": {"w.yml":
            "on: push\njobs: { a: { runs-on: solum, steps: [{ uses: solum/test }] } }"}}"#,
        200,
    ),
    (
        "simulate_workflow",
        r#"{"scenario": "a.scenario", "files": {"a.scenario":
            "workflow deliver\non push main\nexpect run failed"}}"#,
        200,
    ),
    ("show_built_in_workflow", "", 200),
    ("create_token", r#"{"name": "ci"}"#, 201),
    ("list_tokens", "", 200),
    ("revoke_token", "", 204),
    ("delete_app", "", 202),
];

/// Fills in the paths' segments.
struct Names {
    run: String,
    upload: String,
    token: String,
}

impl Names {
    async fn make(bench: &Bench) -> Self {
        bench.app("shop").await;
        let artifact = hand_in(bench).await.to_string();
        let path = "/api/v1/apps/shop/environments/dev/deployments";
        let run = bench.call("POST", path, json!({ "artifact": artifact })).await.json();
        let run = run["id"].as_str().unwrap().to_owned();
        // Nothing that is deployed comes up here: the run ends.
        let ended = |reply: &Reply| reply.json()["status"] == "failed";
        bench.until(&format!("/api/v1/runs/{run}"), ended).await;
        let request = bench
            .request("POST", "/api/v1/apps/shop/uploads")
            .header("content-type", "application/gzip");
        let upload = bench.send(request.body(Full::from(bundle())).unwrap()).await.json();
        let token = bench.call("POST", "/api/v1/tokens", json!({"name": "temporary"})).await.json();
        let id = |value: &Value| value["id"].as_str().unwrap().to_owned();
        Self { run, upload: id(&upload), token: id(&token) }
    }

    fn fill(&self, path: &str) -> String {
        path.replace("{app}", "shop")
            .replace("{environment}", "dev")
            .replace("{version}", "v1")
            .replace("{run}", &self.run)
            .replace("{upload}", &self.upload)
            .replace("{token}", &self.token)
            .replace("{job}", "deploy")
            .replace("{step}", "deploy")
            .replace("{name}", "NAME")
            .replace("{file}", "deliver.yml")
            .replace("{workflow}", "deliver")
    }
}

#[tokio::test]
async fn every_operation_answers_as_the_document_says() {
    let bench = Bench::start().await;
    let document = bench.get("/api/v1/openapi.json").await.json();
    let operations = operations(&document);
    let mut described: Vec<_> = operations.iter().map(|(id, ..)| id.as_str()).collect();
    let mut called: Vec<_> = CALLS.iter().map(|(id, ..)| *id).collect();
    described.sort_unstable();
    called.sort_unstable();
    assert_eq!(described, called, "an operation is not called here, or is not described");

    let names = Names::make(&bench).await;
    for (id, body, status) in CALLS {
        let (_, method, path, operation) =
            operations.iter().find(|(found, ..)| found == id).unwrap();
        check_request(&document, operation, body, id);
        let mut request = bench.request(method, &names.fill(path));
        let content = operation.pointer("/requestBody/content").and_then(Value::as_object);
        if let Some(content_type) = content.and_then(|content| content.keys().next()) {
            request = request.header("content-type", content_type);
        }
        let body = if *id == "create_upload" { bundle() } else { body.as_bytes().to_vec() };
        let reply = bench.send(request.body(Full::from(body)).unwrap()).await;
        assert_eq!(reply.status, *status, "{id}: {reply:?}");
        check_answer(&document, operation, &reply, id);
    }
    bench.stop().await;
}

/// Id, method, path and description of each.
fn operations(document: &Value) -> Vec<(String, String, String, Value)> {
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap().to_owned();
            found.push((id, method.to_uppercase(), path.clone(), operation.clone()));
        }
    }
    found
}

fn check_request(document: &Value, operation: &Value, body: &str, at: &str) {
    if body.is_empty() {
        return;
    }
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    assert!(!schema.is_null(), "{at} takes no JSON");
    check(document, schema, &serde_json::from_str(body).unwrap(), at);
}

fn check_answer(document: &Value, operation: &Value, reply: &Reply, at: &str) {
    let responses = &operation["responses"];
    let response = match &responses[reply.status.as_str()] {
        Value::Null => &responses["default"],
        response => response,
    };
    assert!(reply.status.as_u16() >= 400 || response != &responses["default"], "{at}: {reply:?}");
    let Some(content) = response.get("content").and_then(Value::as_object) else {
        assert!(reply.body.is_empty(), "{at}: {reply:?}");
        return;
    };
    let media_type = reply.header("content-type").split(';').next().unwrap();
    let described = content.get(media_type);
    let described = described.unwrap_or_else(|| panic!("{at} does not describe {media_type}"));
    if media_type.ends_with("json") {
        check(document, &described["schema"], &reply.json(), at);
        let more = undescribed(document, &described["schema"], &reply.json());
        assert!(more.is_empty(), "{at} does not describe {more:?}");
    }
}

/// Whether a value is as its schema says, as far as the document uses JSON Schema.
fn check(document: &Value, schema: &Value, value: &Value, at: &str) {
    if let Err(why) = matches(document, schema, value) {
        panic!("{at}: {why}\nin {value}");
    }
}

fn matches(document: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = document.pointer(reference.trim_start_matches('#'));
        return matches(document, target.ok_or(format!("{reference} is not there"))?, value);
    }
    for part in schema["allOf"].as_array().into_iter().flatten() {
        matches(document, part, value)?;
    }
    let choices = schema["oneOf"].as_array().or(schema["anyOf"].as_array());
    if let Some(choices) = choices {
        let mut tried = choices.iter().map(|choice| matches(document, choice, value));
        if !tried.any(|matched| matched.is_ok()) {
            return Err(format!("{value} is none of {choices:?}"));
        }
    }
    has_type(schema, value)?;
    if schema["enum"].as_array().is_some_and(|words| !words.contains(value)) {
        return Err(format!("{value} is not one of {}", schema["enum"]));
    }
    for item in value.as_array().into_iter().flatten() {
        matches(document, &schema["items"], item)?;
    }
    let Some(members) = value.as_object() else { return Ok(()) };
    for name in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        if !members.contains_key(name) {
            return Err(format!("`{name}` is missing"));
        }
    }
    for (name, member) in members {
        let described = schema["properties"].get(name).or(schema.get("additionalProperties"));
        if let Some(described) = described {
            matches(document, described, member).map_err(|why| format!("/{name}: {why}"))?;
        }
    }
    Ok(())
}

/// The members of an answer that the document does not know.
fn undescribed(document: &Value, schema: &Value, value: &Value) -> Vec<String> {
    let mut known = Vec::new();
    collect_members(document, schema, &mut known);
    let members = value.as_object().into_iter().flatten();
    members.map(|(name, _)| name.clone()).filter(|name| !known.contains(name)).collect()
}

fn collect_members(document: &Value, schema: &Value, known: &mut Vec<String>) {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = document.pointer(reference.trim_start_matches('#')).unwrap();
        return collect_members(document, target, known);
    }
    known.extend(
        schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name.clone()),
    );
    for part in schema["allOf"].as_array().into_iter().flatten() {
        collect_members(document, part, known);
    }
}

fn has_type(schema: &Value, value: &Value) -> Result<(), String> {
    let is = |name: &str| match name {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64() || value.is_i64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => false,
    };
    let fits = match &schema["type"] {
        Value::String(name) => is(name),
        Value::Array(names) => names.iter().filter_map(Value::as_str).any(is),
        _ => true,
    };
    if fits { Ok(()) } else { Err(format!("{value} is not {}", schema["type"])) }
}
