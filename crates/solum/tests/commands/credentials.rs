use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use crate::server::Answer;
use crate::{Bench, Said};

fn bench() -> Bench {
    let who =
        r#"{"token_id":"tok_01h2xcejqtf2nbrexx3vqjhp41","name":"admin","server_version":"0.1.0"}"#;
    Bench::new(&[
        ("GET /api/v1/whoami", Answer::json(200, who)),
        ("GET /api/v1/apps?limit=200", Answer::json(200, r#"{"items":[]}"#)),
    ])
}

fn run(mut command: std::process::Command, input: &str) -> Said {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    Said::from(child.wait_with_output().unwrap())
}

fn log_in(bench: &Bench) {
    let url = bench.server.url();
    let said = run(bench.bare(["login", &url]), "solum_token\n");
    assert!(said.stderr.contains(&format!("Logged in to {url} as admin")), "{said:?}");
    said.ok();
}

#[test]
fn a_login_is_remembered_and_readable_by_its_owner_only() {
    let bench = bench();
    log_in(&bench);
    let file = bench.path().join("home/.config/solum/credentials.json");
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(run(bench.bare(["app", "list", "--json"]), "").ok(), "[]\n");
}

#[test]
fn a_token_that_the_server_refuses_is_not_kept() {
    let refused = Answer::problem(401, "unauthenticated", "the token is not valid");
    let bench = Bench::new(&[("GET /api/v1/whoami", refused)]);
    let said = run(bench.bare(["login", &bench.server.url()]), "solum_token\n").fails(1);
    assert_eq!(said, "error: the token is not valid\n");
    assert!(!bench.path().join("home/.config").exists());
}

#[test]
fn without_a_login_it_says_how_to_log_in() {
    let bench = bench();
    let said = run(bench.bare(["app", "list"]), "").fails(1);
    assert!(said.starts_with("error: no server is known\nhint: `solum login"), "{said}");
}

#[test]
fn git_gets_the_token_of_the_server_that_is_logged_in_to() {
    let bench = bench();
    log_in(&bench);
    let host = bench.server.url().replace("http://", "");
    let helper = format!("credential.helper=!'{}' git-credential", env!("CARGO_BIN_EXE_solum"));
    let git = bench.program("git", ["-c", &helper, "credential", "fill"]);
    let filled = run(git, &format!("protocol=http\nhost={host}\npath=shop.git\n\n")).ok();
    assert!(filled.contains("username=solum\npassword=solum_token\n"), "{filled}");
}

#[test]
fn no_other_host_gets_the_token() {
    let bench = bench();
    log_in(&bench);
    let host = bench.server.url().replace("http://", "");
    for question in [
        "protocol=http\nhost=127.0.0.1:1\n\n".to_owned(),
        "protocol=http\nhost=example.org\n\n".to_owned(),
        format!("protocol=https\nhost={host}\n\n"),
    ] {
        assert_eq!(run(bench.bare(["git-credential", "get"]), &question).ok(), "", "{question}");
        let mut command = bench.bare(["git-credential", "get"]);
        command.env("SOLUM_URL", bench.server.url()).env("SOLUM_TOKEN", "solum_token");
        assert_eq!(run(command, &question).ok(), "", "{question}");
    }
}

#[test]
fn git_stops_where_the_token_is_missing() {
    let bench = bench();
    let mut command = bench.bare(["git-credential", "get"]);
    command.env("SOLUM_URL", bench.server.url());
    let host = bench.server.url().replace("http://", "");
    let said = run(command, &format!("protocol=http\nhost={host}\n\n"));
    assert_eq!((said.status, said.stdout.as_str()), (Some(1), "quit=1\n"));
    assert!(said.stderr.contains("there is no token for http://"), "{said:?}");
}

#[test]
fn what_git_wants_kept_or_forgotten_changes_nothing() {
    let bench = bench();
    for operation in ["store", "erase"] {
        let question = "protocol=http\nhost=example.org\nusername=a\npassword=b\n\n";
        assert_eq!(run(bench.bare(["git-credential", operation]), question).ok(), "");
    }
    assert!(!bench.path().join("home/.config").exists());
}

#[test]
fn an_address_that_asks_for_tls_is_refused_with_the_reason() {
    let bench = bench();
    let mut command = bench.bare(["app", "list"]);
    command.env("SOLUM_URL", "https://127.0.0.1:1").env("SOLUM_TOKEN", "solum_token");
    let said = run(command, "").fails(1);
    assert!(said.contains("asks for TLS, which this program does not speak"), "{said}");
}
