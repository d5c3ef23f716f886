//! A push that waits for people, is rejected, and is tried again.

use std::time::Duration;

use anyhow::{Context as _, Result};
use testkit::{Server, wait_until};

use crate::hello;

const SHIP: &str = "name: ship
on: push
jobs:
  build:
    runs-on: solum
    outputs: { artifact: '${{ steps.b.outputs.artifact }}' }
    steps: [{ id: b, uses: solum/build }]
  dev:
    needs: build
    environment: dev
    runs-on: solum
    steps:
      - { id: ask, uses: solum/approve, with: { note: have a look } }
      - { uses: solum/deploy, with: { artifact: '${{ needs.build.outputs.artifact }}' } }
      - { id: look, uses: solum/smoke, with: { contains: hello v1 } }
";

/// What `solum` says to somebody who has another token than the administrator's.
fn says(server: &Server, token: &str, arguments: &[&str]) -> Result<(bool, String)> {
    let output = server.command().args(arguments).env("SOLUM_TOKEN", token).output()?;
    Ok((output.status.success(), String::from_utf8(output.stderr)?))
}

fn until(server: &Server, run: &str, status: &str) -> Result<()> {
    wait_until(&format!("{run} to be {status}"), Duration::from_secs(60), || {
        let shown = server.solum_json(&["run", "show", run, "--json"]).ok()?;
        (shown["status"] == status).then_some(())
    })
}

#[test]
fn a_push_lands_once_somebody_else_has_approved_it_also_at_the_second_try() -> Result<()> {
    let server = Server::start()?;
    let repository = hello::create(&server)?;
    repository.write(".solum/workflows/ship.yml", SHIP)?;
    repository.commit("ask before it ships")?;
    let push = repository.push()?.require()?;
    let transcript = push.transcript();
    assert!(transcript.contains("-----> Waiting for approval: dev/ask"), "{transcript}");
    assert!(transcript.contains("have a look"), "{transcript}");
    let first = hello::newest_run(&server)?["id"].as_str().context("an id")?.to_owned();
    assert!(transcript.contains(&format!("solum run approve {first} --job dev")), "{transcript}");
    until(&server, &first, "waiting")?;
    let tip = || -> Result<String> {
        Ok(repository.git(&["ls-remote", "solum", "refs/heads/main"])?.stdout)
    };
    assert_eq!(tip()?, "", "nothing has landed");

    let own = server.solum(&["run", "approve", &first])?;
    assert!(!own.success() && own.stderr.contains("does not count"), "{own}");
    assert!(own.stderr.contains("hint: somebody else has to"), "{own}");
    let bob = server.solum(&["token", "create", "bob"])?.require()?.stdout;
    let bob = bob.trim();
    let (rejected, said) =
        says(&server, bob, &["run", "reject", &first, "--comment", "not on a Sunday"])?;
    assert!(rejected && said == "Rejected dev/ask.\n", "{said}");
    until(&server, &first, "failed")?;
    let shown = server.solum(&["run", "show", &first])?.require()?.stdout;
    assert!(shown.contains("bob rejected it: not on a Sunday"), "{shown}");

    let again = server.solum(&["run", "retry", &first, "--failed", "--detach"])?.require()?;
    let again = again.stdout.trim().to_owned();
    until(&server, &again, "waiting")?;
    let (approved, said) = says(&server, bob, &["run", "approve", &again, "--job", "dev"])?;
    assert!(approved && said.starts_with("Approved dev/ask. The run goes on"), "{said}");
    let watched = server.solum(&["run", "watch", &again])?.require()?.stdout;
    assert!(!watched.contains("-----> Building"), "what succeeded is not done again: {watched}");
    assert!(
        watched.contains("http://hello-dev.localhost") && watched.contains("answered 200"),
        "{watched}"
    );
    assert_eq!(hello::answer(&server)?, "hello v1");
    assert!(tip()?.starts_with(&repository.head()?), "the second try has landed: {}", tip()?);
    Ok(())
}

const PROD: &str = "environments:
  dev: {}
  prod: { after: dev, approvals: { count: 1, timeout: 1h } }
";

fn waits(server: &Server) -> Result<String> {
    let run = hello::newest_run(server)?["id"].as_str().context("an id")?.to_owned();
    until(server, &run, "waiting")?;
    Ok(run)
}

#[test]
fn nothing_comes_into_an_environment_that_asks_for_approval_without_it() -> Result<()> {
    let server = Server::start()?;
    let repository = hello::create(&server)?;
    repository.write("solum.yaml", PROD)?;
    repository.commit("ask before prod")?;
    repository.push()?.require()?;
    assert_eq!(hello::answer(&server)?, "hello v1", "nobody is asked about dev");
    let bob = server.solum(&["token", "create", "bob"])?.require()?.stdout;
    let bob = bob.trim();
    let prod = || server.get("hello-prod.localhost", "/").map(|it| it.status == 200);

    server.solum(&["promote", "hello", "--detach"])?.require()?;
    let run = waits(&server)?;
    let own = server.solum(&["run", "approve", &run])?;
    assert!(!own.success() && own.stderr.contains("does not count"), "{own}");
    let (rejected, said) = says(&server, bob, &["run", "reject", &run])?;
    assert!(rejected && said == "Rejected promote.0/@approval-for-prod.\n", "{said}");
    until(&server, &run, "failed")?;
    assert!(!prod()?);

    // What would take the gate away is judged by it, and so is a workflow that goes on whatever happens.
    repository.write("solum.yaml", "environments: { dev: {}, prod: { after: dev } }\n")?;
    repository.write(
        ".solum/workflows/deliver.yml",
        "on: push\njobs:\n  build:\n    runs-on: solum\n    outputs: { it: \"${{ steps.b.outputs.artifact }}\" }\n    \
         steps: [{ id: b, uses: solum/build }]\n  prod:\n    needs: build\n    environment: prod\n    runs-on: solum\n    \
         steps: [{ if: always(), uses: solum/deploy, with: { artifact: \"${{ needs.build.outputs.it }}\" } }]\n",
    )?;
    repository.commit("get around it")?;
    repository.push_with(&["-o", "detach", "solum", "main"])?;
    let run = waits(&server)?;
    says(&server, bob, &["run", "reject", &run])?;
    until(&server, &run, "failed")?;
    assert!(!prod()?);

    server.solum(&["promote", "hello", "--detach"])?.require()?;
    let run = waits(&server)?;
    let (approved, said) = says(&server, bob, &["run", "approve", &run])?;
    assert!(approved, "{said}");
    until(&server, &run, "succeeded")?;
    assert!(prod()?);

    server
        .solum(&["config", "set", "hello", "--env", "prod", "--detach", "GREETING=new"])?
        .require()?;
    let run = waits(&server)?;
    says(&server, bob, &["run", "approve", &run])?;
    until(&server, &run, "succeeded")?;
    let says = || Ok(server.get("hello-prod.localhost", "/")?.text().trim().to_owned());
    let said: Result<String> = says();
    assert_eq!(said?, "hello v1 new");
    server.solum(&["rollback", "hello", "--env", "prod"])?.require()?;
    let said: Result<String> = says();
    assert_eq!(said?, "hello v1", "nobody is asked about the way back");
    Ok(())
}

#[test]
fn an_older_push_that_is_approved_late_does_not_take_the_place_of_a_newer_one() -> Result<()> {
    let server = Server::start()?;
    let repository = hello::create(&server)?;
    repository.write("solum.yaml", &PROD.replace("approvals", "promote: automatic, approvals"))?;
    repository.commit("ask before prod")?;
    let bob = server.solum(&["token", "create", "bob"])?.require()?.stdout;
    let bob = bob.trim();
    repository.push()?.require()?;
    let older = waits(&server)?;
    hello::push_version(&repository, "v1", "v2")?;
    let newer = waits(&server)?;
    assert_ne!(newer, older, "the first does not hold the second up");

    says(&server, bob, &["run", "approve", &newer])?;
    until(&server, &newer, "succeeded")?;
    says(&server, bob, &["run", "approve", &older])?;
    until(&server, &older, "failed")?;
    let shown = server.solum(&["run", "show", &older])?.require()?.stdout;
    assert!(shown.contains("prod serves v2 already, which is newer than v1"), "{shown}");
    assert_eq!(server.get("hello-prod.localhost", "/")?.text().trim(), "hello v2");
    Ok(())
}

#[test]
fn a_retry_asks_for_what_is_asked_for_by_then() -> Result<()> {
    let server = Server::start()?;
    let repository = hello::create(&server)?;
    let open = "environments: { dev: {}, prod: { after: dev, promote: automatic } }\n";
    repository.write("solum.yaml", open)?;
    repository.commit("ask nobody")?;
    repository.push()?.require()?;
    let first = hello::newest_run(&server)?["id"].as_str().context("an id")?.to_owned();
    until(&server, &first, "succeeded")?;
    repository.write("solum.yaml", &PROD.replace("approvals", "promote: automatic, approvals"))?;
    repository.commit("ask before prod")?;
    repository.push()?.require()?;
    let second = waits(&server)?;
    server.solum(&["run", "cancel", &second])?.require()?;

    let again = server.solum(&["run", "retry", &first, "--detach"])?.require()?;
    let again = again.stdout.trim().to_owned();
    until(&server, &again, "waiting")?;
    let shown = server.solum(&["run", "show", &again])?.require()?.stdout;
    assert!(shown.contains("Approval for prod"), "{shown}");
    Ok(())
}
