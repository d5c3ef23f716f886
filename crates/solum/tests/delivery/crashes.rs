//! The control plane is killed at every place where it could lose something.
//!
//! A failpoint, compiled into debug builds, kills it right after the N-th journal record or the N-th commit. Started
//! again it has to bring the same run to the same end, with nobody pushing again.

use std::time::Duration;

use anyhow::{Result, ensure};
use testkit::{Repository, Server, wait_until};

use crate::hello;

/// Everything that the end of a push consists of.
#[derive(Debug, PartialEq, Eq)]
struct End {
    answer: String,
    runs: Vec<(String, String)>,
    releases: Vec<String>,
    deployments: Vec<(String, String)>,
    branch: String,
    instances: Vec<String>,
    release_commands: usize,
}

fn end(server: &Server, repository: &Repository) -> Result<End> {
    let texts = |value: &serde_json::Value, fields: [&str; 2]| -> Vec<(String, String)> {
        let text =
            |row: &serde_json::Value, field| row[field].as_str().unwrap_or_default().to_owned();
        let rows = value.as_array().into_iter().flatten();
        rows.map(|row| (text(row, fields[0]), text(row, fields[1]))).collect()
    };
    let runs = server.solum_json(&["run", "list", "--json"])?;
    let releases = server.solum_json(&["release", "list", "hello", "--json"])?;
    let environment = server.solum_json(&["env", "show", "hello", "dev", "--json"])?;
    let instances = server.solum_json(&["ps", "hello", "--json"])?;
    let branch = repository.git(&["ls-remote", "solum", "refs/heads/main"])?.stdout;
    let log = server.solum(&["exec", "hello", "--", "cat", "/data/log"])?.require()?;
    Ok(End {
        answer: hello::answer(server)?,
        runs: texts(&runs, ["status", "commit"]),
        releases: texts(&releases, ["version", "commit"]).into_iter().map(|(v, _)| v).collect(),
        deployments: texts(&environment["deployments"], ["release", "state"]),
        branch: branch.split_whitespace().next().unwrap_or_default().to_owned(),
        instances: texts(&instances, ["name", "state"]).into_iter().map(|(name, _)| name).collect(),
        release_commands: log.stdout.lines().count(),
    })
}

/// An app whose first version serves, and a second one that is committed and waits to be pushed.
struct Prepared {
    server: Server,
    repository: Repository,
}

fn prepare() -> Result<Prepared> {
    let server = Server::start()?;
    let repository = hello::create(&server)?;
    repository
        .write("solum.yaml", "release: echo migrated >> /data/log\ntest: { run: [\"true\"] }\n")?;
    repository.commit("migrate")?;
    repository.push()?.require()?;
    repository.edit("server.py", "hello v1", "hello v2")?;
    repository.commit("say v2")?;
    Ok(Prepared { server, repository })
}

#[derive(Debug, PartialEq, Eq)]
enum Killed {
    /// While the server was starting: nobody has pushed.
    AtStart,
    DuringPush,
    /// The push ended before the failpoint was reached.
    Never,
}

/// Pushes with a failpoint armed.
fn push_until_killed(prepared: &mut Prepared, failpoint: &str) -> Result<Killed> {
    let Prepared { server, repository } = prepared;
    server.stop_control_plane()?;
    if server.restart_with(vec![("SOLUM_FAILPOINT".to_owned(), failpoint.to_owned())]).is_err() {
        return Ok(Killed::AtStart);
    }
    let push = repository.push()?;
    if push.success() {
        return Ok(Killed::Never);
    }
    server.wait_for_end(Duration::from_secs(30))?;
    Ok(Killed::DuringPush)
}

/// Starts the server again, and waits until nothing is under way.
fn recover(prepared: &mut Prepared) -> Result<()> {
    let Prepared { server, .. } = prepared;
    server.restart_with(Vec::new())?;
    wait_until("every run to end", Duration::from_secs(60), || {
        let runs = server.solum_json(&["run", "list", "--json"]).ok()?;
        let ended = runs.as_array()?.iter().all(|run| {
            ["succeeded", "failed", "cancelled"]
                .contains(&run["status"].as_str().unwrap_or_default())
        });
        ended.then_some(())
    })?;
    wait_until("one instance to be left", Duration::from_secs(60), || {
        let instances = server.solum_json(&["ps", "hello", "--json"]).ok()?;
        (instances.as_array()?.len() == 1).then_some(())
    })
}

fn undisturbed() -> Result<End> {
    let Prepared { server, repository } = prepare()?;
    repository.push()?.require()?;
    wait_until("one instance to be left", Duration::from_secs(60), || {
        let instances = server.solum_json(&["ps", "hello", "--json"]).ok()?;
        (instances.as_array()?.len() == 1).then_some(())
    })?;
    end(&server, &repository)
}

/// Kills at 1, 2, 3, … until a push gets through; gives how often it was killed.
fn kill_at_each(kind: &str, stride: usize, most: usize) -> Result<usize> {
    let mut expected = undisturbed()?;
    for (killed, number) in (1..=most).step_by(stride).enumerate() {
        let mut prepared = prepare()?;
        match push_until_killed(&mut prepared, &format!("{kind}:{number}"))? {
            Killed::Never => {
                ensure!(killed > 0, "the failpoint never fired");
                return Ok(killed);
            }
            Killed::AtStart => {
                prepared.server.restart_with(Vec::new())?;
                prepared.repository.push()?.require()?;
                prepared.server.kill()?;
            }
            Killed::DuringPush => {}
        }
        recover(&mut prepared)?;
        let actual = end(&prepared.server, &prepared.repository)?;
        if actual.runs.len() < expected.runs.len() {
            // Killed before the push was recorded: then nothing of it may be there.
            assert_eq!(actual.answer, "hello v1", "{kind}:{number}");
            assert_ne!(actual.branch, prepared.repository.head()?, "{kind}:{number}");
            continue;
        }
        // Commits have other names in another repository.
        expected.branch.clone_from(&prepared.repository.head()?);
        for (run, expected) in actual.runs.iter().zip(&mut expected.runs) {
            expected.1.clone_from(&run.1);
        }
        assert_eq!(actual, expected, "{kind}:{number}: {}", prepared.server.log());
    }
    anyhow::bail!("after {most} the push still does not get through")
}

#[test]
fn killed_after_any_journal_record_the_same_run_ends_as_if_nothing_had_been() -> Result<()> {
    let killed = kill_at_each("journal", 1, 60)?;
    println!("killed after each of {killed} journal records");
    assert!(killed >= 12, "a push leaves at least a dozen records, and {killed} were tried");
    Ok(())
}

/// Every commit is a superset of every record: deployments, instances and changes too. The full count by `SOLUM_TEST_FULL=1`.
#[test]
fn killed_after_any_commit_nothing_is_lost_and_nothing_is_done_twice() -> Result<()> {
    let stride = if std::env::var_os("SOLUM_TEST_FULL").is_some() { 1 } else { 4 };
    let killed = kill_at_each("commit", stride, 120)?;
    println!("killed after {killed} commits");
    Ok(())
}
