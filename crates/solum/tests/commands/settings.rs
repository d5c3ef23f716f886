use std::io::Write as _;
use std::process::Stdio;

use crate::server::Answer;
use crate::{Bench, Said};

const SECRET: &str =
    r#"{"name":"DEPLOY_KEY","updated_at":"2026-01-02T03:04:05Z","updated_by":"admin"}"#;
const VARIABLE: &str =
    r#"{"name":"REGION","value":"eu","updated_at":"2026-01-02T03:04:05Z","updated_by":"admin"}"#;

fn solum<const N: usize>(bench: &Bench, arguments: [&str; N], input: &[u8]) -> Said {
    let mut command = bench.bare(arguments);
    command.env("SOLUM_URL", bench.server.url()).env("SOLUM_TOKEN", "solum_token");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A command that fails early does not read it.
    let _ = child.stdin.take().unwrap().write_all(input);
    Said::from(child.wait_with_output().unwrap())
}

#[test]
fn a_secrets_value_comes_from_stdin() {
    let set = "PUT /api/v1/secrets/DEPLOY_KEY?app=shop&environment=dev";
    let bench = Bench::new(&[(set, Answer::json(200, SECRET))]);
    let said = solum(
        &bench,
        ["secret", "set", "deploy_key", "--app", "shop", "--env", "dev"],
        b"line 1\nline 2\n",
    );
    assert_eq!(
        (said.stdout.as_str(), said.stderr.as_str()),
        ("", "DEPLOY_KEY is set for shop dev.\n")
    );
    said.ok();
    assert_eq!(bench.server.asked()[0].1, r#"{"value":"line 1\nline 2"}"#);
}

#[test]
fn without_app_and_environment_it_is_the_projects() {
    let bench = Bench::new(&[("PUT /api/v1/secrets/DEPLOY_KEY", Answer::json(200, SECRET))]);
    let said = solum(&bench, ["secret", "set", "DEPLOY_KEY"], b"x");
    assert_eq!(said.stderr, "DEPLOY_KEY is set for the project.\n");
    said.ok();
}

#[test]
fn a_value_on_the_command_line_is_refused() {
    let bench = Bench::new(&[]);
    solum(&bench, ["secret", "set", "DEPLOY_KEY=hunter2"], b"").fails(2);
    solum(&bench, ["secret", "set", "DEPLOY_KEY", "hunter2"], b"").fails(2);
    let said = solum(&bench, ["secret", "set", "DEPLOY_KEY"], b"\xff\xfe").fails(1);
    assert!(said.starts_with("error: the value is not UTF-8 text\nhint: encode it"), "{said}");
    let said = solum(&bench, ["secret", "set", "GITHUB_TOKEN"], b"x").fails(2);
    assert!(said.contains("not starting with a digit or with GITHUB_"), "{said}");
    assert_eq!(bench.server.asked(), []);
}

#[test]
fn an_environment_alone_is_one_of_the_repositorys_app() {
    let bench = Bench::new(&[]);
    let said = solum(&bench, ["secret", "list", "--env", "dev"], b"").fails(2);
    assert!(said.starts_with("error: which app?"), "{said}");
}

#[test]
fn secrets_are_listed_without_values_and_unset() {
    let page = format!(r#"{{"items":[{SECRET}]}}"#);
    let gone = "DELETE /api/v1/secrets/DEPLOY_KEY?app=shop";
    let bench = Bench::new(&[
        ("GET /api/v1/secrets?limit=200&app=shop", Answer::json(200, page)),
        (gone, Answer::json(204, "")),
    ]);
    let table = bench.solum(["secret", "list", "--app", "shop"]);
    assert_eq!(table.stderr, "Secrets of shop\n");
    assert!(table.ok().contains("DEPLOY_KEY"));
    let json = bench.solum(["secret", "list", "--app", "shop", "--json"]).ok();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json[0]["name"], "DEPLOY_KEY");
    let said = bench.solum(["secret", "unset", "deploy_key", "--app", "shop"]);
    assert_eq!(said.stderr, "DEPLOY_KEY is no secret of shop any more.\n");
    said.ok();
}

#[test]
fn variables_are_set_shown_and_unset() {
    let page = format!(r#"{{"items":[{VARIABLE}]}}"#);
    let bench = Bench::new(&[
        ("PUT /api/v1/variables/REGION", Answer::json(200, VARIABLE)),
        ("PUT /api/v1/variables/LEVEL", Answer::json(200, VARIABLE)),
        ("GET /api/v1/variables?limit=200", Answer::json(200, page)),
        ("DELETE /api/v1/variables/REGION", Answer::json(204, "")),
    ]);
    let said = bench.solum(["variable", "set", "region=eu", "LEVEL=a=b"]);
    assert_eq!(said.stderr, "REGION is set for the project.\nLEVEL is set for the project.\n");
    said.ok();
    let sent: Vec<_> = bench.server.asked().into_iter().map(|(_, body)| body).collect();
    assert_eq!(sent, [r#"{"value":"eu"}"#, r#"{"value":"a=b"}"#]);
    assert!(bench.solum(["variable", "list"]).ok().contains("eu"));
    bench.solum(["variable", "unset", "REGION"]).ok();
    bench.solum(["variable", "set", "REGION"]).fails(2);
}
