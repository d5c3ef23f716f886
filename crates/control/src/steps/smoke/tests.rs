use types::RunStatus;

use crate::testbed::{Reply, Server, Testbed};

fn workflow(with: &str) -> String {
    let head = "on: push\njobs:\n  look:\n    environment: dev\n    runs-on: solum\n    steps:\n";
    format!("{head}      - id: look\n        uses: solum/smoke\n        with: {{ {with} }}\n")
}

impl Testbed {
    async fn looked(&self, with: &str, status: RunStatus) -> (crate::StepView, String) {
        let run = self.run(&workflow(with)).await.id;
        self.until(run, status).await;
        let view = self.control.run_view(run).await.unwrap();
        (view.jobs[0].steps[0].clone(), self.said(run, "Asking").await)
    }
}

#[tokio::test]
async fn each_path_is_asked_until_it_answers_as_expected() {
    let bed = Testbed::start().await;
    let replies =
        [Reply::Says(502, ""), Reply::Says(200, "starting"), Reply::Says(200, "all is ready")];
    let server = Server::start(&replies).await;
    let with = format!(
        r#"url: '{}/app/', path: "/health\nversion?full=1", contains: ready, interval: 1ms"#,
        server.url
    );
    let (step, said) = bed.looked(&with, RunStatus::Succeeded).await;
    assert_eq!(step.outputs["status"], "200");
    let lines: Vec<_> = server.asked().into_iter().map(|asked| asked.line).collect();
    let health = "GET /app/health HTTP/1.1";
    assert_eq!(lines, [health, health, health, "GET /app/version?full=1 HTTP/1.1"]);
    assert!(
        said.contains("/app/health: it answered 502, and 2xx was expected; asking again"),
        "{said}"
    );
    assert!(said.contains("its answer does not contain “ready”; asking again"), "{said}");
    bed.stop().await;
}

#[tokio::test]
async fn what_never_answers_as_expected_fails_the_step() {
    let bed = Testbed::start().await;
    let server = Server::start(&[Reply::Says(404, "")]).await;
    let with = format!("url: '{}', attempts: 2, interval: 1ms", server.url);
    let (step, _) = bed.looked(&with, RunStatus::Failed).await;
    let failure = step.failure.unwrap();
    assert_eq!((failure.code.as_str(), server.asked().len()), ("smoke_failed", 2));
    assert_eq!(failure.message, format!("{}/: it answered 404, and 2xx was expected", server.url));
    bed.looked(&format!("url: '{}', status: 404", server.url), RunStatus::Succeeded).await;
    bed.stop().await;
}

#[tokio::test]
async fn without_an_address_the_environment_is_asked() {
    let bed = Testbed::start().await;
    // The testbed's environments are to be seen at the router's port, where nothing listens.
    let (step, said) = bed.looked("attempts: 1", RunStatus::Failed).await;
    let message = step.failure.unwrap().message;
    assert_eq!(message, "http://shop-dev.localhost:1/: nothing listens there", "{said}");
    bed.stop().await;
}
