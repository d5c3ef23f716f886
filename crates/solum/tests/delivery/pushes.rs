use anyhow::Result;
use testkit::{Server, wait_until};

use crate::hello;
use std::time::Duration;

#[test]
fn a_push_ends_with_the_app_on_the_air_and_the_branch_moved() -> Result<()> {
    let server = Server::start()?;
    let repository = hello::create(&server)?;
    let push = repository.push()?.require()?;
    let transcript = push.transcript();
    assert!(transcript.contains("-----> Building"), "{transcript}");
    assert!(transcript.contains("=====> Deployed hello v1 to dev"), "{transcript}");
    let last = transcript.lines().rfind(|line| !line.is_empty()).unwrap_or_default();
    assert!(last.starts_with("       http://hello-dev.localhost:"), "{transcript}");
    assert_eq!(hello::answer(&server)?, "hello v1");
    let head = repository.head()?;
    let remote = repository.git(&["ls-remote", "solum", "refs/heads/main"])?;
    assert!(remote.stdout.starts_with(&head), "{}", remote.stdout);
    Ok(())
}

#[test]
fn a_change_is_pushed_again_and_answers() -> Result<()> {
    let server = Server::start()?;
    let repository = hello::deployed(&server)?;
    hello::push_version(&repository, "v1", "v2")?;
    assert_eq!(hello::answer(&server)?, "hello v2");
    Ok(())
}

#[test]
fn a_broken_push_is_refused_and_the_old_version_still_answers() -> Result<()> {
    let server = Server::start()?;
    let repository = hello::deployed(&server)?;
    let before = repository.head()?;
    repository.edit("server.py", "import http.server", "import http.sever")?;
    repository.commit("a syntax error, nearly")?;
    let push = repository.push()?;
    assert!(!push.success());
    let transcript = push.transcript();
    assert!(transcript.contains("No module named 'http.sever'"), "{transcript}");
    assert!(transcript.contains("web.1 did not come up"), "{transcript}");
    assert!(push.output().contains("[remote rejected]"), "{}", push.output());
    assert_eq!(hello::answer(&server)?, "hello v1");
    let remote = repository.git(&["ls-remote", "solum", "refs/heads/main"])?;
    assert!(remote.stdout.starts_with(&before), "the branch has not moved: {}", remote.stdout);
    Ok(())
}

#[test]
fn a_broken_push_can_be_mended_by_the_next_one() -> Result<()> {
    let server = Server::start()?;
    let repository = hello::deployed(&server)?;
    repository.edit("Procfile", "server.py", "nothing.py")?;
    repository.commit("start nothing")?;
    assert!(!repository.push()?.success());
    repository.edit("Procfile", "nothing.py", "server.py")?;
    hello::push_version(&repository, "v1", "v2")?;
    assert_eq!(hello::answer(&server)?, "hello v2");
    Ok(())
}

#[test]
fn a_detached_push_ends_at_once_and_its_run_goes_on() -> Result<()> {
    let server = Server::start()?;
    let repository = hello::create(&server)?;
    let push = repository.push_with(&["-o", "detach", "solum", "main"])?.require()?;
    assert!(push.transcript().contains("goes on without you"), "{}", push.transcript());
    assert!(push.output().contains("refs/changes/1/head"), "{}", push.output());
    assert!(push.transcript().contains("main moves to this commit when it is live"));
    wait_until("the app to answer", Duration::from_secs(60), || {
        hello::answer(&server).ok().filter(|answer| answer == "hello v1")
    })?;
    let run = hello::newest_run(&server)?;
    let id = run["id"].as_str().unwrap_or_default();
    server.solum(&["run", "watch", id])?.require()?;
    assert_eq!(hello::newest_run(&server)?["status"], "succeeded");
    Ok(())
}

#[test]
fn a_client_that_hangs_up_does_not_stop_the_run() -> Result<()> {
    let server = Server::start()?;
    let repository = hello::create(&server)?;
    let mut push = repository.git_command();
    push.args(["push", "solum", "main"]);
    let mut push =
        push.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn()?;
    wait_until("the push to be recorded", Duration::from_secs(60), || {
        hello::newest_run(&server).ok()
    })?;
    push.kill()?;
    push.wait()?;
    wait_until("the run to succeed", Duration::from_secs(60), || {
        hello::newest_run(&server).ok().filter(|run| run["status"] == "succeeded")
    })?;
    assert_eq!(hello::answer(&server)?, "hello v1");
    Ok(())
}

#[test]
fn the_same_commit_pushed_twice_is_up_to_date() -> Result<()> {
    let server = Server::start()?;
    let repository = hello::deployed(&server)?;
    let push = repository.push()?.require()?;
    assert!(push.output().contains("Everything up-to-date"), "{}", push.output());
    Ok(())
}
