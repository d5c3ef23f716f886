//! The control plane is killed after each journal record of a run whose steps write to a ledger outside: every step has
//! its effect once, and the run ends as if nothing had been.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use testkit::{Repository, Server, wait_until};

use crate::hello;
use crate::jobs::WORKFLOW;

/// Takes a line on each connection, keeps it and answers `ok`. Its thread ends with the test's process.
struct Ledger {
    address: SocketAddr,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Ledger {
    fn open() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let lines = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&lines);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mut line = String::new();
                if BufReader::new(&stream).read_line(&mut line).is_ok() {
                    kept.lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push(line.trim().to_owned());
                    let _ = (&stream).write_all(b"ok\n");
                }
            }
        });
        Ok(Self { address, lines })
    }

    /// How often each step of a commit was there.
    fn of(&self, commit: &str) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for line in self.lines.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            if let Some(step) = line.strip_prefix(commit) {
                *counts.entry(step.trim().to_owned()).or_default() += 1;
            }
        }
        counts
    }
}

/// Steps after each other and side by side, in a composite action, one that fails and is allowed to, one that is tried again,
/// and one that tidies up.
fn workflow(ledger: SocketAddr) -> String {
    let address = ledger.to_string().replace(':', "/");
    format!(
        r#"
on: push
defaults: {{ run: {{ shell: "bash -eo pipefail {{0}}" }} }}
env:
  NOTE: 'exec 3<>/dev/tcp/{address}; echo "$GITHUB_SHA $STEP" >&3; read -r answer <&3; test "$answer" = ok'
jobs:
  first:
    runs-on: linux
    outputs: {{ word: "${{{{ steps.say.outputs.word }}}}" }}
    steps:
      - {{ id: say, env: {{ STEP: say }}, run: 'eval "$NOTE"; echo word=there >> $GITHUB_OUTPUT' }}
      - {{ continue-on-error: true, env: {{ STEP: allowed }}, run: 'eval "$NOTE"; exit 1' }}
      - id: again
        retry: {{ attempts: 2, backoff: 0s }}
        env: {{ STEP: again }}
        run: 'eval "$NOTE"; if test -e ~/tried; then exit 0; fi; touch ~/tried; exit 1'
  legs:
    needs: first
    runs-on: linux
    strategy: {{ matrix: {{ leg: [a, b] }} }}
    steps:
      - {{ env: {{ STEP: "leg-${{{{ matrix.leg }}}}-${{{{ needs.first.outputs.word }}}}" }}, run: 'eval "$NOTE"' }}
  last:
    needs: legs
    if: always()
    runs-on: linux
    steps:
      - {{ uses: actions/checkout@v4 }}
      - {{ uses: ./note, with: {{ step: composite }} }}
      - {{ if: always(), env: {{ STEP: tidy }}, run: 'eval "$NOTE"' }}
"#
    )
}

const ACTION: &str = r#"
inputs: { step: { required: true } }
runs:
  using: composite
  steps:
    - { shell: bash, env: { STEP: "${{ inputs.step }}" }, run: 'eval "$NOTE"' }
"#;

fn expected() -> BTreeMap<String, usize> {
    let once = ["say", "allowed", "leg-a-there", "leg-b-there", "composite", "tidy"];
    let once = once.into_iter().map(|step| (step.to_owned(), 1));
    once.chain([("again".to_owned(), 2)]).collect()
}

/// How every job and step of a run ended.
fn end(server: &Server, run: &str) -> Result<Vec<(String, String)>> {
    let run = server.solum_json(&["run", "show", run, "--json"])?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut all = vec![("run".to_owned(), text(&run["status"]))];
    for job in run["jobs"].as_array().context("jobs")? {
        all.push((text(&job["name"]), text(&job["conclusion"])));
        for step in job["steps"].as_array().context("steps")? {
            let name = format!("{}/{}", text(&job["name"]), text(&step["name"]));
            all.push((name, text(&step["conclusion"])));
        }
    }
    Ok(all)
}

/// The run of the commit, when it has ended.
fn ended(server: &Server, commit: &str) -> Result<String> {
    wait_until("the run of the commit to end", Duration::from_secs(120), || {
        run_that_ended(server, commit)
    })
}

/// The same, or nothing when the server has died before.
fn ended_alive(server: &mut Server, commit: &str) -> Result<Option<String>> {
    wait_until("the run or the server to end", Duration::from_secs(120), || {
        if server.wait_for_end(Duration::from_millis(10)).is_ok() {
            return Some(None);
        }
        run_that_ended(server, commit).map(Some)
    })
}

fn run_that_ended(server: &Server, commit: &str) -> Option<String> {
    let runs = server.solum_json(&["run", "list", "--json"]).ok()?;
    let run = runs.as_array()?.iter().find(|run| run["commit"] == commit)?;
    let is_over = ["succeeded", "failed", "cancelled"].contains(&run["status"].as_str()?);
    is_over.then(|| run["id"].as_str().unwrap_or_default().to_owned())
}

fn commit(repository: &Repository, number: usize) -> Result<String> {
    repository.write("number.txt", &format!("{number}\n"))?;
    repository.commit(&format!("number {number}"))?;
    repository.head()
}

fn push(repository: &Repository) -> Result<bool> {
    let push = repository.push_with(&["-o", "detach", "solum", "main"])?;
    Ok(push.output().contains("goes on without you"))
}

/// The full count by `SOLUM_TEST_FULL=1`.
#[test]
fn killed_after_any_record_every_step_has_its_effect_once() -> Result<()> {
    let stride = if std::env::var_os("SOLUM_TEST_FULL").is_some() { 1 } else { 5 };
    let ledger = Ledger::open()?;
    let mut server = Server::start()?;
    let repository = hello::create(&server)?;
    repository.write(WORKFLOW, &workflow(ledger.address))?;
    repository.write("note/action.yml", ACTION)?;
    let undisturbed = commit(&repository, 0)?;
    ensure!(push(&repository)?, "the push was not taken");
    let wanted = end(&server, &ended(&server, &undisturbed)?)?;
    assert_eq!(wanted[0].1, "succeeded", "{wanted:?}: {}", server.log());
    assert_eq!(ledger.of(&undisturbed), expected());
    for (killed, number) in (1..200).step_by(stride).enumerate() {
        let commit = commit(&repository, number)?;
        server.stop_control_plane()?;
        let failpoint = ("SOLUM_FAILPOINT".to_owned(), format!("journal:{number}"));
        server.restart_with(vec![failpoint])?;
        let taken = push(&repository)?;
        if let Some(run) = ended_alive(&mut server, &commit)? {
            assert_eq!(end(&server, &run)?, wanted);
            ensure!(killed > 0, "the failpoint never fired");
            println!("killed after {killed} of {number} records");
            return Ok(());
        }
        server.restart_with(Vec::new())?;
        let is_there = server
            .solum_json(&["run", "list", "--json"])?
            .as_array()
            .is_some_and(|runs| runs.iter().any(|run| run["commit"] == commit.as_str()));
        ensure!(is_there || !taken, "a push was taken and lost");
        if !is_there {
            ensure!(push(&repository)?, "the push was not taken the second time");
        }
        let run = ended(&server, &commit)?;
        assert_eq!(end(&server, &run)?, wanted, "journal:{number}: {}", server.log());
        assert_eq!(ledger.of(&commit), expected(), "journal:{number}: {}", server.log());
    }
    anyhow::bail!("after 200 records the run still does not get through")
}
