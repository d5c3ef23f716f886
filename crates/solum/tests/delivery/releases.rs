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
fn rollbacks_undo_one_pair_of_release_and_config_after_the_other() -> Result<()> {
    let server = Server::start()?;
    let repository = hello::deployed(&server)?;
    server.solum(&["config", "set", "hello", "GREETING=one"])?.require()?;
    hello::push_version(&repository, "v1", "v2")?;
    server.solum(&["config", "set", "hello", "GREETING=two"])?.require()?;
    assert_eq!(hello::answer(&server)?, "hello v2 two");
    for (answer, pair) in [
        ("hello v2 one", "v2 with config 1"),
        ("hello v1 one", "v1 with config 1"),
        ("hello v1", "v1 without config"),
    ] {
        let rolled_back = server.solum(&["rollback", "hello"])?.require()?;
        assert!(rolled_back.stderr.contains(pair), "{pair}: {rolled_back}");
        assert_eq!(hello::answer(&server)?, answer);
    }
    let bottom = server.solum(&["rollback", "hello"])?;
    assert!(!bottom.success() && bottom.stderr.contains("nothing before v1"), "{bottom}");
    assert!(bottom.stderr.contains("--to vN"), "{bottom}");

    server.solum(&["rollback", "hello", "--to", "v2"])?.require()?;
    assert_eq!(hello::answer(&server)?, "hello v2 one", "the config it was last deployed with");
    let config = server.solum_json(&["config", "list", "hello", "--json"])?;
    assert_eq!(config["variables"]["GREETING"], "one", "{config}");
    server.solum(&["rollback", "hello", "--to", "v1", "--config", "2"])?.require()?;
    assert_eq!(hello::answer(&server)?, "hello v1 two");
    let unknown = server.solum(&["rollback", "hello", "--config", "7"])?;
    assert!(!unknown.success() && unknown.stderr.contains("has no config 7"), "{unknown}");
    Ok(())
}

#[test]
fn config_that_does_not_start_is_kept_and_said_so_until_it_is_dropped() -> Result<()> {
    let server = Server::start()?;
    let repository = hello::create(&server)?;
    let procfile = r#"web: test "$GREETING" != bad && exec python3 server.py"#;
    repository.write("Procfile", procfile)?;
    repository.commit("refuse a greeting")?;
    repository.push()?.require()?;
    server.solum(&["config", "set", "hello", "GREETING=one"])?.require()?;
    let listed = server.solum(&["config", "list", "hello"])?.require()?;
    assert!(!listed.stderr.contains("not live"), "{listed}");

    let failed = server.solum(&["config", "set", "hello", "GREETING=bad"])?;
    assert!(!failed.success());
    for part in [
        "config 2 (GREETING) is kept but not live: config 1 is",
        "solum rollback hello --env dev --config 1",
    ] {
        assert!(failed.stderr.contains(part), "{part}: {failed}");
    }
    assert_eq!(hello::answer(&server)?, "hello v1 one");
    let listed = server.solum(&["config", "list", "hello"])?.require()?;
    assert!(listed.stderr.contains("not live: config 1 is"), "{listed}");
    repository.commit("nothing new")?;
    let pushed = repository.push()?;
    assert!(!pushed.success());
    assert!(pushed.transcript().contains("config 2 (GREETING) is kept"), "{}", pushed.output());

    server.solum(&["rollback", "hello", "--config", "1"])?.require()?;
    repository.push()?.require()?;
    assert_eq!(hello::answer(&server)?, "hello v1 one");
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
