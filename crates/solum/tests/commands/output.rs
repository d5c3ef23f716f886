use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use crate::Bench;
use crate::server::Answer;

const LINE: &str = r#"{"at":"2026-01-02T03:04:05Z","environment":"dev","instance":"web.1","instance_id":"ins_01h2xcejqtf2nbrexx3vqjhp41","stream":"stdout","text":"hello"}"#;

#[test]
fn a_reader_that_has_enough_is_no_failure() {
    let event = format!("event: log\ndata: {LINE}\n\n");
    let logs = "GET /api/v1/apps/shop/logs?environment=dev&lines=100&follow=true";
    let bench = Bench::new(&[(logs, Answer::endless_feed(event))]);
    let mut command = bench.bare(["logs", "shop", "--env", "dev", "-f"]);
    command.env("SOLUM_URL", bench.server.url()).env("SOLUM_TOKEN", "solum_token");
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line, "2026-01-02T03:04:05.000Z dev/web.1 hello\n");
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        (output.status.code(), String::from_utf8(output.stderr).unwrap()),
        (Some(0), String::new())
    );
}

#[test]
fn logs_as_json_are_one_object_a_line() {
    let logs = "GET /api/v1/apps/shop/logs?environment=dev&lines=2";
    let event = format!("event: log\ndata: {LINE}\n\n");
    let bench =
        Bench::new(&[(logs, Answer::feed(format!("{event}{event}event: end\ndata: {{}}\n\n")))]);
    let said = bench.solum(["logs", "shop", "--env", "dev", "-n", "2", "--json"]).ok();
    assert_eq!(said, format!("{LINE}\n{LINE}\n"));
}

#[test]
fn the_app_may_be_left_out_in_its_repository() {
    let instances = "GET /api/v1/apps/shop/instances?limit=200";
    let bench = Bench::new(&[(instances, Answer::json(200, r#"{"items":[]}"#))]);
    let said = bench.solum(["ps", "--json"]).fails(2);
    assert!(said.starts_with("error: which app?\nhint: "), "{said}");
    bench.repository();
    assert_eq!(bench.solum(["ps", "--json"]).ok(), "[]\n");
}

#[test]
fn a_remote_that_points_to_another_server_names_no_app() {
    let bench = Bench::new(&[]);
    bench.git(["init", "-q"]).ok();
    bench.git(["remote", "add", "solum", "http://127.0.0.1:1/shop.git"]).ok();
    let said = bench.solum(["ps"]).fails(2);
    assert!(said.contains("points to http://127.0.0.1:1, and the server to ask is"), "{said}");
}

#[test]
fn the_only_environment_may_be_left_out_and_one_of_several_may_not() {
    let environment =
        |name: &str| format!(r#"{{"app":"shop","name":"{name}","urls":[],"processes":{{}}}}"#);
    let config = r#"{"revision":3,"variables":{"LOG_LEVEL":"debug"}}"#;
    let one = format!(r#"{{"items":[{}]}}"#, environment("dev"));
    let two = format!(r#"{{"items":[{},{}]}}"#, environment("dev"), environment("prod"));
    let bench = Bench::new(&[
        (
            "GET /api/v1/apps/shop/environments?limit=200",
            Answer::json(200, one).then(Answer::json(200, two)),
        ),
        ("GET /api/v1/apps/shop/environments/dev/config", Answer::json(200, config)),
    ]);
    assert_eq!(bench.solum(["config", "list", "shop"]).ok(), "LOG_LEVEL  debug\n");
    let said = bench.solum(["config", "list", "shop"]).fails(2);
    assert_eq!(said, "error: which environment?\nhint: say it with --env: shop has dev, prod\n");
}

#[test]
fn a_command_gives_its_output_and_its_failure() {
    let body = concat!(
        r#"{"stream":"stdout","data":"out\n"}"#,
        "\n",
        r#"{"stream":"stderr","data":"err\n"}"#,
        "\n",
        r#"{"exit":{"code":3}}"#,
        "\n"
    );
    let exec = "POST /api/v1/apps/shop/environments/dev/exec";
    let bench = Bench::new(&[(exec, Answer::json(200, body))]);
    let said = bench.solum(["exec", "shop", "--env", "dev", "--", "sh", "-c", "exit 3"]);
    assert_eq!((said.status, said.stdout.as_str()), (Some(3), "out\n"));
    assert_eq!(said.stderr, "err\nerror: the command exited with status 3\n");
    assert_eq!(bench.server.asked()[0].1, r#"{"command":["sh","-c","exit 3"]}"#);
}

#[test]
fn scaling_says_what_is_wanted_and_what_is_there() {
    let scale = "PUT /api/v1/apps/shop/environments/dev/scale";
    let scaled = r#"{"processes":{"web":{"desired":3,"running":1}}}"#;
    let bench = Bench::new(&[(scale, Answer::json(202, scaled))]);
    let said = bench.solum(["scale", "shop", "web=3", "--env", "dev"]).ok();
    assert_eq!(said, "PROCESS  DESIRED  RUNNING\nweb      3        1\n");
    assert_eq!(bench.server.asked()[0].1, r#"{"web":3}"#);
}

#[test]
fn a_problem_is_shown_and_fails() {
    let missing = Answer::problem(404, "app_not_found", "there is no app `shpo`");
    let bench = Bench::new(&[("GET /api/v1/apps/shpo", missing)]);
    assert_eq!(bench.solum(["app", "show", "shpo"]).fails(1), "error: there is no app `shpo`\n");
}
