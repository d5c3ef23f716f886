use types::{RunStatus, Secret};

use crate::ScopeName;
use crate::testbed::{Reply, Server, Testbed, token};

/// One step `call`, with these inputs.
fn workflow(with: &str) -> String {
    let head = "on: push\njobs:\n  api:\n    runs-on: solum\n    steps:\n";
    format!("{head}      - id: call\n        uses: solum/http\n        with: {{ {with} }}\n")
}

impl Testbed {
    async fn called(&self, with: &str, status: RunStatus) -> crate::StepView {
        let run = self.run(&workflow(with)).await.id;
        self.until(run, status).await;
        let view = self.control.run_view(run).await.unwrap();
        view.jobs[0].steps[0].clone()
    }

    async fn failure(&self, with: &str) -> (String, String) {
        let step = self.called(with, RunStatus::Failed).await;
        let failure = step.failure.unwrap();
        (failure.code, failure.message)
    }
}

#[tokio::test]
async fn what_is_sent_is_what_the_step_says_and_what_comes_back_is_its_output() {
    let bed = Testbed::start().await;
    let scope = ScopeName { app: Some(bed.app.name.clone()), environment: None };
    let secret = Secret::new("hunter2hunter2".to_owned());
    bed.control
        .set_secret(&scope, "TOKEN".parse().unwrap(), secret, &token("alice"))
        .await
        .unwrap();
    let server = Server::start(&[Reply::Says(201, "made by hunter2hunter2")]).await;
    let url = &server.url;
    let with = format!(
        r#"url: '{url}/things?key=${{{{ secrets.TOKEN }}}}', method: post, body: '{{"a": 1}}', status: '200,201',
           headers: '{{"Authorization": "Bearer ${{{{ secrets.TOKEN }}}}", "X-Count": 3}}'"#
    );
    let run = bed.run(&workflow(&with)).await.id;
    bed.until(run, RunStatus::Succeeded).await;
    let view = bed.control.run_view(run).await.unwrap();
    let outputs = &view.jobs[0].steps[0].outputs;
    assert_eq!((outputs["status"].as_str(), outputs["body"].as_str()), ("201", "made by ***"));

    let asked = server.asked();
    assert_eq!((asked.len(), asked[0].body.as_str()), (1, r#"{"a": 1}"#));
    assert_eq!(asked[0].line, "POST /things?key=hunter2hunter2 HTTP/1.1");
    assert_eq!(asked[0].header("authorization"), Some("Bearer hunter2hunter2"));
    assert_eq!(
        (asked[0].header("x-count"), asked[0].header("content-type")),
        (Some("3"), Some("application/json"))
    );
    assert_eq!(asked[0].header("idempotency-key").map(str::len), Some(32));

    let said = bed.said(run, "It answered 201").await;
    assert!(said.contains(&format!("Calling POST {url}/things\n")), "{said}");
    let journal = bed.control.inner.store.journal(run, 1).await.unwrap();
    assert!(!format!("{said}{journal:?}").contains("hunter2"), "{said}{journal:?}");
    bed.stop().await;
}

#[tokio::test]
async fn every_try_carries_the_same_key_and_post_is_tried_once_unless_it_is_said() {
    let bed = Testbed::start().await;
    let keys = |server: &Server| -> Vec<_> {
        server.asked().iter().map(|it| it.header("idempotency-key").unwrap().to_owned()).collect()
    };
    let passing = [Reply::Says(503, ""), Reply::Says(200, "fine")];
    let server = Server::start(&passing).await;
    bed.called(&format!("url: '{}'", server.url), RunStatus::Succeeded).await;
    let got = keys(&server);
    assert!(got.len() == 2 && got[0] == got[1], "{got:?}");

    let server = Server::start(&passing).await;
    let post = format!("url: '{}', method: POST", server.url);
    let (code, message) = bed.failure(&post).await;
    assert_eq!((code.as_str(), server.asked().len()), ("http_status", 1));
    assert!(message.ends_with("/: it answered 503, and 2xx was expected"), "{message}");

    let server = Server::start(&passing).await;
    let post = format!("url: '{}', method: POST, attempts: 2", server.url);
    bed.called(&post, RunStatus::Succeeded).await;
    assert_ne!(keys(&server)[0], got[0], "another step has another key");
    bed.stop().await;
}

#[tokio::test]
async fn without_an_answer_nobody_knows_whether_a_post_took_effect() {
    let bed = Testbed::start().await;
    let server = Server::start(&[Reply::HangsUp]).await;
    let post = |method: &str| format!("url: '{}', method: {method}, attempts: 1", server.url);
    assert_eq!(bed.failure(&post("POST")).await.0, "indeterminate");
    assert_eq!(bed.failure(&post("PUT")).await.0, "http_no_answer");
    let nobody = "url: 'http://127.0.0.1:1', method: POST";
    let (code, message) = bed.failure(nobody).await;
    assert_eq!(
        (code.as_str(), message.as_str()),
        ("http_no_answer", "POST http://127.0.0.1:1/: nothing listens there")
    );
    bed.stop().await;
}

#[tokio::test]
async fn after_a_crash_what_is_safe_is_done_again_and_nothing_else() {
    let bed = Testbed::start().await;
    let server = Server::start(&[Reply::Holds, Reply::Holds, Reply::Says(200, "")]).await;
    let with =
        |method: &str| format!("url: '{}', method: {method}, timeout: 3s, attempts: 1", server.url);
    let post = bed.run(&workflow(&with("POST"))).await.id;
    bed.said(post, "Calling POST").await;
    let get = bed.run(&workflow(&with("GET"))).await.id;
    bed.said(get, "Calling GET").await;
    crate::testbed::until("both were asked", || server.asked().len() == 2).await;
    let bed = bed.restart().await;
    bed.until(get, RunStatus::Succeeded).await;
    bed.until(post, RunStatus::Failed).await;
    let view = bed.control.run_view(post).await.unwrap();
    assert_eq!(view.jobs[0].steps[0].failure.as_ref().unwrap().code, "indeterminate");
    let posts = server.asked().iter().filter(|asked| asked.line.starts_with("POST")).count();
    assert_eq!(posts, 1, "it was not sent again");
    bed.stop().await;
}

#[tokio::test]
async fn redirects_are_answers_and_tls_is_insisted_on() {
    let bed = Testbed::start().await;
    let elsewhere = Server::start(&[Reply::Says(200, "")]).await;
    let server = Server::start(&[Reply::Leads("http://elsewhere.example/")]).await;
    let (_, message) = bed.failure(&format!("url: '{}'", server.url)).await;
    assert!(message.contains("302, a redirect, which is not followed"), "{message}");
    bed.called(&format!("url: '{}', status: 3xx", server.url), RunStatus::Succeeded).await;
    let https = elsewhere.url.replace("http:", "https:");
    let (code, message) = bed.failure(&format!("url: '{https}', attempts: 1")).await;
    assert!(code == "http_no_answer" && message.contains("TLS"), "{code}: {message}");
    assert!(elsewhere.asked().is_empty());
    bed.stop().await;
}

#[tokio::test]
async fn what_an_expression_gave_is_checked_and_not_repeated() {
    let bed = Testbed::start().await;
    for (with, wanted) in [
        ("url: \"${{ 'gopher://x' }}\"", "`url` has to be an address that begins with http"),
        ("url: 'http://a', method: brew", "`method` has to be GET"),
        ("url: 'http://a', body: x", "`body` has to be left out: a GET has none"),
        ("url: 'http://a', headers: '{\"a\": \"hunter2'", "`headers` has to be a mapping"),
        ("url: 'http://a', headers: '{\"host\": \"hunter2\"}'", "without `host`"),
        ("url: 'http://a', status: fine", "`status` has to be a status"),
        ("url: 'http://a', timeout: \"${{ '1h' }}\"", "at most 300 s"),
    ] {
        let (code, message) = bed.failure(with).await;
        assert!(code == "input_invalid" && message.contains(wanted), "{with}: {message}");
        assert!(!message.contains("hunter2") && !message.contains("gopher"), "{message}");
    }
    bed.stop().await;
}
