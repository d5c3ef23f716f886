//! A step that calls another system, while the server ends and comes back.

use std::net::TcpListener;
use std::time::Duration;

use anyhow::{Context as _, Result};
use testkit::{Server, wait_until};

use crate::hello;

#[test]
fn a_call_without_an_answer_keeps_no_server_and_is_not_repeated() -> Result<()> {
    let mut server = Server::start()?;
    let repository = hello::create(&server)?;
    let silent = TcpListener::bind("127.0.0.1:0")?;
    let with = format!("{{ url: 'http://{}', method: POST, timeout: 5m }}", silent.local_addr()?);
    let workflow = format!(
        "on: {{ push: {{ branches: [other] }} }}\n\
         jobs: {{ tell: {{ runs-on: solum, steps: [{{ uses: solum/http, with: {with} }}] }} }}\n"
    );
    repository.write(".solum/workflows/tell.yml", &workflow)?;
    repository.commit("tell somebody")?;
    repository.push_with(&["solum", "main:refs/heads/other"])?.require()?;
    let (_held, _) = silent.accept()?;
    server.stop_control_plane()?;
    server.restart()?;
    let run = hello::newest_run(&server)?["id"].as_str().context("an id")?.to_owned();
    let failure = wait_until("the run to fail", Duration::from_secs(60), || {
        let shown = server.solum_json(&["run", "show", &run, "--json"]).ok()?;
        (shown["status"] == "failed").then(|| shown["failure"].clone())
    })?;
    assert_eq!(failure["code"], "indeterminate", "{failure}");
    let message = failure["message"].as_str().context("a message")?;
    assert!(message.contains("the server ended while POST http://127.0.0.1:"), "{message}");
    silent.set_nonblocking(true)?;
    assert!(silent.accept().is_err(), "it was sent once");
    Ok(())
}
