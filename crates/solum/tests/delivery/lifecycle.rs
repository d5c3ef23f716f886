//! Starting and ending servers.

use std::time::Duration;

use anyhow::Result;
use testkit::{Repository, Server, wait_until};

use crate::hello;

#[test]
fn stopping_the_server_leaves_its_apps_serving() -> Result<()> {
    let mut server = Server::start()?;
    let _repository = hello::deployed(&server)?;
    server.stop_control_plane()?;
    assert_eq!(hello::answer(&server)?, "hello v1");
    server.restart()?;
    assert_eq!(hello::answer(&server)?, "hello v1");
    Ok(())
}

#[test]
fn everything_ends_when_everything_is_told_to_and_comes_back_with_the_server() -> Result<()> {
    let mut server = Server::start()?;
    let _repository = hello::deployed(&server)?;
    let data = server.data_dir();
    let data = data.to_str().unwrap_or_default().to_owned();
    server.solum(&["server", "stop", "--all", "--data-dir", &data])?.require()?;
    server.wait_for_end(Duration::from_secs(10))?;
    assert!(server.processes().is_empty(), "{:?}", server.processes());
    server.restart()?;
    wait_until("the app to be back", Duration::from_secs(60), || hello::answer(&server).ok())?;
    Ok(())
}

#[test]
fn an_instance_whose_shim_was_killed_is_started_anew() -> Result<()> {
    let server = Server::start()?;
    let _repository = hello::deployed(&server)?;
    let shim = server
        .processes()
        .into_iter()
        .find(|process| process.is_solum("shim"))
        .expect("an instance has a shim");
    let killed =
        std::process::Command::new("kill").args(["-KILL", &shim.pid.to_string()]).status()?;
    assert!(killed.success());
    wait_until("the app to answer again", Duration::from_secs(60), || {
        let another = server
            .processes()
            .into_iter()
            .any(|process| process.is_solum("shim") && process.pid != shim.pid);
        (another && hello::answer(&server).is_ok()).then_some(())
    })
}

#[test]
fn a_second_server_in_the_same_directory_is_refused() -> Result<()> {
    let server = Server::start()?;
    let data = server.data_dir();
    let data = data.to_str().unwrap_or_default();
    let refused = server.solum(&["server", "--data-dir", data, "--listen", "127.0.0.1:0"])?;
    assert!(!refused.success());
    assert!(refused.stderr.contains("another server works in"), "{}", refused.stderr);
    Ok(())
}

#[test]
fn whoever_clones_an_app_can_look_at_it_and_push() -> Result<()> {
    let server = Server::start()?;
    let made = server.solum(&["app", "create", "hello"])?.require()?;
    let next = made.stdout.lines().last().unwrap_or_default().to_owned();
    assert_eq!(next, "solum app clone hello", "whoever has no work tree needs one");
    let repository = Repository::clone_of(&server, "hello")?;
    repository.write("index.html", "hello clone")?;
    repository.commit("say hello")?;
    repository.push()?.require()?;
    assert_eq!(hello::answer(&server)?, "hello clone");
    let listed = repository.solum(&["ps"])?.require()?;
    assert!(listed.stdout.contains("running"), "{listed}");
    Ok(())
}

#[test]
fn a_deleted_app_leaves_nothing_behind() -> Result<()> {
    let server = Server::start()?;
    let _repository = hello::deployed(&server)?;
    server.solum(&["app", "delete", "hello", "--yes"])?.require()?;
    wait_until("the app to be gone", Duration::from_secs(60), || {
        let apps = server.solum_json(&["app", "list", "--json"]).ok()?;
        apps.as_array()?.is_empty().then_some(())
    })?;
    assert_eq!(server.get("hello-dev.localhost", "/")?.status, 404);
    assert!(!server.processes().iter().any(|process| process.is_solum("shim")));
    assert!(!server.data_dir().join("repositories/hello.git").exists());
    let repository = hello::create(&server)?;
    repository.push()?.require()?;
    assert_eq!(hello::answer(&server)?, "hello v1");
    Ok(())
}
