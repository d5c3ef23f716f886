//! Workflows of the user's own, with steps that run in boxes.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::Value;
use testkit::{Push, Repository, Server, wait_until};

use crate::hello;

pub(crate) const WORKFLOW: &str = ".solum/workflows/deliver.yml";

/// Pushes `hello` with this workflow instead of the one that is built in.
fn push(server: &Server, workflow: &str, more: &[(&str, &str)]) -> Result<(Repository, Push)> {
    let repository = hello::create(server)?;
    repository.write(WORKFLOW, workflow)?;
    for (path, text) in more {
        repository.write(path, text)?;
    }
    repository.commit("a workflow")?;
    let push = repository.push()?;
    Ok((repository, push))
}

/// The steps of a job of the newest run, by name: how each ended, and what it left.
fn steps(server: &Server, job: &str) -> Result<Vec<(String, String, Value)>> {
    let run = hello::newest_run(server)?;
    let id = run["id"].as_str().context("a run has an id")?;
    let run = server.solum_json(&["run", "show", id, "--json"])?;
    let jobs = run["jobs"].as_array().context("a run has jobs")?;
    let job = jobs.iter().find(|it| it["name"] == job).with_context(|| format!("{run:#}"))?;
    let steps = job["steps"].as_array().context("a job has steps")?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    Ok(steps
        .iter()
        .map(|step| (text(&step["name"]), text(&step["conclusion"]), step["outputs"].clone()))
        .collect())
}

#[test]
fn a_job_tests_in_a_box_and_what_it_leaves_goes_to_the_next() -> Result<()> {
    let server = Server::start()?;
    let workflow = r#"
name: deliver
on: push
env: { COLOUR: blue }
jobs:
  test:
    runs-on: ubuntu-latest
    outputs: { version: "${{ steps.v.outputs.version }}" }
    steps:
      - uses: actions/checkout@v4
      - { id: v, run: "echo version=$(wc -l < server.py) >> $GITHUB_OUTPUT; echo SIZE=large >> $GITHUB_ENV" }
      - run: |
          test "$SIZE $COLOUR ${{ env.SIZE }}" = "large blue large"
          test "$(git log -1 --format=%s)" = "a workflow"
          test "$GITHUB_REPOSITORY $GITHUB_REF_NAME" = "default/hello main"
          test "$(id -u)" != 0
          test ! -e "$HOME/../../../solum.db"
          echo "::group::of mine"
          echo "::warning file=server.py,line=3::look here"
          echo "::endgroup::"
        name: Look around
      - { shell: python, run: "import os; print('python', os.environ['COLOUR'])" }
      - { if: "hashFiles('Procfile') != ''", run: echo there }
      - { if: "hashFiles('Nothing') != ''", run: exit 1 }
  deliver:
    needs: test
    runs-on: solum
    environment: dev
    steps:
      - { id: build, uses: solum/build }
      - uses: solum/deploy
        with: { artifact: "${{ steps.build.outputs.artifact }}" }
"#;
    let (_repository, push) = push(&server, workflow, &[])?;
    let push = push.require()?;
    let transcript = push.transcript();
    for line in [
        "-----> test: Run actions/checkout",
        "-----> test: Look around",
        "       ▸ of mine",
        "       warning: server.py:3: look here",
        "       python blue",
        "       there",
        "=====> Deployed hello v1 to dev",
    ] {
        assert!(transcript.lines().any(|it| it == line), "no {line:?} in\n{transcript}");
    }
    assert_eq!(hello::answer(&server)?, "hello v1");
    let steps = steps(&server, "test")?;
    let conclusions: Vec<&str> = steps.iter().map(|(_, how, _)| how.as_str()).collect();
    assert_eq!(conclusions, ["success", "success", "success", "success", "success", "skipped"]);
    assert_eq!(steps[1].2["version"], "21", "{steps:?}");
    let run = hello::newest_run(&server)?["id"].as_str().context("an id")?.to_owned();
    let of_verb = server.solum(&["run", "logs", &run, "--step", "build"])?.require()?.stdout;
    assert!(of_verb.starts_with("-----> deliver: Run solum/build (success"), "{of_verb}");
    assert!(of_verb.lines().any(|line| line.starts_with("Bundle ")), "{of_verb}");
    let live = server.solum(&["run", "logs", &run, "-f"])?.require()?.stdout;
    assert!(
        live.contains("python blue\n") && live.contains("Deployed hello v1 to dev\n"),
        "{live}"
    );
    Ok(())
}

#[test]
fn a_failing_step_fails_the_push_and_names_itself() -> Result<()> {
    let server = Server::start()?;
    let workflow = r#"
on: push
jobs:
  test:
    runs-on: linux
    steps:
      - { name: Unit tests, run: "echo one is two; exit 3" }
      - { run: echo never }
      - { if: always(), run: echo cleaning up }
"#;
    let (_repository, push) = push(&server, workflow, &[])?;
    assert!(!push.success());
    let transcript = push.transcript();
    assert!(transcript.contains(" !     `Unit tests` ended with exit code 3"), "{transcript}");
    assert!(transcript.contains("       cleaning up"), "{transcript}");
    assert!(!transcript.contains("       never"), "{transcript}");
    Ok(())
}

#[test]
fn no_secret_is_shown_or_kept_or_leaves_its_job_and_every_later_step_has_it() -> Result<()> {
    let server = Server::start()?;
    let workflow = r#"
on: push
jobs:
  one:
    runs-on: linux
    outputs: { token: "${{ steps.made.outputs.token }}" }
    steps:
      - env: { PASSWORD: "${{ secrets.PASSWORD }}" }
        run: |
          printf 'the password is hun'; sleep 0.2; echo 'ter-two-hundred'
          test "$PASSWORD" = "$(printf hunter)-two-hundred"
          echo "made from ${{ secrets.PASSWORD }}"
      - id: made
        run: |
          made="$(printf sword)fish-of-mine"
          echo "::add-mask::$made"
          echo "token=$made" >> "$GITHUB_OUTPUT"
          echo "TOKEN=$made" >> "$GITHUB_ENV"
      - run: |
          made="$(printf sword)fish-of-mine"
          test "$TOKEN ${{ steps.made.outputs.token }}" = "$made $made"
          echo "it is $TOKEN"
  two:
    needs: one
    runs-on: linux
    steps:
      - run: test -z "${{ needs.one.outputs.token }}"
"#;
    let repository = hello::create(&server)?;
    let value = serde_json::json!({ "value": "hunter-two-hundred" });
    let set = server.api("PUT", "/api/v1/secrets/PASSWORD?app=hello", Some(&value))?;
    assert_eq!(set.status, 200, "{}", set.text());
    repository.write(WORKFLOW, workflow)?;
    repository.commit("secrets")?;
    let push = repository.push()?;
    let transcript = push.transcript();
    assert!(transcript.contains("the password is ***"), "{transcript}");
    assert!(transcript.contains("made from ***"), "{transcript}");
    assert!(transcript.contains("it is ***"), "{transcript}");
    let steps = steps(&server, "two")?;
    assert_eq!(steps[0].1, "success", "{transcript}");
    let id = hello::newest_run(&server)?["id"].as_str().context("an id")?.to_owned();
    let shown = server.solum(&["run", "show", &id, "--json"])?.stdout;
    assert!(!shown.contains("swordfish"), "{shown}");
    let secrets: [&[u8]; 2] = [b"hunter-two-hundred", b"swordfish-of-mine"];
    let mut kept = Vec::new();
    let gone = wait_until("nothing of it is on disk", Duration::from_secs(10), || {
        kept.clear();
        secrets.iter().for_each(|secret| files_with(&server.data_dir(), secret, &mut kept));
        kept.is_empty().then_some(())
    });
    gone.with_context(|| format!("{kept:?}"))
}

/// The files there that have these bytes.
fn files_with(directory: &Path, bytes: &[u8], found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
        let path = entry.path();
        let Ok(metadata) = path.symlink_metadata() else { continue };
        if metadata.is_dir() {
            files_with(&path, bytes, found);
        } else if metadata.is_file()
            && let Ok(text) = std::fs::read(&path)
            && text.windows(bytes.len()).any(|window| window == bytes)
        {
            found.push(path);
        }
    }
}

/// The shell of the only step that runs, as the machine numbers it.
fn shell_of_the_step(server: &Server) -> Result<i32> {
    wait_until("the step's shell is there", Duration::from_secs(60), || {
        // What it forks looks like itself until it runs something else.
        let all = testkit::processes::of(&server.data_dir()).into_iter();
        all.filter(|process| process.arguments[0] == "bash").map(|process| process.pid).min()
    })
}

/// Waits until what the run says has this text, and gives all of it.
fn log_with(server: &Server, run: &str, text: &str) -> Result<String> {
    wait_until("the run says it", Duration::from_secs(60), || {
        let path = format!("/api/v1/runs/{run}/log");
        let log = server.api("GET", &path, None).ok()?.text();
        log.contains(text).then_some(log)
    })
}

fn ended(server: &Server, status: &str) -> Result<()> {
    wait_until("the run has ended", Duration::from_secs(60), || {
        (hello::newest_run(server).ok()?["status"] == status).then_some(())
    })
}

#[test]
fn a_step_goes_on_while_the_server_is_away_and_is_found_again() -> Result<()> {
    let mut server = Server::start()?;
    let workflow = r#"
on: push
jobs:
  long:
    runs-on: linux
    steps:
      - run: |
          echo first
          until test -e "$RUNNER_TEMP/go"; do sleep 0.05; done
          echo second
"#;
    let repository = hello::create(&server)?;
    repository.write(WORKFLOW, workflow)?;
    repository.commit("wait")?;
    repository.push_with(&["-o", "detach", "solum", "main"])?;
    let id = hello::newest_run(&server)?["id"].as_str().context("an id")?.to_owned();
    log_with(&server, &id, "first")?;
    let before = shell_of_the_step(&server)?;
    server.kill()?;
    server.restart()?;
    let after = shell_of_the_step(&server)?;
    assert_eq!(before, after, "the same process before and after");
    let jobs = server.data_dir().join("work").join(&id).join("jobs");
    let job = std::fs::read_dir(jobs)?.next().context("the job has a directory")??.path();
    std::fs::write(job.join("temp/go"), "")?;
    ended(&server, "succeeded")?;
    let log = log_with(&server, &id, "second")?;
    for word in ["       first", "       second"] {
        assert_eq!(log.lines().filter(|line| *line == word).count(), 1, "{log}");
    }
    Ok(())
}

#[test]
fn a_cancelled_run_ends_its_steps() -> Result<()> {
    let server = Server::start()?;
    let workflow = r#"
on: push
jobs:
  long:
    runs-on: linux
    steps:
      - run: |
          trap 'echo interrupted; exit 1' INT
          echo first
          while true; do sleep 0.05; done
      - { if: cancelled(), run: echo tidied up }
"#;
    let repository = hello::create(&server)?;
    repository.write(WORKFLOW, workflow)?;
    repository.commit("wait")?;
    repository.push_with(&["-o", "detach", "solum", "main"])?;
    let id = hello::newest_run(&server)?["id"].as_str().context("an id")?.to_owned();
    log_with(&server, &id, "first")?;
    server.solum(&["run", "cancel", &id])?.require()?;
    ended(&server, "cancelled")?;
    let log = log_with(&server, &id, "tidied up")?;
    assert!(log.contains("interrupted"), "{log}");
    Ok(())
}

#[test]
fn actions_caches_and_artifacts_work_within_a_run_and_over_runs() -> Result<()> {
    let server = Server::start()?;
    let workflow = r#"
on: push
jobs:
  make:
    runs-on: linux
    steps:
      - uses: actions/checkout@v4
      - { id: cache, uses: actions/cache@v4, with: { path: ~/kept, key: "k-${{ hashFiles('Procfile') }}" } }
      - run: |
          echo "hit=${{ steps.cache.outputs.cache-hit }}"
          mkdir -p ~/kept && echo kept > ~/kept/file
      - { id: own, uses: ./actions/greet, with: { who: you } }
      - { id: js, uses: ./actions/js, with: { to-shout: quiet } }
      - run: |
          test "${{ steps.own.outputs.greeting }}" = "hello you"
          test "${{ steps.js.outputs.loud }}" = "QUIET"
          echo data > made.txt
      - { uses: actions/upload-artifact@v4, with: { name: made, path: made.txt } }
  use:
    needs: make
    runs-on: linux
    steps:
      - { uses: actions/download-artifact@v4, with: { name: made, path: got } }
      - run: test "$(cat got/made.txt)" = data
"#;
    let action = r#"
name: greet
inputs: { who: { default: nobody } }
outputs: { greeting: { value: "${{ steps.say.outputs.said }}" } }
runs:
  using: composite
  steps:
    - id: say
      shell: bash
      run: |
        test -f "$GITHUB_ACTION_PATH/action.yml"
        echo "said=hello ${{ inputs.who }}" >> "$GITHUB_OUTPUT"
"#;
    let javascript = r#"
name: shout
inputs: { to-shout: { required: true } }
outputs: { loud: { description: louder } }
runs: { using: node20, main: index.js, post: post.js }
"#;
    let index = "const fs = require('fs');\n\
        fs.appendFileSync(process.env.GITHUB_OUTPUT, `loud=${process.env['INPUT_TO-SHOUT'].toUpperCase()}\\n`);\n\
        fs.appendFileSync(process.env.GITHUB_STATE, 'was=main\\n');\n";
    let post = "console.log('after', process.env.STATE_was);\n";
    let files = [
        ("actions/greet/action.yml", action),
        ("actions/js/action.yml", javascript),
        ("actions/js/index.js", index),
        ("actions/js/post.js", post),
    ];
    let (repository, first) = push(&server, workflow, &files)?;
    let transcript = first.require()?.transcript();
    assert!(transcript.contains("       hit=\n"), "{transcript}");
    assert!(transcript.contains("after main"), "{transcript}");
    assert!(transcript.contains("Saved the cache k-"), "{transcript}");
    let got = repository.path().join("got");
    std::fs::create_dir(&got)?;
    let fetched = repository.solum(&["run", "download", "--dir", "got"])?.require()?;
    assert_eq!(fetched.stdout, "got/made.tar.gz\n");
    let unpacked = std::process::Command::new("tar")
        .args(["xzf", "made.tar.gz"])
        .current_dir(&got)
        .status()?;
    assert!(unpacked.success());
    assert_eq!(std::fs::read_to_string(got.join("made.txt"))?, "data\n");
    std::fs::remove_dir_all(&got)?;
    repository.write("note.txt", "again\n")?;
    repository.commit("again")?;
    let transcript = repository.push()?.require()?.transcript();
    assert!(transcript.contains("       hit=true\n"), "{transcript}");
    Ok(())
}

#[test]
fn a_box_without_a_network_has_none() -> Result<()> {
    let server = Server::start()?;
    let address = server.url().trim_start_matches("http://").replace(':', "/");
    let workflow = format!(
        r#"
on: push
jobs:
  with:
    runs-on: linux
    steps: [{{ shell: bash, run: "exec 3<>/dev/tcp/{address}" }}]
  without:
    runs-on: [linux, no-network]
    steps: [{{ shell: bash, run: "! (exec 3<>/dev/tcp/{address}) 2>&1" }}]
"#
    );
    let (_repository, push) = push(&server, &workflow, &[])?;
    push.require()?;
    Ok(())
}
