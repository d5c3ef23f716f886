//! Every app in `examples/`: pushed, answers, is changed, pushed again, answers with the change; and the second push
//! installs nothing.

use anyhow::Result;
use testkit::{Repository, Server};

/// `file` holds the text that the app answers with, `v1` in it.
fn is_pushed_changed_and_pushed_again(
    example: &str,
    file: &str,
    installs: Option<&str>,
) -> Result<()> {
    let server = Server::start()?;
    let repository = Repository::from_example(&server, example)?;
    repository.create_app(example)?;
    let first = repository.push()?.require()?;
    let host = format!("{example}-dev.localhost");
    let answer = server.get(&host, "/")?;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(answer.text().contains("v1"), "{}", answer.text());
    repository.edit(file, "v1", "v2")?;
    repository.commit("say v2")?;
    let second = repository.push()?.require()?;
    let answer = server.get(&host, "/")?;
    assert!(answer.text().contains("v2"), "{}", answer.text());
    if let Some(command) = installs {
        assert!(first.transcript().contains(command), "{}", first.transcript());
        assert!(!second.transcript().contains(command), "{}", second.transcript());
    }
    Ok(())
}

#[test]
fn flask_with_gunicorn() -> Result<()> {
    is_pushed_changed_and_pushed_again("flask", "app.py", Some("pip install"))
}

#[test]
fn express() -> Result<()> {
    is_pushed_changed_and_pushed_again("express", "app.js", Some("npm ci"))
}

#[test]
fn rust() -> Result<()> {
    is_pushed_changed_and_pushed_again("rust", "src/main.rs", None)
}

#[test]
fn go() -> Result<()> {
    is_pushed_changed_and_pushed_again("go", "main.go", None)
}

#[test]
fn static_site() -> Result<()> {
    is_pushed_changed_and_pushed_again("static", "index.html", None)
}

#[test]
fn buildpack() -> Result<()> {
    is_pushed_changed_and_pushed_again("buildpack", "server.pl", None)
}
