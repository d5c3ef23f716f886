use anyhow::Result;
use testkit::Server;

use crate::hello;

#[test]
fn another_branch_is_stored_at_once_and_does_not_go_live() -> Result<()> {
    let server = Server::start()?;
    let repository = hello::deployed(&server)?;
    repository.edit("server.py", "hello v1", "hello branch")?;
    repository.commit("on a branch")?;
    let push = repository.push_with(&["solum", "main:refs/heads/feature"])?.require()?;
    assert!(
        push.transcript().contains("feature is stored, and does not deploy"),
        "{}",
        push.transcript()
    );
    assert_eq!(hello::answer(&server)?, "hello v1");
    let remote = repository.git(&["ls-remote", "solum", "refs/heads/feature"])?;
    assert!(remote.stdout.starts_with(&repository.head()?));
    let runs = server.solum_json(&["run", "list", "--json"])?;
    assert_eq!(runs.as_array().map(Vec::len), Some(1), "no run for a branch that does not deploy");
    Ok(())
}

#[test]
fn tags_and_deletions_move_at_once() -> Result<()> {
    let server = Server::start()?;
    let repository = hello::deployed(&server)?;
    repository.git(&["tag", "v1"])?;
    repository.push_with(&["solum", "v1", "main:refs/heads/feature"])?.require()?;
    repository.push_with(&["solum", ":refs/heads/feature"])?.require()?;
    let remote = repository.git(&["ls-remote", "solum"])?.stdout;
    assert!(remote.contains("refs/tags/v1"), "{remote}");
    assert!(!remote.contains("feature"), "{remote}");
    Ok(())
}

#[test]
fn the_deploy_branch_loses_no_commits_to_a_forced_push() -> Result<()> {
    let server = Server::start()?;
    let repository = hello::deployed(&server)?;
    hello::push_version(&repository, "v1", "v2")?;
    repository.git(&["reset", "--quiet", "--hard", "HEAD~1"])?;
    repository.edit("server.py", "hello v1", "hello other")?;
    repository.commit("something else")?;
    let push = repository.push_with(&["--force", "solum", "main"])?;
    assert!(!push.success());
    assert!(push.transcript().contains("would take commits away"), "{}", push.transcript());
    assert!(push.transcript().contains("solum rollback hello"), "{}", push.transcript());
    assert_eq!(hello::answer(&server)?, "hello v2");
    Ok(())
}

#[test]
fn a_hidden_pin_is_not_shown_to_who_fetches() -> Result<()> {
    let server = Server::start()?;
    let repository = hello::deployed(&server)?;
    let remote = repository.git(&["ls-remote", "solum"])?.stdout;
    assert!(!remote.contains("refs/solum"), "{remote}");
    Ok(())
}
