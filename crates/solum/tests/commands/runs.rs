use crate::Bench;
use crate::server::Answer;

const ID: &str = "run_01h2xcejqtf2nbrexx3vqjhp41";

fn run(status: &str) -> String {
    let failed = r#""failure":{"code":"build_failed","message":"the build failed"},"#;
    let failure = if status == "failed" { failed } else { "" };
    format!(
        r#"{{"id":"{ID}","app":"shop","workflow":"deliver","title":"t","status":"{status}",{failure}"jobs":[],"commit":null,"created_at":"2026-01-02T03:04:05Z","created_by":"admin"}}"#
    )
}

fn watched(status: &str) -> Answer {
    Answer::feed(format!(
        "event: log\ndata: {{\"text\":\"-----> Deploying v3\"}}\n\nevent: end\ndata: {}\n\n",
        run(status)
    ))
}

const DEPLOYMENTS: &str = "POST /api/v1/apps/shop/environments/dev/deployments";
const ROLLBACK: &str = "POST /api/v1/apps/shop/environments/dev/rollback";
const WATCH: &str = "GET /api/v1/runs/run_01h2xcejqtf2nbrexx3vqjhp41/watch";

#[test]
fn a_deployment_is_followed_to_its_end() {
    let bench = Bench::new(&[
        (DEPLOYMENTS, Answer::json(202, run("queued"))),
        (WATCH, watched("succeeded")),
    ]);
    let said = bench.solum(["deploy", "shop", "--env", "dev", "--release", "v3"]);
    assert_eq!(said.stderr, "-----> Deploying v3\n");
    assert_eq!(said.ok(), format!("Run {ID} succeeded.\n"));
    assert_eq!(bench.server.asked()[0].1, r#"{"release":"v3"}"#);
}

#[test]
fn a_deployment_that_fails_fails_the_command() {
    let bench =
        Bench::new(&[(DEPLOYMENTS, Answer::json(202, run("queued"))), (WATCH, watched("failed"))]);
    let said = bench.solum(["deploy", "shop", "--env", "dev", "--release", "v3"]).fails(1);
    assert_eq!(
        said,
        format!(
            "-----> Deploying v3\nerror: run {ID} failed: the build failed\n\
             hint: `solum run show {ID}` tells which step failed\n"
        )
    );
}

#[test]
fn a_detached_rollback_prints_its_run_and_does_not_wait() {
    let bench = Bench::new(&[(ROLLBACK, Answer::json(202, run("queued")))]);
    let said = bench.solum(["rollback", "shop", "--env", "dev", "--to", "v2", "--detach"]);
    assert_eq!(said.ok(), format!("{ID}\n"));
    let asked = bench.server.asked();
    assert_eq!((asked.len(), asked[0].1.as_str()), (1, r#"{"to":"v2"}"#));
}

#[test]
fn a_promotion_says_from_where_to_where_as_far_as_it_is_told() {
    let bench =
        Bench::new(&[("POST /api/v1/apps/shop/promotions", Answer::json(202, run("queued")))]);
    let said = bench.solum(["promote", "shop", "--from", "dev", "--to", "a,b", "--detach"]);
    assert_eq!(said.ok(), format!("{ID}\n"));
    let said = bench.solum(["promote", "shop", "--detach"]);
    assert_eq!(said.ok(), format!("{ID}\n"));
    let bodies: Vec<_> = bench.server.asked().into_iter().map(|(_, body)| body).collect();
    assert_eq!(bodies, [r#"{"from":"dev","to":["a","b"]}"#, "{}"]);
}

#[test]
fn a_file_is_uploaded_before_it_is_deployed() {
    let digest = format!("sha256:{}", "ab".repeat(32));
    let upload = |status: &str, artifact: &str| {
        format!(
            r#"{{"id":"upl_01h2xcejqtf2nbrexx3vqjhp41","app":"shop","status":"{status}"{artifact},"created_at":"2026-01-02T03:04:05Z"}}"#
        )
    };
    let ready = upload("ready", &format!(r#","artifact":"{digest}""#));
    let bench = Bench::new(&[
        ("POST /api/v1/apps/shop/uploads", Answer::json(202, upload("importing", ""))),
        (
            "GET /api/v1/apps/shop/uploads/upl_01h2xcejqtf2nbrexx3vqjhp41",
            Answer::json(200, upload("importing", "")).then(Answer::json(200, ready)),
        ),
        (DEPLOYMENTS, Answer::json(202, run("queued"))),
    ]);
    std::fs::write(bench.path().join("site.tar.gz"), "not looked into here").unwrap();
    bench.solum(["deploy", "shop", "--env", "dev", "--artifact", "site.tar.gz", "--detach"]).ok();
    let asked = bench.server.asked();
    assert_eq!(asked[0].1, "not looked into here");
    assert_eq!(asked.last().unwrap().1, format!(r#"{{"artifact":"{digest}"}}"#));
}

#[test]
fn what_to_deploy_is_one_thing() {
    let bench = Bench::new(&[]);
    bench.solum(["deploy", "shop", "--env", "dev"]).fails(2);
    bench
        .solum(["deploy", "shop", "--env", "dev", "--release", "v1", "--artifact", "a.tar.gz"])
        .fails(2);
    let said = bench.solum(["deploy", "shop", "--env", "dev", "--artifact", "a.tar.gz"]).fails(1);
    assert!(said.starts_with("error: cannot read a.tar.gz: "), "{said}");
}

#[test]
fn the_list_of_runs_as_json_is_one_array_over_all_pages() {
    let first = format!(r#"{{"items":[{}],"next_cursor":"c"}}"#, run("running"));
    let second = format!(r#"{{"items":[{}]}}"#, run("failed"));
    let bench = Bench::new(&[
        ("GET /api/v1/runs?limit=200&app=shop", Answer::json(200, first)),
        ("GET /api/v1/runs?limit=200&cursor=c&app=shop", Answer::json(200, second)),
    ]);
    let said = bench.solum(["run", "list", "shop", "--json"]).ok();
    let runs: serde_json::Value = serde_json::from_str(&said).unwrap();
    let statuses: Vec<_> = runs.as_array().unwrap().iter().map(|run| &run["status"]).collect();
    assert_eq!(statuses, ["running", "failed"]);
    for key in ["id", "app", "status", "commit", "created_at"] {
        assert!(runs[0].get(key).is_some(), "{key}");
    }
}

#[test]
fn config_that_changes_what_runs_is_followed_too() {
    let config = "PATCH /api/v1/apps/shop/environments/dev/config";
    let changed = format!(r#"{{"revision":4,"run_id":"{ID}"}}"#);
    let unchanged = r#"{"revision":4,"run_id":null}"#;
    let there = r#"{"revision":4,"variables":{"A":"b=c"}}"#;
    let bench = Bench::new(&[
        ("GET /api/v1/apps/shop/environments/dev/config", Answer::json(200, there)),
        (config, Answer::json(202, changed).then(Answer::json(202, unchanged))),
        (WATCH, watched("failed")),
    ]);
    let said = bench.solum(["config", "set", "shop", "--env", "dev", "A=b=c"]).fails(1);
    assert!(said.contains("the build failed"), "{said}");
    assert_eq!(bench.server.asked()[0].1, r#"{"set":{"A":"b=c"},"unset":[]}"#);
    let said = bench.solum(["config", "unset", "shop", "--env", "dev", "A"]);
    assert_eq!(said.stderr, "Config 4 of shop dev; there is nothing to deploy.\n");
    said.ok();
    let said = bench.solum(["config", "unset", "shop", "--env", "dev", "B"]).fails(1);
    assert!(said.contains("has no variable B") && said.contains("config list shop"), "{said}");
}

#[test]
fn a_run_that_is_cancelled_may_be_left_out_where_the_app_is_known() {
    let newest = format!(r#"{{"items":[{}]}}"#, run("running"));
    let bench = Bench::new(&[
        ("GET /api/v1/runs?limit=100&app=shop", Answer::json(200, newest)),
        (
            "POST /api/v1/runs/run_01h2xcejqtf2nbrexx3vqjhp41/cancel",
            Answer::json(202, run("running")),
        ),
    ]);
    let said = bench.solum(["run", "cancel"]).fails(2);
    assert!(said.contains("which run?"), "{said}");
    bench.repository();
    let said = bench.solum(["run", "cancel"]);
    assert!(said.stderr.contains(&format!("Run {ID} is being cancelled")), "{said:?}");
    said.ok();
}

#[test]
fn counts_and_digests_that_are_none_are_said_with_what_is_wanted() {
    let bench = Bench::new(&[]);
    for (arguments, wanted) in [
        (["scale", "shop", "web=-1"], "as in web=3"),
        (["scale", "shop", "web=x"], "as in web=3"),
        (["logs", "shop", "-nabc"], "from 0 to 10000"),
        (["logs", "shop", "-n10001"], "from 0 to 10000"),
    ] {
        let said = bench.solum(arguments).fails(2);
        assert!(said.contains(wanted), "{said}");
    }
    let said = bench.solum(["deploy", "shop", "--env", "dev", "--artifact", "sha256:123"]).fails(2);
    assert!(said.contains("64 hexadecimal digits"), "{said}");
}

#[test]
fn watching_gives_the_transcript_as_data() {
    let bench = Bench::new(&[(WATCH, watched("succeeded"))]);
    assert_eq!(bench.solum(["run", "watch", ID]).ok(), "-----> Deploying v3\n");
}

const APPROVALS: &str = "POST /api/v1/runs/run_01h2xcejqtf2nbrexx3vqjhp41/approvals";

#[test]
fn an_approval_says_what_came_of_it() {
    let decided = |outcome: &str| {
        let run = run("waiting");
        Answer::json(200, format!(r#"{{{outcome},"job":"prod","step":"ask","run":{run}}}"#))
    };
    let counted = decided(r#""outcome":"counted","missing":1"#);
    let bench = Bench::new(&[
        (APPROVALS, counted.then(decided(r#""outcome":"rejected""#))),
        (
            "GET /api/v1/runs?limit=100&app=shop",
            Answer::json(200, format!(r#"{{"items":[{},{}]}}"#, run("failed"), run("waiting"))),
        ),
    ]);
    bench.repository();
    let said = bench.solum(["run", "approve", "--job", "prod", "--comment", "fine"]);
    assert_eq!(said.stderr, "Approved prod/ask. 1 more to go.\n");
    assert_eq!(said.ok(), "");
    assert_eq!(
        bench.server.asked()[1].1,
        r#"{"decision":"approve","job":"prod","comment":"fine"}"#
    );
    let said = bench.solum(["run", "reject", ID]);
    assert_eq!(said.stderr, "Rejected prod/ask.\n");
    said.ok();
    let said = bench.solum(["run", "approve", ID, "--step", "ask"]).fails(2);
    assert!(said.contains("--job"), "{said}");
}

#[test]
fn a_run_that_is_tried_again_is_followed() {
    let bench = Bench::new(&[
        (
            "POST /api/v1/runs/run_01h2xcejqtf2nbrexx3vqjhp41/retries",
            Answer::json(202, run("queued")),
        ),
        (WATCH, watched("succeeded")),
    ]);
    let said = bench.solum(["run", "retry", ID, "--failed"]);
    assert_eq!(said.ok(), format!("Run {ID} succeeded.\n"));
    assert_eq!(bench.server.asked()[0].1, r#"{"failed_only":true}"#);
    assert_eq!(bench.solum(["run", "retry", ID, "--detach"]).ok(), format!("{ID}\n"));
}

const LOG: &str = "/api/v1/runs/run_01h2xcejqtf2nbrexx3vqjhp41/jobs/build/steps/setup%2Fmake/log";

/// A run of one job, whose steps are a verb and this one.
fn run_with_log(status: &str, step: &str) -> String {
    let jobs = format!(
        r#""jobs":[{{"name":"build","status":"running","steps":[
            {{"name":"b","uses":"solum/build","status":"completed","conclusion":"success","attempt":1}},
            {{"name":"setup/make","uses":"run","attempt":1,{step}}}]}}]"#
    );
    run(status).replace(r#""jobs":[]"#, &jobs)
}

fn log(texts: &[&str]) -> Answer {
    let entry =
        |text: &&str| format!(r#"{{"at":"2026-01-02T03:04:05Z","kind":"line","text":"{text}"}}"#);
    let entries = texts.iter().map(entry).collect::<Vec<_>>().join(",");
    let log = format!("event: log\ndata: {{\"attempt\":1,\"entries\":[{entries}]}}\n\n");
    Answer::feed(format!("{log}event: end\ndata: {{}}\n\n"))
}

#[test]
fn the_logs_of_steps_are_shown_one_after_the_other() {
    let failed = r#""status":"completed","conclusion":"failure","failure":{"code":"x","message":"exit status 2"}"#;
    let show = format!("GET /api/v1/runs/{ID}");
    let bench = Bench::new(&[
        (&show, Answer::json(200, run_with_log("failed", failed))),
        (&format!("GET {LOG}"), log(&["cc a.c", "no such file"])),
    ]);
    let said = bench.solum(["run", "logs", ID, "--failed"]).ok();
    assert_eq!(said, "-----> build: setup/make (failure)\ncc a.c\nno such file\nX exit status 2\n");
    let said = bench.solum(["run", "logs", ID, "--step", "setup/make", "--json"]).ok();
    let line: serde_json::Value = serde_json::from_str(said.lines().next().unwrap()).unwrap();
    assert_eq!(
        (&line["job"], &line["kind"], &line["text"]),
        (&"build".into(), &"line".into(), &"cc a.c".into())
    );
    let said = bench.solum(["run", "logs", ID, "--job", "bulid"]).fails(1);
    assert!(said.contains("no such step") && said.contains("solum run show"), "{said}");
}

#[test]
fn logs_are_followed_to_the_end_of_the_run() {
    let running = r#""status":"running""#;
    let done = r#""status":"completed","conclusion":"success""#;
    let show = format!("GET /api/v1/runs/{ID}");
    let bench = Bench::new(&[
        (
            &show,
            Answer::json(200, run_with_log("running", running))
                .then(Answer::json(200, run_with_log("succeeded", done))),
        ),
        (&format!("GET {LOG}?follow=true"), log(&["made"])),
    ]);
    let said = bench.solum(["run", "logs", ID, "-f", "--step", "setup/make"]).ok();
    assert_eq!(said, "-----> build: setup/make\nmade\n");
}

#[test]
fn steps_that_write_at_once_are_shown_as_it_comes() {
    let step = |name: &str| {
        format!(
            r#"[{{"name":"{name}","uses":"run","attempt":1,"status":"completed","conclusion":"success"}}]"#
        )
    };
    let jobs = format!(
        r#""jobs":[{{"name":"a","status":"completed","steps":{}}},{{"name":"b","status":"completed","steps":{}}}]"#,
        step("one"),
        step("two")
    );
    let detail = run("succeeded").replace(r#""jobs":[]"#, &jobs);
    let path = |job, step| format!("GET /api/v1/runs/{ID}/jobs/{job}/steps/{step}/log?follow=true");
    let bench = Bench::new(&[
        (&format!("GET /api/v1/runs/{ID}"), Answer::json(200, detail)),
        (&path("a", "one"), log(&["from one"])),
        (&path("b", "two"), log(&["from two"])),
    ]);
    let said = bench.solum(["run", "logs", ID, "-f"]).ok();
    let (one, two) = ("-----> a: one\nfrom one\n", "-----> b: two\nfrom two\n");
    assert!(said == format!("{one}{two}") || said == format!("{two}{one}"), "{said}");
}

#[test]
fn a_run_without_boxes_shows_its_transcript() {
    let show = format!("GET /api/v1/runs/{ID}");
    let bench = Bench::new(&[
        (&show, Answer::json(200, run("succeeded"))),
        (&format!("GET /api/v1/runs/{ID}/log"), Answer::json(200, "-----> Building\n")),
    ]);
    assert_eq!(bench.solum(["run", "logs", ID]).ok(), "-----> Building\n");
}

#[test]
fn on_a_terminal_the_jobs_stand_below_the_transcript() {
    let done = r#""status":"completed","conclusion":"success""#;
    let ended = run_with_log("succeeded", done).replace('\n', "");
    let feed = format!(
        "event: log\ndata: {{\"text\":\"-----> Building\\u001b[2J\"}}\n\nevent: jobs\ndata: {ended}\n\nevent: end\ndata: {ended}\n\n"
    );
    let bench = Bench::new(&[(&format!("{WATCH}?jobs=true"), Answer::feed(feed))]);
    let terminal = "import pty, sys; sys.exit(pty.spawn(sys.argv[1:]) >> 8)";
    let mut command = bench.program("python3", ["-c", terminal]);
    command.args([env!("CARGO_BIN_EXE_solum"), "run", "watch", ID]);
    command.env("SOLUM_URL", bench.server.url()).env("SOLUM_TOKEN", "solum_token");
    command.env("TERM", "xterm").env("NO_COLOR", "1");
    let shown = crate::Said::from(command.output().unwrap()).ok();
    let lines: Vec<&str> = shown.lines().collect();
    let running = "● build";
    assert_eq!(lines[0], "-----> Building\\x1b[2J", "{shown:?}");
    assert!(lines.iter().any(|line| line.starts_with(running)), "{shown:?}");
    assert_eq!(lines.last(), Some(&format!("Run {ID} succeeded").as_str()), "{shown:?}");
    assert!(!shown.contains("\x1b[3"), "no colours: {shown:?}");
}
