//! Disks that run full: what filled them ends or can be cleared, and the server goes on.

use std::time::Duration;

use anyhow::{Context as _, Result};
use testkit::{Repository, Server, ServerOptions, SmallDisk, wait_until};

use crate::hello;

const DISK: u64 = 900 << 20;

/// A server whose data is all on a small disk.
fn start(disk: &SmallDisk) -> Result<Server> {
    let directory = tempfile::Builder::new().prefix("solum-test-").tempdir_in(disk.path())?.keep();
    Server::start_with(ServerOptions { directory: Some(directory), ..ServerOptions::default() })
}

#[test]
fn a_build_that_fills_the_disk_fails_by_name_and_the_next_one_works() -> Result<()> {
    let Some(disk) = SmallDisk::mount(DISK)? else { return Ok(()) };
    let server = start(&disk)?;
    let repository = Repository::from_files(
        &server,
        &[
            ("server.py", hello::SERVER),
            ("Procfile", hello::PROCFILE),
            ("solum.yaml", "build: dd if=/dev/zero of=big bs=1M count=2000\n"),
        ],
    )?;
    repository.create_app("hello")?;
    let before = disk.free_bytes()?;
    let push = repository.push()?;
    assert!(!push.success(), "{}", push.output());
    assert!(push.transcript().contains("the server's disk ran full"), "{}", push.output());
    let run = hello::newest_run(&server)?;
    assert_eq!(run["status"], "failed", "{run}");
    let id = run["id"].as_str().context("it has an id")?;
    let shown = server.solum_json(&["run", "show", id, "--json"])?;
    assert!(shown.to_string().contains("\"disk_full\""), "{shown}");
    assert!(before - disk.free_bytes()? < 16 << 20, "what it wrote is gone");
    repository.write("solum.yaml", "build: echo small > small\n")?;
    repository.commit("write less")?;
    repository.push()?.require()?;
    assert_eq!(hello::answer(&server)?, "hello v1");
    Ok(())
}

#[test]
fn a_disk_that_an_app_filled_is_cleared_by_its_owner() -> Result<()> {
    let Some(disk) = SmallDisk::mount(DISK)? else { return Ok(()) };
    let mut server = start(&disk)?;
    let _repository = hello::deployed(&server)?;
    let fill = "dd if=/dev/zero of=/data/x bs=1M count=2000 2>&1 | grep -o 'No space left'";
    let filled = server.solum(&["exec", "hello", "--", "sh", "-c", fill])?;
    assert!(filled.stdout.contains("No space left"), "{filled}");
    // In the room that is kept for this case. What is asked for now is done, or refused in words.
    let create = server.solum(&["app", "create", "other"])?;
    assert!(create.success() || create.stderr.contains("disk is nearly full"), "{create}");
    server.kill()?;
    server.restart()?;
    assert_eq!(hello::answer(&server)?, "hello v1");
    // A file system may give room back a moment after a file has gone, as its journal goes on: the ballast's too.
    wait_until("the owner has made room", Duration::from_secs(60), || {
        let removed = server.solum(&["exec", "hello", "--", "rm", "-f", "/data/x"]).ok()?;
        removed.success().then_some(())
    })
    .with_context(|| server.log())?;
    assert!(disk.free_bytes()? > 512 << 20);
    server.solum(&["scale", "hello", "web=2"])?.require()?;
    Ok(())
}
