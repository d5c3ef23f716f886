//! What the README tells people to type works, word for word.

use std::process::Command;
use std::time::Duration;

use testkit::{Server, command, readme_block};

#[test]
fn the_first_app_of_the_readme_answers() {
    let server = Server::start().unwrap();
    let programs = server.program().parent().unwrap().display().to_string();
    let path = std::env::var("PATH").unwrap();
    let mut shell = Command::new("bash");
    shell.args(["-euxc", &readme_block("first-app").unwrap()]);
    shell.envs(server.user_environment()).env("PATH", format!("{programs}:{path}"));
    shell.current_dir(server.directory());
    let typed = command::run(&mut shell, Duration::from_secs(120)).unwrap().require().unwrap();

    let answer = server.get("hello-dev.localhost", "/").unwrap();
    assert_eq!((answer.status, answer.text().trim()), (200, "<h1>Hello from Solum</h1>"));
    let port = server.router_address().unwrap().port();
    let address = format!("http://hello-dev.localhost:{port}");
    assert!(typed.stderr.contains(&address), "the push does not tell {address}: {typed}");
}
