//! Several environments: which of them a push comes to by itself, and what `solum promote` brings into the others.

use std::time::Duration;

use anyhow::{Context as _, Result};
use testkit::{Repository, Server, wait_until};

use crate::hello;

const ENVIRONMENTS: &str = "environments:
  dev: {}
  test: { after: dev, promote: automatic }
  prod: { after: test }
";

fn create(server: &Server) -> Result<Repository> {
    let repository = hello::create(server)?;
    repository.write("solum.yaml", ENVIRONMENTS)?;
    repository.commit("name the environments")?;
    Ok(repository)
}

/// What the app says in an environment, if it serves there.
fn says(server: &Server, environment: &str) -> Option<String> {
    let response = server.get(&format!("hello-{environment}.localhost"), "/").ok()?;
    (response.status == 200).then(|| response.text().trim().to_owned())
}

fn wait_for(server: &Server, environment: &str, text: &str) -> Result<()> {
    wait_until(&format!("{environment} says {text}"), Duration::from_secs(60), || {
        (says(server, environment)? == text).then_some(())
    })
}

fn releases(server: &Server) -> Result<usize> {
    let releases = server.solum_json(&["release", "list", "hello", "--json"])?;
    Ok(releases.as_array().context("a list")?.len())
}

#[test]
fn a_push_goes_on_by_itself_and_a_person_promotes_the_rest() -> Result<()> {
    let server = Server::start()?;
    let repository = create(&server)?;
    repository.push()?.require()?;
    assert_eq!(says(&server, "dev").as_deref(), Some("hello v1"), "the push waited for it");
    wait_for(&server, "test", "hello v1")?;
    assert_eq!(says(&server, "prod"), None);

    let listed = server.solum(&["env", "list", "hello"])?.require()?.stdout;
    let names: Vec<_> = listed.lines().map(|line| line.split_whitespace().next()).collect();
    assert_eq!(names, [Some("NAME"), Some("dev"), Some("test"), Some("prod")], "{listed}");
    assert!(listed.contains("test, by hand") && listed.contains("dev, automatic"), "{listed}");

    server.solum(&["config", "set", "hello", "--env", "prod", "GREETING=prod"])?.require()?;
    let promoted = server.solum(&["promote", "hello"])?.require()?;
    assert!(promoted.stderr.contains("Deployed hello v1 with config 1 to prod"), "{promoted}");
    assert_eq!(says(&server, "prod").as_deref(), Some("hello v1 prod"));
    assert_eq!(releases(&server)?, 1, "what is promoted is not built again");

    let again = server.solum(&["promote", "hello", "--to", "prod"])?;
    assert!(
        !again.success() && again.stderr.contains("prod of hello serves v1 already"),
        "{again}"
    );
    let nothing = server.solum(&["promote", "hello"])?;
    assert!(nothing.stderr.contains("serves what the one before it does"), "{nothing}");
    let back = server.solum(&["promote", "hello", "--from", "prod"])?;
    assert!(back.stderr.contains("no environment of hello is after prod"), "{back}");

    hello::push_version(&repository, "v1", "v2")?;
    wait_for(&server, "test", "hello v2")?;
    assert_eq!(says(&server, "prod").as_deref(), Some("hello v1 prod"), "a person decides");
    Ok(())
}

#[test]
fn a_push_can_wait_for_a_later_environment() -> Result<()> {
    let server = Server::start()?;
    let repository = create(&server)?;
    repository.write("solum.yaml", &format!("{ENVIRONMENTS}push: {{ until: test }}\n"))?;
    repository.commit("wait for test")?;
    let push = repository.push()?.require()?;
    for part in ["Deployed hello v1 to dev", "Deployed hello v1 to test"] {
        assert!(push.transcript().contains(part), "{part}: {}", push.output());
    }
    assert_eq!(says(&server, "test").as_deref(), Some("hello v1"));
    Ok(())
}

#[test]
fn a_push_does_not_loosen_the_policy_that_it_is_judged_by() -> Result<()> {
    let server = Server::start()?;
    let repository = create(&server)?;
    repository.push()?.require()?;
    wait_for(&server, "test", "hello v1")?;
    repository.edit(
        "solum.yaml",
        "prod: { after: test }",
        "prod: { after: test, promote: automatic }",
    )?;
    repository.edit("server.py", "hello v1", "hello v2")?;
    repository.commit("let prod be promoted automatically")?;
    repository.push()?.require()?;
    let run = hello::newest_run(&server)?;
    let id = run["id"].as_str().context("an id")?;
    wait_until("the run has ended", Duration::from_secs(60), || {
        let run = server.solum_json(&["run", "show", id, "--json"]).ok()?;
        (run["status"] == "succeeded").then_some(())
    })?;
    assert_eq!(says(&server, "test").as_deref(), Some("hello v2"));
    assert_eq!(says(&server, "prod"), None, "it was manual when the push came");

    hello::push_version(&repository, "v2", "v3")?;
    wait_for(&server, "prod", "hello v3")
}

#[test]
fn workflows_of_ones_own_promote_too() -> Result<()> {
    let server = Server::start()?;
    let repository = create(&server)?;
    repository.write(
        ".solum/workflows/promote.yml",
        "on: promotion\njobs:\n  try:\n    runs-on: linux\n    steps: [{ run: \"echo promoting ${{ github.event.release }}\" }]\n  \
         bring:\n    needs: try\n    environment: ${{ github.event.to[0] }}\n    runs-on: solum\n    steps: [{ uses: solum/promote }]\n",
    )?;
    repository.commit("promote in our own way")?;
    repository.push()?.require()?;
    wait_for(&server, "test", "hello v1")?;
    let promoted = server.solum(&["promote", "hello"])?.require()?;
    for part in ["promoting v1", "Deployed hello v1 to prod"] {
        assert!(promoted.stderr.contains(part), "{part}: {promoted}");
    }
    assert_eq!(says(&server, "prod").as_deref(), Some("hello v1"));
    Ok(())
}

#[test]
fn an_environment_that_no_manifest_names_is_refused_and_one_that_is_dropped_serves_on() -> Result<()>
{
    let server = Server::start()?;
    let repository = hello::create(&server)?;
    server.solum(&["config", "set", "hello", "GREETING=kept"])?.require()?;
    repository.write("solum.yaml", "environments: { live: {} }\n")?;
    repository.commit("call it live")?;
    repository.push()?.require()?;
    let served = says(&server, "live");
    assert_eq!(
        served.as_deref(),
        Some("hello v1 kept"),
        "nothing served: it took the name, with its config"
    );

    repository.write("solum.yaml", "environments: { production: {} }\n")?;
    repository.commit("call it production")?;
    let push = repository.push()?.require()?;
    let told = "live is not in solum.yaml any more, and goes on serving what it has";
    assert!(push.transcript().contains(told), "{}", push.output());
    assert_eq!(says(&server, "production").as_deref(), Some("hello v1"));
    assert_eq!(says(&server, "live").as_deref(), Some("hello v1 kept"));

    repository.write(
        ".solum/workflows/deliver.yml",
        "on: push\njobs:\n  build:\n    runs-on: solum\n    outputs: { it: \"${{ steps.b.outputs.artifact }}\" }\n    \
         steps: [{ id: b, uses: solum/build }]\n  deploy:\n    needs: build\n    environment: prodution\n    runs-on: solum\n    \
         steps: [{ uses: solum/deploy, with: { artifact: \"${{ needs.build.outputs.it }}\" } }]\n",
    )?;
    repository.commit("misspell it")?;
    let push = repository.push()?;
    assert!(!push.success());
    for part in ["hello has no environment `prodution`", "deploy to one of: production"] {
        assert!(push.transcript().contains(part), "{part}: {}", push.output());
    }
    Ok(())
}
