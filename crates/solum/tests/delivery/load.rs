//! Nothing is lost: requests under load, through everything that happens to a server.

use std::time::Duration;

use anyhow::Result;
use testkit::{Load, LoadPlan, Server};

use crate::hello;

/// Deploys in a row; the full count by `SOLUM_TEST_FULL=1`.
fn rounds() -> usize {
    if std::env::var_os("SOLUM_TEST_FULL").is_some() { 50 } else { 5 }
}

#[test]
fn no_request_fails_through_deploys_rollback_crashes_and_a_new_router() -> Result<()> {
    let mut server = Server::start()?;
    let repository = hello::deployed(&server)?;
    let load = Load::start(server.router_address()?, "hello-dev.localhost", &LoadPlan::default());
    load.wait_for(100, Duration::from_secs(60))?;

    for round in 1..=rounds() {
        hello::push_version(&repository, &format!("v{round}"), &format!("v{}", round + 1))?;
        load.wait_for(50, Duration::from_secs(60))?;
    }
    server.solum(&["rollback", "hello"])?.require()?;
    load.wait_for(100, Duration::from_secs(60))?;

    // Between two deploys.
    server.kill()?;
    load.wait_for(100, Duration::from_secs(60))?;
    server.restart()?;
    load.wait_for(100, Duration::from_secs(60))?;

    // In the middle of one.
    let last = rounds() + 1;
    repository.edit("server.py", &format!("hello v{last}"), "hello last")?;
    repository.commit("say last")?;
    let pushed = repository.push_watched(&["solum", "main"], &mut |line| {
        if line.contains("Starting web") {
            // The push notices by itself that its server is gone.
            let _ = server.kill();
        }
    })?;
    assert!(!pushed.success(), "the server died under it: {}", pushed.output());
    load.wait_for(100, Duration::from_secs(60))?;
    server.restart()?;
    testkit::wait_until("the run to go on to its end", Duration::from_secs(60), || {
        hello::newest_run(&server).ok().filter(|run| run["status"] == "succeeded")
    })?;
    load.wait_for(100, Duration::from_secs(60))?;

    // A router of the same version is enough: what takes over is a new process.
    let data = server.data_dir();
    let data = data.to_str().unwrap_or_default();
    let listen = server.router_address()?.to_string();
    server.solum(&["router", "--detach", "--data-dir", data, "--listen", &listen])?.require()?;
    load.wait_for(200, Duration::from_secs(60))?;
    hello::push_version(&repository, "last", "after the router")?;
    load.wait_for(100, Duration::from_secs(60))?;

    let report = load.stop();
    println!("{report}");
    assert_eq!(report.failures, 0, "{report}");
    assert_eq!(hello::answer(&server)?, "hello after the router");
    Ok(())
}
