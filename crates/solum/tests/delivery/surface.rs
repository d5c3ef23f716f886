//! The surface that outside checks rely on: files, exit statuses, shapes.

use std::os::unix::fs::PermissionsExt as _;

use anyhow::Result;
use testkit::Server;

use crate::hello;

#[test]
fn the_data_directory_tells_where_the_server_is_and_how_to_get_in() -> Result<()> {
    let server = Server::start()?;
    let endpoints = std::fs::read_to_string(server.data_dir().join("endpoints.json"))?;
    let endpoints: serde_json::Value = serde_json::from_str(&endpoints)?;
    assert!(endpoints["api"].as_str().is_some_and(|url| url.starts_with("http://127.0.0.1:")));
    assert!(endpoints["router"].as_str().is_some_and(|url| url.starts_with("http://127.0.0.1:")));
    let token = std::fs::metadata(server.data_dir().join("admin.token"))?;
    assert_eq!(token.permissions().mode() & 0o777, 0o600);
    Ok(())
}

#[test]
fn ports_that_were_chosen_once_stay() -> Result<()> {
    let mut server = Server::start()?;
    let (api, router) = (server.url().to_owned(), server.router_url().to_owned());
    server.stop_control_plane()?;
    server.restart()?;
    assert_eq!((server.url(), server.router_url()), (api.as_str(), router.as_str()));
    Ok(())
}

#[test]
fn runs_are_listed_newest_first_with_what_was_promised() -> Result<()> {
    let server = Server::start()?;
    let repository = hello::deployed(&server)?;
    hello::push_version(&repository, "v1", "v2")?;
    let runs = server.solum_json(&["run", "list", "--json"])?;
    let runs = runs.as_array().cloned().unwrap_or_default();
    assert_eq!(runs.len(), 2);
    assert_eq!(runs[0]["commit"], repository.head()?);
    for run in &runs {
        for field in ["id", "app", "status", "commit", "created_at"] {
            assert!(run[field].is_string(), "{field} of {run}");
        }
        assert_eq!(run["status"], "succeeded");
    }
    assert!(runs[0]["created_at"].as_str() > runs[1]["created_at"].as_str());
    Ok(())
}

#[test]
fn exit_statuses_tell_failure_from_wrong_usage() -> Result<()> {
    let server = Server::start()?;
    assert_eq!(server.solum(&["app", "show", "nobody"])?.status.code(), Some(1));
    assert_eq!(server.solum(&["app", "shove"])?.status.code(), Some(2));
    assert_eq!(server.solum(&["app", "list"])?.status.code(), Some(0));
    Ok(())
}

#[test]
fn an_app_may_be_left_out_inside_its_repository() -> Result<()> {
    let server = Server::start()?;
    let repository = hello::deployed(&server)?;
    let status = repository.solum(&["status"])?.require()?;
    assert!(status.stdout.contains("hello"), "{}", status.stdout);
    Ok(())
}

#[test]
fn a_cancelled_run_ends_and_what_served_still_does() -> Result<()> {
    let server = Server::start()?;
    let repository = hello::deployed(&server)?;
    repository.write("solum.yaml", "test: { run: [\"sleep 600\"] }\n")?;
    repository.commit("tests that take long")?;
    repository.push_with(&["-o", "detach", "solum", "main"])?.require()?;
    let run = hello::newest_run(&server)?;
    let id = run["id"].as_str().unwrap_or_default();
    server.solum(&["run", "cancel", id])?.require()?;
    testkit::wait_until("the run to be cancelled", std::time::Duration::from_secs(30), || {
        hello::newest_run(&server).ok().filter(|run| run["status"] == "cancelled")
    })?;
    assert_eq!(hello::answer(&server)?, "hello v1");
    let sleeping = server
        .processes()
        .into_iter()
        .any(|process| process.arguments.iter().any(|word| word.contains("sleep 600")));
    assert!(!sleeping, "nothing of it is left");
    Ok(())
}

#[test]
fn commands_pass_on_how_things_are_and_how_they_ended() -> Result<()> {
    let server = Server::start()?;
    let repository = hello::deployed(&server)?;
    let ended = repository.solum(&["exec", "--", "sh", "-c", "exit 7"])?;
    assert_eq!(ended.status.code(), Some(7), "{ended}");
    let unknown = repository.solum(&["logs", "--process", "nope"])?;
    assert!(!unknown.success() && unknown.stderr.contains("it has: web"), "{unknown}");
    let releases = repository.solum(&["release", "list", "--json"])?.json()?;
    assert_eq!(releases[0]["live_in"][0], "dev", "{releases}");
    assert_eq!(releases[0]["has_served"], true, "{releases}");
    assert_eq!(server.solum(&["version"])?.stdout, server.solum(&["--version"])?.stdout);
    assert_eq!(server.solum(&["router", "--workers", "0"])?.status.code(), Some(2));
    assert!(server.solum(&["help", "rollback"])?.require()?.stdout.contains("--config"));
    Ok(())
}
