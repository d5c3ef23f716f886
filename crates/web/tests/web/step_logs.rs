//! What a step has written, as it comes over the wire.

use control::StepKey;
use control::actions::commands::{Annotation, Level};
use control::actions::step_logs::{Entry, StepLogs, What};
use http_body_util::Full;
use serde_json::json;
use types::{Clock as _, RunId, SystemClock};

use crate::bench::{Bench, Reply};
use crate::deployments::hand_in;

/// A run that has ended, with a log of its only step.
async fn run_with_log(bench: &Bench) -> RunId {
    bench.app("shop").await;
    let artifact = hand_in(bench).await.to_string();
    let path = "/api/v1/apps/shop/environments/dev/deployments";
    let run = bench.call("POST", path, json!({ "artifact": artifact })).await.json();
    let run = run["id"].as_str().unwrap().to_owned();
    let ended = |reply: &Reply| reply.json()["status"] == "failed";
    bench.until(&format!("/api/v1/runs/{run}"), ended).await;

    let logs = StepLogs::new(bench.path().join("data/runs/logs")).unwrap();
    let (leg, step) = ("deploy".to_owned(), "deploy".to_owned());
    let key = StepKey { run: run.parse().unwrap(), leg, step, attempt: 1 };
    // Instead of what the step itself has said.
    logs.remove(key.run).unwrap();
    let mut log = logs.write(&key, 1 << 20).unwrap();
    let mut error = Annotation::plain(Level::Error, "no such file".to_owned());
    error.file = Some("a.c".to_owned());
    let entries = [
        What::Line { text: "make".to_owned() },
        What::Group { title: "Compiling".to_owned() },
        What::Line { text: "cc a.c".to_owned() },
        What::Annotation(error),
        What::EndGroup,
    ];
    for what in entries {
        log.append(Entry { at: SystemClock.now(), what }).unwrap();
    }
    log.finish(SystemClock.now()).unwrap();
    key.run
}

#[tokio::test]
async fn a_log_is_text_or_a_feed_that_goes_on_where_its_reader_was() {
    let bench = Bench::start().await;
    let run = run_with_log(&bench).await;
    let path = format!("/api/v1/runs/{run}/jobs/deploy/steps/deploy/log");
    let text = bench.get(&path).await;
    assert!(text.header("content-type").starts_with("text/plain"));
    let lines = b"make\n##[group]Compiling\ncc a.c\n##[error]no such file\n##[endgroup]\n";
    assert_eq!(text.body, lines[..]);

    let feed = async |last: Option<&str>| {
        let mut request = bench.request("GET", &path).header("accept", "text/event-stream");
        if let Some(last) = last {
            request = request.header("last-event-id", last);
        }
        let reply = bench.send(request.body(Full::default()).unwrap()).await;
        String::from_utf8(reply.body.to_vec()).unwrap()
    };
    let whole = feed(None).await;
    assert!(whole.contains("event: log\n") && whole.contains("event: end\n"), "{whole}");
    let id = whole.lines().find_map(|line| line.strip_prefix("id: ")).unwrap();
    assert!(id.starts_with("1:"), "{id}");
    let rest = feed(Some(id)).await;
    assert!(!rest.contains("event: log\n") && rest.contains("event: end\n"), "{rest}");
    let all = feed(Some("1:0")).await;
    assert_eq!(all, whole, "a place is where to go on");

    let client = bench.client();
    let read = tokio::task::spawn_blocking(move || {
        let mut feed = client.step_log(run, "deploy", "deploy", true).unwrap();
        let log = feed.next_entries().unwrap().unwrap();
        assert!(feed.next_entries().unwrap().is_none(), "the step has ended");
        log
    });
    let log = read.await.unwrap();
    assert_eq!((log.attempt, log.entries.len()), (1, 5));
    let annotation = serde_json::to_value(&log.entries[3]).unwrap();
    assert_eq!((&annotation["level"], &annotation["file"]), (&json!("error"), &json!("a.c")));
    bench.stop().await;
}

#[tokio::test]
async fn the_path_of_a_step_may_have_slashes_and_has_to_be_one_of_the_run() {
    let bench = Bench::start().await;
    let run = run_with_log(&bench).await;
    let path = format!("/api/v1/runs/{run}/jobs/deploy/steps/setup%2Finstall/log");
    let problem = bench.get(&path).await.problem(404, "step_not_found");
    let detail = problem["detail"].as_str().unwrap();
    assert!(detail.ends_with("has no step deploy/setup/install"), "{detail}");
    let nobody = RunId::generate(&SystemClock);
    let path = format!("/api/v1/runs/{nobody}/jobs/deploy/steps/deploy/log");
    bench.get(&path).await.problem(404, "run_not_found");
    bench.stop().await;
}
