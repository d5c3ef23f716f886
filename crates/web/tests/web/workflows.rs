//! Workflow files that are sent to be looked at.

use serde_json::json;

use crate::bench::Bench;

const CALLS: &str =
    "name: shop\non: push\njobs: { a: { uses: ./shared/b.yml, secrets: inherit } }\n";
const CALLED: &str = "on: workflow_call\njobs:\n  b:\n    runs-on: linux\n    steps: [{ run: \"echo ${{ secrets.DEPLOY_KEY }}\" }]\n";

#[tokio::test]
async fn a_workflow_is_checked_with_what_it_leads_to() {
    let bench = Bench::start().await;
    bench.app("shop").await;
    let check = |files, app: Option<&str>| {
        let body = json!({ "workflow": "flows/a.yml", "files": files, "app": app });
        bench.call("POST", "/api/v1/workflow-checks", body)
    };
    let first = check(json!({ "flows/a.yml": CALLS }), None).await.json();
    assert_eq!(first["wanted"], json!(["shared/b.yml"]));
    let missing = check(json!({ "flows/a.yml": CALLS, "shared/b.yml": null }), None).await.json();
    let mistake = &missing["mistakes"][0];
    assert_eq!(
        (&mistake["file"], &mistake["line"], &mistake["column"]),
        (&json!("flows/a.yml"), &json!(3), &json!(20))
    );
    let whole = json!({ "flows/a.yml": CALLS, "shared/b.yml": CALLED });
    let good = check(whole.clone(), None).await.json();
    assert_eq!(good, json!({ "name": "shop", "mistakes": [], "more_mistakes": 0, "warnings": [] }));

    let warned = check(whole.clone(), Some("shop")).await.json();
    let message = warned["warnings"][0]["message"].as_str().unwrap();
    assert!(message.starts_with("there is no secret 'DEPLOY_KEY'"), "{warned}");
    let path = "/api/v1/secrets/DEPLOY_KEY?app=shop";
    assert_eq!(bench.call("PUT", path, json!({ "value": "x" })).await.status, 200);
    assert_eq!(check(whole.clone(), Some("shop")).await.json()["warnings"], json!([]));
    check(whole, Some("other")).await.problem(404, "app_not_found");
    bench.stop().await;
}

#[tokio::test]
async fn a_job_for_a_machine_that_is_not_here_is_a_mistake() {
    let bench = Bench::start().await;
    let text = "on: push\njobs: { a: { runs-on: windows-latest, steps: [{ run: dir }] } }\n";
    let body = json!({ "workflow": "w.yml", "files": { "w.yml": text } });
    let checked = bench.call("POST", "/api/v1/workflow-checks", body).await.json();
    let message = checked["mistakes"][0]["message"].as_str().unwrap();
    assert!(message.starts_with("nothing here runs jobs for 'windows-latest'"), "{checked}");
    bench.stop().await;
}

#[tokio::test]
async fn a_plan_says_what_would_run() {
    let bench = Bench::start().await;
    let text = "on: { push: { branches: [main] } }\njobs: { a: { runs-on: solum, steps: [{ uses: solum/test }] } }\n";
    let plan = |event| {
        let body = json!({ "workflow": "w.yml", "files": { "w.yml": text }, "event": event });
        bench.call("POST", "/api/v1/workflow-plans", body)
    };
    let planned = plan(json!({ "name": "push" })).await.json();
    assert_eq!(planned["plan"]["runs"], true);
    let job =
        json!({ "job": "a", "needs": [], "legs": ["a"], "verdict": "runs", "why": "at once" });
    assert_eq!(planned["plan"]["jobs"], json!([job]));
    let other = plan(json!({ "name": "push", "ref": "dev" })).await.json();
    assert_eq!(other["plan"]["why"], "branch 'dev' fits none of main");
    let wrong = plan(json!({ "name": "psuh" })).await;
    let problem = wrong.problem(422, "invalid_request");
    assert_eq!(problem["detail"], "there is no event 'psuh'; did you mean 'push'?");
    bench.stop().await;
}

#[tokio::test]
async fn a_scenario_is_played() {
    let bench = Bench::start().await;
    let play = |text: &'static str| {
        let body = json!({ "scenario": "tests/a.scenario", "files": { "tests/a.scenario": text } });
        bench.call("POST", "/api/v1/workflow-simulations", body)
    };
    let text =
        "workflow deliver\non push main\ndeploy dev succeeds after 20s\nexpect run succeeded";
    let played = play(text).await.json();
    assert_eq!(
        (&played["rehearsal"]["held"], &played["rehearsal"]["elapsed_ms"]),
        (&json!(1), &json!(20_000))
    );
    assert_eq!(played["rehearsal"]["broken"], json!(null));
    let broken = play("workflow deliver\non push main\nexpect run failed").await.json();
    let broken = &broken["rehearsal"]["broken"];
    assert_eq!(
        (&broken["line"], &broken["message"]),
        (&json!(3), &json!("expected run failed, and it succeeded"))
    );
    let wanted = play("workflow ../w.yml\non push main\nexpect run failed").await.json();
    assert_eq!(wanted["wanted"], json!(["w.yml"]));
    let mistaken = play("wrokflow x").await.json();
    assert_eq!(mistaken["mistakes"][0]["column"], 1);
    let body = json!({ "scenario": "a.scenario", "files": {} });
    let refused = bench.call("POST", "/api/v1/workflow-simulations", body).await;
    let problem = refused.problem(422, "invalid_request");
    assert_eq!(problem["errors"][0]["pointer"], "/scenario");
    // Nothing of it is a run.
    assert_eq!(bench.get("/api/v1/runs").await.json()["items"], json!([]));
    bench.stop().await;
}

#[tokio::test]
async fn what_solum_brings_can_be_had() {
    let bench = Bench::start().await;
    let brought = bench.get("/api/v1/workflows/built-in/rollback").await.json();
    assert_eq!((&brought["name"], &brought["event"]), (&json!("rollback"), &json!("rollback")));
    let text = brought["text"].as_str().unwrap();
    assert!(text.contains("uses: solum/rollback"), "{text}");
    let none = bench.get("/api/v1/workflows/built-in/canary").await;
    let problem = none.problem(404, "not_found");
    assert_eq!(problem["hint"], "there are deliver, deploy, promote, rollback");
    bench.stop().await;
}
