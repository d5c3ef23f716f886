//! Workflow files of the repository decide what a push, and every other event, does.

use anyhow::{Context as _, Result};
use testkit::{Repository, Server};

use crate::hello;

/// Runs the app's tests, which need no build.
fn check(name: &str, on: &str) -> String {
    format!(
        "name: {name}\non: {on}\nrun-name: '{name} ${{{{ github.run_number }}}} of ${{{{ github.ref_name }}}}'\n\
         jobs: {{ check: {{ runs-on: solum, steps: [{{ uses: solum/test }}] }} }}\n"
    )
}

/// The small app with tests that do nothing else than `test`, known to the server and not pushed.
fn app(server: &Server, test: &str, files: &[(&str, &str)]) -> Result<Repository> {
    let repository = hello::create(server)?;
    repository.write("solum.yaml", &format!("test: [\"{test}\"]\n"))?;
    for (name, text) in files {
        repository.write(name, text)?;
    }
    repository.commit("with workflows")?;
    Ok(repository)
}

fn tip(repository: &Repository, name: &str) -> Result<Option<String>> {
    let remote = repository.git(&["ls-remote", "solum", name])?.stdout;
    Ok(remote.split_whitespace().next().map(ToOwned::to_owned))
}

/// The titles of all runs, sorted.
fn titles(server: &Server) -> Result<Vec<String>> {
    let runs = server.solum_json(&["run", "list", "--json"])?;
    let runs = runs.as_array().context("a list")?;
    let title = |run: &serde_json::Value| run["title"].as_str().unwrap_or_default().to_owned();
    let mut titles: Vec<_> = runs.iter().map(title).collect();
    titles.sort();
    Ok(titles)
}

#[test]
fn a_mistake_in_a_workflow_refuses_the_push_before_anything_is_recorded() -> Result<()> {
    let server = Server::start()?;
    let text = check("ci", "push").replace("runs-on", "run-on");
    let repository = app(&server, "true", &[(".solum/workflows/ci.yml", &text)])?;
    for target in ["main", "main:refs/heads/other"] {
        let push = repository.push_with(&["solum", target])?;
        assert!(!push.success());
        let transcript = push.transcript();
        let line = ".solum/workflows/ci.yml:4:18: unknown key 'run-on'; did you mean 'runs-on'?";
        assert!(transcript.contains(line), "{transcript}");
        assert!(push.output().contains("not accepted; nothing has changed"), "{}", push.output());
    }
    repository.git(&["tag", "v1"])?;
    let push = repository.push_with(&["solum", "v1"])?.require()?;
    assert!(push.transcript().contains("no workflow runs for it"), "{}", push.transcript());
    assert_eq!(titles(&server)?, Vec::<String>::new());
    assert_eq!(tip(&repository, "refs/heads/*")?, None);
    Ok(())
}

#[test]
fn the_branch_moves_when_every_workflow_of_the_push_has_succeeded() -> Result<()> {
    let server = Server::start()?;
    let files = [
        (".github/workflows/a.yml", check("first", "push")),
        (".github/workflows/b.yaml", check("second", "{ push: { branches: [main] } }")),
        (".github/workflows/c.yml", check("third", "{ push: { paths: [docs/**] } }")),
    ];
    let files: Vec<_> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
    let repository = app(&server, "true", &files)?;
    repository.write("solum.yaml", "workflows: .github/workflows\ntest: [\"true\"]\n")?;
    repository.commit("in another folder")?;
    let checked = repository.solum(&["workflow", "check"])?.require()?;
    assert!(checked.stderr.contains("3 workflows, without a mistake"), "{}", checked.stderr);
    let push = repository.push()?.require()?;
    let transcript = push.transcript();
    for name in ["first", "second"] {
        assert!(transcript.contains(&format!("=====> {name} (run_")), "{transcript}");
    }
    // What the first push of all changed cannot be told: the filter of paths lets it pass.
    assert_eq!(titles(&server)?, ["first 1 of main", "second 1 of main", "third 1 of main"]);
    let before = repository.head()?;
    assert_eq!(tip(&repository, "refs/heads/main")?, Some(before.clone()));

    repository.write("solum.yaml", "workflows: .github/workflows\ntest: [\"false\"]\n")?;
    repository.commit("tests that fail")?;
    let push = repository.push()?;
    assert!(!push.success());
    assert!(push.output().contains("the run failed"), "{}", push.output());
    assert_eq!(tip(&repository, "refs/heads/main")?, Some(before));
    assert_eq!(titles(&server)?.len(), 5, "the filter of paths held the third back");
    Ok(())
}

#[test]
fn other_branches_move_at_once_and_their_workflows_run_beside() -> Result<()> {
    let server = Server::start()?;
    let text = check("ci", "{ push: { branches: [feature/**] } }");
    let repository = app(&server, "true", &[(".solum/workflows/ci.yml", &text)])?;
    let push = repository.push_with(&["solum", "main:refs/heads/feature/x"])?.require()?;
    let transcript = push.transcript();
    let started = transcript.lines().find(|line| line.contains("started: ci 1 of feature/x"));
    let run = started.context("a run was started")?.split_whitespace().nth(1).context("its id")?;
    server.solum(&["run", "watch", run])?.require()?;
    assert_eq!(tip(&repository, "refs/heads/feature/x")?, Some(repository.head()?));

    let push = repository.push()?.require()?;
    let transcript = push.transcript();
    assert!(transcript.contains("No workflow runs for this push"), "{transcript}");
    assert!(transcript.contains("branch 'main' fits none of feature/**"), "{transcript}");
    assert_eq!(tip(&repository, "refs/heads/main")?, Some(repository.head()?));
    assert_eq!(titles(&server)?.len(), 1);
    Ok(())
}

#[test]
fn a_push_that_waits_for_people_ends_well_and_lands_when_they_agree() -> Result<()> {
    const ASK: &str = "on: push
jobs:
  ask:
    runs-on: solum
    steps: [{ uses: solum/approve, with: { allow_author: true } }]
";
    let server = Server::start()?;
    let repository = app(&server, "true", &[(".solum/workflows/ask.yml", ASK)])?;
    let push = repository.push()?.require()?;
    assert!(push.transcript().contains("Waiting for approval: ask/"), "{}", push.transcript());
    assert!(push.transcript().contains("waits for somebody to decide"), "{}", push.transcript());
    assert!(push.output().contains("refs/changes/1/head"), "{}", push.output());
    assert_eq!(tip(&repository, "refs/heads/main")?, None);
    let run = hello::newest_run(&server)?;
    assert_eq!(run["status"], "waiting");
    server.solum(&["run", "approve", run["id"].as_str().context("an id")?])?.require()?;
    let head = repository.head()?;
    testkit::wait_until("the branch to move", std::time::Duration::from_secs(30), || {
        tip(&repository, "refs/heads/main").ok().flatten().filter(|tip| *tip == head)
    })?;
    Ok(())
}

#[test]
fn a_workflow_is_listed_and_started_by_hand() -> Result<()> {
    let server = Server::start()?;
    let inputs = "{ push: { branches: [none] }, workflow_dispatch: { inputs: { who: { required: true } } } }";
    let text = check("ask", inputs).replace("of ${{ github.ref_name }}", "for ${{ inputs.who }}");
    let repository = app(&server, "true", &[(".solum/workflows/ask.yml", &text)])?;
    repository.push()?.require()?;
    let listed = server.solum(&["workflow", "list", "hello"])?.require()?;
    assert!(
        listed.stdout.contains("ask.yml  ask   push, workflow_dispatch  who*"),
        "{}",
        listed.stdout
    );
    let refused = server.solum(&["workflow", "run", "hello", "ask.yml"])?;
    assert!(refused.stderr.contains("input 'who' has to be given"), "{}", refused.stderr);
    server.solum(&["workflow", "run", "hello", "ask.yml", "-f", "who=bob"])?.require()?;
    assert_eq!(titles(&server)?, ["ask 1 for bob"]);
    Ok(())
}

#[test]
fn a_workflow_of_the_repository_takes_the_place_of_ours_for_rollbacks() -> Result<()> {
    const BACK: &str = "name: our own way back
on: rollback
run-name: back to ${{ github.event.release }}
jobs:
  back:
    runs-on: solum
    environment: ${{ github.event.environment }}
    steps:
      - uses: solum/rollback
        with: { release: '${{ github.event.release }}' }
";
    let server = Server::start()?;
    let repository = hello::deployed(&server)?;
    repository.write(".solum/workflows/back.yml", BACK)?;
    hello::push_version(&repository, "v1", "v2")?;
    assert_eq!(hello::answer(&server)?, "hello v2", "a push does what it did");
    server.solum(&["rollback", "hello"])?.require()?;
    assert_eq!(hello::answer(&server)?, "hello v1");
    let run = hello::newest_run(&server)?;
    assert_eq!(run["workflow"], "our own way back");
    assert_eq!(run["title"], "back to v1");
    Ok(())
}
