//! Releases, config and the way back.

use std::fs::File;

use anyhow::Result;
use testkit::Server;

use crate::hello;

#[test]
fn a_rollback_brings_the_last_release_back_without_building() -> Result<()> {
    let server = Server::start()?;
    let repository = hello::deployed(&server)?;
    hello::push_version(&repository, "v1", "v2")?;
    let rolled_back = server.solum(&["rollback", "hello"])?.require()?;
    let said = format!("{}{}", rolled_back.stdout, rolled_back.stderr);
    assert!(!said.contains("Building"), "{said}");
    assert_eq!(hello::answer(&server)?, "hello v1");
    server.solum(&["rollback", "hello", "--to", "v2"])?.require()?;
    assert_eq!(hello::answer(&server)?, "hello v2");
    let releases = server.solum_json(&["release", "list", "hello", "--json"])?;
    assert_eq!(releases.as_array().map(Vec::len), Some(2), "going back makes no release");
    Ok(())
}

#[test]
fn a_rollback_restores_the_config_of_the_pair() -> Result<()> {
    let server = Server::start()?;
    let repository = hello::deployed(&server)?;
    server.solum(&["config", "set", "hello", "GREETING=one"])?.require()?;
    assert_eq!(hello::answer(&server)?, "hello v1 one");
    hello::push_version(&repository, "v1", "v2")?;
    server.solum(&["config", "set", "hello", "GREETING=two"])?.require()?;
    assert_eq!(hello::answer(&server)?, "hello v2 two");
    server.solum(&["rollback", "hello"])?.require()?;
    assert_eq!(hello::answer(&server)?, "hello v1 one");
    let config = server.solum_json(&["config", "list", "hello", "--json"])?;
    assert_eq!(config["variables"]["GREETING"], "one", "{config}");
    Ok(())
}

#[test]
fn there_is_nothing_to_go_back_to_after_the_first_release() -> Result<()> {
    let server = Server::start()?;
    let _repository = hello::deployed(&server)?;
    let refused = server.solum(&["rollback", "hello"])?;
    assert!(!refused.success());
    assert!(refused.stderr.contains("nothing before v1"), "{}", refused.stderr);
    assert_eq!(hello::answer(&server)?, "hello v1");
    Ok(())
}

#[test]
fn config_that_is_unset_is_gone_and_nothing_is_deployed_for_no_change() -> Result<()> {
    let server = Server::start()?;
    let _repository = hello::deployed(&server)?;
    server.solum(&["config", "set", "hello", "GREETING=one"])?.require()?;
    let runs = || {
        Ok::<_, anyhow::Error>(
            server.solum_json(&["run", "list", "--json"])?.as_array().map(Vec::len),
        )
    };
    let before = runs()?;
    server.solum(&["config", "set", "hello", "GREETING=one"])?.require()?;
    assert_eq!(runs()?, before, "the same value again is no change");
    server.solum(&["config", "unset", "hello", "GREETING"])?.require()?;
    assert_eq!(hello::answer(&server)?, "hello v1");
    Ok(())
}

#[test]
fn config_can_be_set_before_the_first_push() -> Result<()> {
    let server = Server::start()?;
    let repository = hello::create(&server)?;
    server.solum(&["config", "set", "hello", "GREETING=early"])?.require()?;
    repository.push()?.require()?;
    assert_eq!(hello::answer(&server)?, "hello v1 early");
    Ok(())
}

#[test]
fn somebody_elses_bundle_goes_through_the_same_door() -> Result<()> {
    let server = Server::start()?;
    let repository = hello::deployed(&server)?;
    repository.edit("server.py", "hello v1", "hello bundle")?;
    let bundle = server.directory().join("bundle.tar.gz");
    let packed = std::process::Command::new("tar")
        .args(["--create", "--gzip", "--exclude=.git", "--directory"])
        .arg(repository.path())
        .arg(".")
        .stdout(File::create(&bundle)?)
        .status()?;
    assert!(packed.success());
    let path = bundle.to_str().unwrap_or_default();
    server.solum(&["deploy", "hello", "--env", "dev", "--artifact", path])?.require()?;
    assert_eq!(hello::answer(&server)?, "hello bundle");
    let releases = server.solum_json(&["release", "list", "hello", "--json"])?;
    assert_eq!(releases[0]["version"], "v2", "{releases}");
    server.solum(&["deploy", "hello", "--env", "dev", "--release", "v1"])?.require()?;
    assert_eq!(hello::answer(&server)?, "hello v1");
    Ok(())
}

#[test]
fn a_bundle_that_says_nothing_of_its_processes_is_refused() -> Result<()> {
    let server = Server::start()?;
    let _repository = hello::deployed(&server)?;
    let bundle = server.directory().join("empty.tar.gz");
    let packed = std::process::Command::new("tar")
        .args(["--create", "--gzip", "--directory", "/etc", "hostname"])
        .stdout(File::create(&bundle)?)
        .status()?;
    assert!(packed.success());
    let path = bundle.to_str().unwrap_or_default();
    let refused = server.solum(&["deploy", "hello", "--artifact", path])?;
    assert!(!refused.success());
    assert!(refused.stderr.contains("neither a Procfile nor a solum.yaml"), "{}", refused.stderr);
    assert_eq!(hello::answer(&server)?, "hello v1");
    Ok(())
}

#[test]
fn the_ledger_of_an_environment_tells_releases_and_config() -> Result<()> {
    let server = Server::start()?;
    let repository = hello::deployed(&server)?;
    server.solum(&["config", "set", "hello", "GREETING=one"])?.require()?;
    hello::push_version(&repository, "v1", "v2")?;
    let shown = server.solum_json(&["env", "show", "hello", "dev", "--json"])?;
    let deployments = shown["deployments"].as_array().cloned().unwrap_or_default();
    let releases: Vec<_> = deployments.iter().map(|d| d["release"].clone()).collect();
    assert_eq!(releases, ["v2", "v1", "v1"], "{shown}");
    assert_eq!(shown["config_revisions"][0]["changed"][0], "GREETING", "{shown}");
    assert_eq!(shown["current"]["release"], "v2", "{shown}");
    Ok(())
}
