//! A file as it is in the wild, in a package that is fetched by name when the test runs.
//!
//! Few files could be compared: nearly all set a language up with an action of GitHub's, or need what only GitHub's machines
//! have. Of the 111 files in the packages that `crates/workflow/tests/it/real_files.rs` read when this was written, one has
//! nothing but `run` steps and built-in actions (`python-nightly.yml` of coverage), and it builds Pythons from GitHub as root.
//! Packages of Rust's registry have others.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Result;
use testkit::{Repository, Server, command};

use super::theirs::Act;
use super::{FOLDER, ours};

const PACKAGE: (&str, &str) = ("croner", "4.0.3");
/// Builds and tests it with cargo, in four ways.
const FILE: &str = "rust";
/// Uses an action of another repository, and is not for pushes of branches.
const OTHER_FILE: &str = "publish";
const FETCHED: Duration = Duration::from_secs(180);

#[test]
#[ignore = "needs act, downloads packages: make test-peers"]
fn a_file_of_a_real_project_ends_as_with_act() -> Result<()> {
    let scratch = tempfile::tempdir()?;
    let server = Server::start()?;
    let repository = Repository::from_directory(&server, &fetch(scratch.path())?)?;
    fs::remove_file(repository.path().join(FOLDER).join(format!("{OTHER_FILE}.yml")))?;
    repository.write("solum.yaml", &format!("workflows: {FOLDER}\n"))?;
    repository.commit("say where the workflows are")?;
    let ours = ours::push(&server, &repository)?;
    let act = Act::new(&repository)?;
    let theirs = act.run(FILE)?;
    let steps = (0..5).map(|number| format!("build {number}: success"));
    let expected = steps.chain(["build: success".to_owned()]).collect();
    assert_eq!(theirs, expected, "{}", act.last_words()?);
    assert_eq!(ours.into_iter().collect::<Vec<_>>(), [("Rust".to_owned(), expected)]);
    Ok(())
}

/// The package's files, by cargo.
fn fetch(scratch: &Path) -> Result<PathBuf> {
    let (name, version) = PACKAGE;
    let manifest = format!(
        "[package]\nname = \"fetch\"\nedition = \"2024\"\n\n[dependencies]\n{name} = \"={version}\"\n"
    );
    fs::write(scratch.join("Cargo.toml"), manifest)?;
    fs::create_dir(scratch.join("src"))?;
    fs::write(scratch.join("src/lib.rs"), "")?;
    let mut vendor = Command::new("cargo");
    vendor.args(["vendor", "--quiet", "vendor"]).current_dir(scratch);
    command::run(&mut vendor, FETCHED)?.require()?;
    Ok(scratch.join("vendor").join(name))
}
