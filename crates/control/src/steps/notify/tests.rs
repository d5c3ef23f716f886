use types::RunStatus;

use crate::testbed::{Reply, Server, Testbed};

fn workflow(with: &str) -> String {
    let head = "name: ship\non: push\njobs:\n  a: { runs-on: solum, continue-on-error: true, steps: [{ uses: solum/smoke, with: { url: 'http://127.0.0.1:1', attempts: 1 } }] }\n";
    let job = "  tell:\n    needs: a\n    runs-on: solum\n    steps:\n      - id: tell\n        uses: solum/notify\n";
    format!("{head}{job}        with: {{ text: 'shipped ${{{{ needs.a.result }}}}', {with} }}\n")
}

impl Testbed {
    async fn told(&self, with: &str, status: RunStatus) -> (types::RunId, crate::StepView) {
        let run = self.run(&workflow(with)).await.id;
        self.until(run, status).await;
        let view = self.control.run_view(run).await.unwrap();
        (run, view.jobs[1].steps[0].clone())
    }
}

#[tokio::test]
async fn a_webhook_gets_the_message_and_what_it_is_about() {
    let bed = Testbed::start().await;
    let server = Server::start(&[Reply::Says(200, "ok")]).await;
    let (run, step) = bed.told(&format!("url: '{}/hook'", server.url), RunStatus::Succeeded).await;
    assert_eq!(step.outputs["status"], "200");
    let asked = &server.asked()[0];
    assert_eq!(
        (asked.line.as_str(), asked.header("content-type")),
        ("POST /hook HTTP/1.1", Some("application/json"))
    );
    let body: serde_json::Value = serde_json::from_str(&asked.body).unwrap();
    assert_eq!((&body["text"], &body["app"]), (&"shipped success".into(), &"shop".into()));
    assert_eq!(body["run"]["id"], run.to_string());
    assert_eq!(
        (&body["run"]["workflow"], &body["run"]["status"]),
        (&"ship".into(), &"running".into())
    );
    assert_eq!(body["run"]["url"], format!("http://127.0.0.1:1/api/v1/runs/{run}"));
    bed.stop().await;
}

#[tokio::test]
async fn that_nobody_is_notified_fails_a_step_only_where_it_is_required() {
    let bed = Testbed::start().await;
    let server = Server::start(&[Reply::Says(500, ""), Reply::HangsUp]).await;
    let url = format!("url: '{}'", server.url);
    let (run, step) = bed.told(&url, RunStatus::Succeeded).await;
    assert_eq!(step.outputs["status"], "");
    let said = bed.said(run, "was not notified").await;
    assert!(said.contains(" !     ") && said.contains("it answered 500"), "{said}");
    assert_eq!(server.asked().len(), 1, "what may have arrived is not sent again");
    let (_, step) = bed.told(&format!("{url}, required: true"), RunStatus::Failed).await;
    assert_eq!(step.failure.unwrap().code, "not_notified");
    bed.stop().await;
}
