//! What the README tells people to type works, word for word.

#![expect(clippy::unwrap_used, reason = "what cannot be typed ends its test")]

use std::process::Command;
use std::time::Duration;

use testkit::{Finished, Server, command, readme_block};

/// Types what the README shows, one block after the other.
fn typed(server: &Server, blocks: &[&str]) -> Finished {
    let programs = server.program().parent().unwrap().display().to_string();
    let path = std::env::var("PATH").unwrap();
    let mut shell = Command::new("bash");
    shell.args(["-euxc", &blocks.join("\n")]);
    shell.envs(server.user_environment()).env("PATH", format!("{programs}:{path}"));
    shell.current_dir(server.directory());
    command::run(&mut shell, Duration::from_secs(120)).unwrap().require().unwrap()
}

#[test]
fn the_first_app_of_the_readme_answers() {
    let server = Server::start().unwrap();
    let typed = typed(&server, &[&readme_block("first-app").unwrap()]);

    let answer = server.get("hello-dev.localhost", "/").unwrap();
    assert_eq!((answer.status, answer.text().trim()), (200, "<h1>Hello from Solum</h1>"));
    let port = server.router_address().unwrap().port();
    let address = format!("http://hello-dev.localhost:{port}");
    assert!(typed.stderr.contains(&address), "the push does not tell {address}: {typed}");
}

#[test]
fn the_first_workflow_of_the_readme_delivers() {
    let server = Server::start().unwrap();
    let app = readme_block("first-app").unwrap();
    let typed = typed(&server, &[&app, &readme_block("first-workflow").unwrap()]);
    for said in ["-----> check: Run grep", "Deployed hello v2 to dev"] {
        assert!(typed.stderr.contains(said), "the push does not say {said}: {typed}");
    }
    let answer = server.get("hello-dev.localhost", "/").unwrap();
    assert_eq!((answer.status, answer.text().trim()), (200, "<h1>Hello from Solum</h1>"));
}
