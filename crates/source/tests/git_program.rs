//! Which git will do.

use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::Duration;

use source::{Error, Git, GitConfig, GitVersion};

/// A program in the place of git.
fn program(directory: &tempfile::TempDir, script: &str) -> GitConfig {
    let path: PathBuf = directory.path().join("git");
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o755)).unwrap();
    GitConfig { program: Some(path), ..GitConfig::from_environment() }
}

#[tokio::test]
async fn the_installed_git_will_do() {
    let git = Git::find(GitConfig::from_environment()).await.unwrap();
    assert!(git.version() >= GitVersion::OLDEST);
    assert!(git.program().is_absolute());
}

#[tokio::test]
async fn an_old_git_is_named_with_what_is_needed() {
    let directory = tempfile::tempdir().unwrap();
    let error = Git::find(program(&directory, "echo git version 2.30.2")).await.unwrap_err();
    let words = error.to_string();
    assert!(words.contains("/git is git 2.30, and Solum needs git 2.39 or newer"), "{words}");
}

#[tokio::test]
async fn a_missing_git_is_said_with_how_to_get_it() {
    let directory = tempfile::tempdir().unwrap();
    let search_path = directory.path().as_os_str().to_owned();
    let config = GitConfig { search_path, ..GitConfig::from_environment() };
    let words = Git::find(config).await.unwrap_err().to_string();
    assert!(words.contains("apt-get install git"), "{words}");
}

#[tokio::test]
async fn a_program_that_is_not_git_is_not_taken_for_it() {
    let directory = tempfile::tempdir().unwrap();
    let error = Git::find(program(&directory, "echo hello")).await.unwrap_err();
    assert!(matches!(error, Error::GitUnknown { .. }), "{error}");
    let error = Git::find(program(&directory, "echo no >&2; exit 3")).await.unwrap_err();
    assert!(error.to_string().contains("exit status: 3): no"), "{error}");
}

#[tokio::test]
async fn a_git_that_hangs_is_ended_with_its_children() {
    let directory = tempfile::tempdir().unwrap();
    let pid = directory.path().join("pid");
    let script = format!("sleep 1000 & echo $! > '{}'; wait", pid.display());
    let config = GitConfig { timeout: Duration::from_millis(500), ..program(&directory, &script) };
    let error = Git::find(config).await.unwrap_err();
    assert!(matches!(error, Error::GitTimedOut { .. }), "{error}");
    let child = std::fs::read_to_string(&pid).unwrap();
    let status = PathBuf::from("/proc").join(child.trim()).join("stat");
    crate::host::until("the child is gone", || {
        // A zombie that nobody has reaped yet is gone as well.
        std::fs::read_to_string(&status).map_or(true, |stat| stat.contains(") Z "))
    })
    .await;
}
