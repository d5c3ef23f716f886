//! Workflows end here as they end with [act](https://github.com/nektos/act), which carries them out on the machine itself.
//!
//! `act/repository` is a repository with two dozen workflows that cover the rules. One push starts all of them on a real server;
//! act gets the same commit and the same event, one workflow at a time. Compared is how jobs and steps ended, and what
//! steps handed on. Where act does otherwise than GitHub, [`differences`] says so by name, and Solum has to do what GitHub does.
//!
//! Not compared: `actions/cache` and the actions for artifacts, which act fetches from GitHub.

mod differences;
mod mirrored;
mod ours;
mod outcome;
mod real_files;
mod theirs;

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use testkit::{Repository, Server, ServerOptions};

use mirrored::Mirror;
use theirs::Act;

const FOLDER: &str = ".github/workflows";
const SECRET: (&str, &str) = ("CALL_TOKEN", "hunter2");

#[test]
#[ignore = "needs act: make test-peers"]
fn jobs_and_steps_end_as_with_act_or_else_as_github_says() -> Result<()> {
    let mirror = Mirror::new()?;
    let arguments = vec!["--actions-mirror".to_owned(), mirror.root().display().to_string()];
    let server = Server::start_with(ServerOptions { arguments, ..ServerOptions::default() })?;
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/peers/act/repository");
    let repository = Repository::from_directory(&server, &files)?;
    let ours = ours::push(&server, &repository)?;
    let started: Vec<_> = ours.keys().cloned().collect();
    assert_eq!(started, on_push(repository.path())?, "every workflow for a push was started");

    let act = Act::new(&repository)?.with_mirror(&mirror);
    let mut unexplained = Vec::new();
    let mut compared = 0;
    for (workflow, ours) in &ours {
        let theirs = act.run(workflow)?;
        compared += ours.len();
        unexplained.extend(differences::unexplained(workflow, ours, &theirs));
    }
    unexplained.extend(differences::about_nothing(&started));
    println!("{} workflows, {compared} lines", started.len());
    assert!(unexplained.is_empty(), "{}", unexplained.join("\n"));
    assert!(started.len() >= 20, "only {started:?}");
    Ok(())
}

/// The workflows that are for pushes, by their names, which are those of their files.
fn on_push(repository: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(repository.join(FOLDER))? {
        let path = entry?.path();
        let text = std::fs::read_to_string(&path)?;
        let name = path.file_stem().and_then(|stem| stem.to_str()).context("a name is text")?;
        ensure!(text.starts_with(&format!("name: {name}\n")), "{name} is called otherwise");
        if text.contains("\non: push\n") {
            names.push(name.to_owned());
        }
    }
    names.sort();
    Ok(names)
}
