//! Pushes of one branch go one after the other.

use std::net::TcpListener;

use anyhow::Result;
use testkit::{Repository, Server};

use crate::hello;

/// A second work tree of the same app.
fn clone(server: &Server, repository: &Repository) -> Result<Repository> {
    let other = Repository::empty(server)?;
    let address = repository.git(&["remote", "get-url", "solum"])?.stdout;
    other.git(&["remote", "add", "solum", address.trim()])?;
    for (name, value) in credentials(repository)? {
        other.git(&["config", "--local", "--add", &name, &value])?;
    }
    other.git(&["fetch", "--quiet", "solum"])?;
    other.git(&["reset", "--quiet", "--hard", "solum/main"])?;
    Ok(other)
}

fn credentials(repository: &Repository) -> Result<Vec<(String, String)>> {
    let listed = repository.git(&["config", "--local", "--get-regexp", "^credential"])?;
    let pairs = listed.stdout.lines().filter_map(|line| line.split_once(' '));
    Ok(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

#[test]
fn a_second_push_waits_says_so_and_is_refused_when_it_has_become_stale() -> Result<()> {
    let server = Server::start()?;
    let first = hello::deployed(&server)?;
    let second = clone(&server, &first)?;
    // The first push's tests wait until the second push has said what it waits for.
    let gate = TcpListener::bind("127.0.0.1:0")?;
    let port = gate.local_addr()?.port();
    first.write(
        "wait.py",
        &format!("import socket\nsocket.create_connection((\"127.0.0.1\", {port})).recv(1)\n"),
    )?;
    first.write("solum.yaml", "test: { run: [python3 wait.py] }\n")?;
    first.edit("server.py", "hello v1", "hello first")?;
    first.commit("the first")?;
    second.edit("server.py", "hello v1", "hello second")?;
    second.commit("the second")?;
    let pushed = std::thread::scope(|scope| -> Result<_> {
        let one = scope.spawn(|| first.push());
        let (connection, _) = gate.accept()?;
        let mut connection = Some(connection);
        let two = second.push_watched(&["solum", "main"], &mut |line| {
            if line.contains("Waiting for run_") {
                connection.take();
            }
        })?;
        let one = one.join().expect("the first push does not panic")?;
        Ok((one, two))
    })?;
    let (one, two) = pushed;
    assert!(one.success(), "{}", one.output());
    assert!(!two.success(), "{}", two.output());
    let transcript = two.transcript();
    assert!(transcript.contains("-----> Waiting for run_"), "{transcript}");
    assert!(transcript.contains("main has moved to"), "{transcript}");
    assert!(!transcript.contains("Building"), "a stale push is not built: {transcript}");
    assert_eq!(hello::answer(&server)?, "hello first");
    Ok(())
}

#[test]
fn a_push_on_top_of_one_that_is_under_way_waits_and_then_deploys() -> Result<()> {
    let server = Server::start()?;
    let repository = hello::deployed(&server)?;
    repository.edit("server.py", "hello v1", "hello v2")?;
    repository.commit("v2")?;
    repository.push_with(&["-o", "detach", "solum", "main"])?.require()?;
    repository.edit("server.py", "hello v2", "hello v3")?;
    repository.commit("v3")?;
    repository.push()?.require()?;
    assert_eq!(hello::answer(&server)?, "hello v3");
    let runs = server.solum_json(&["run", "list", "--json"])?;
    let statuses: Vec<_> = (0..3).map(|index| runs[index]["status"].clone()).collect();
    assert_eq!(statuses, ["succeeded", "succeeded", "succeeded"]);
    let releases = server.solum_json(&["release", "list", "hello", "--json"])?;
    assert_eq!(releases.as_array().map(Vec::len), Some(3));
    Ok(())
}
