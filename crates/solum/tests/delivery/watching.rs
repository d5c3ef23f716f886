//! Watching a run while the control plane is killed and comes back.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, Result};
use testkit::{Server, wait_until};

use crate::hello;

/// Enough for the kill to come while the app is being tested.
const TESTS_TAKE: &str = "test: { run: [\"echo testing; sleep 2; echo tested\"] }\n";

#[test]
fn who_watches_a_run_sees_all_of_it_although_the_control_plane_was_killed() -> Result<()> {
    let mut server = Server::start()?;
    let repository = hello::create(&server)?;
    repository.write("solum.yaml", TESTS_TAKE)?;
    repository.commit("take time to test")?;
    repository.push_with(&["-o", "detach", "solum", "main"])?.require()?;
    let run = hello::newest_run(&server)?;
    let id = run["id"].as_str().context("a run has an id")?;
    let mut watch = server.command();
    watch.args(["run", "watch", id]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut watch = watch.spawn()?;
    let mut lines = BufReader::new(watch.stdout.take().context("it is piped")?).lines();
    let mut seen = Vec::new();
    for line in lines.by_ref() {
        seen.push(line?);
        if seen.last().is_some_and(|line| line.trim() == "testing") {
            break;
        }
    }
    server.kill()?;
    server.restart()?;
    for line in lines {
        seen.push(line?);
    }
    let ended = wait_until("the watch to end", Duration::from_secs(60), || {
        watch.try_wait().ok().flatten()
    })?;
    let seen = seen.join("\n");
    assert!(ended.success(), "{seen}");
    let resumed =
        seen.find("The server was restarted; going on with test").context(seen.clone())?;
    assert!(seen[resumed..].contains("tested"), "{seen}");
    assert!(seen.contains("=====> Deployed hello v1 to dev"), "{seen}");
    let once = |what: &str| assert_eq!(seen.matches(what).count(), 1, "{what}: {seen}");
    once("=====> Deployed");
    assert_eq!(hello::answer(&server)?, "hello v1");
    Ok(())
}
