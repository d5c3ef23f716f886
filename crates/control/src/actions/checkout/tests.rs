use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::path::PathBuf;
use std::process::Command;

use source::{Git, GitConfig, RepositoriesConfig};

use super::super::environment::Places;
use super::*;

const OWNER: u32 = 23_460;

struct Ground {
    directory: tempfile::TempDir,
    repositories: Repositories,
    subject: Subject,
}

fn git(directory: &Path, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .arg("-C")
        .arg(directory)
        .args(["-c", "user.name=t", "-c", "user.email=t@example.invalid"])
        .args(["-c", "safe.directory=*", "-c", "init.defaultBranch=main"])
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

/// An app with two commits, a tag on the first.
async fn ground() -> Ground {
    let directory = tempfile::tempdir().unwrap();
    let work = directory.path().join("work");
    std::fs::create_dir(&work).unwrap();
    git(&work, &["init", "--quiet"]);
    for (file, text) in [("one", "1"), ("two", "2")] {
        std::fs::write(work.join(file), text).unwrap();
        git(&work, &["add", "."]);
        git(&work, &["commit", "--quiet", "-m", file]);
        if file == "one" {
            git(&work, &["tag", "v1"]);
        }
    }
    let app: AppName = "shop".parse().unwrap();
    std::fs::create_dir(directory.path().join("repositories")).unwrap();
    let config = RepositoriesConfig {
        directory: directory.path().join("repositories"),
        program: "/bin/false".into(),
        hook_socket: directory.path().join("hooks"),
        max_pack_bytes: 1 << 20,
        max_tree_bytes: 1 << 20,
        min_free_bytes: 0,
    };
    let found = Git::find(GitConfig::from_environment()).await.unwrap();
    let repositories = Repositories::open(found, config).await.unwrap();
    repositories.create(&app, "main").await.unwrap();
    let bare = directory.path().join("repositories/shop.git");
    let from = work.to_str().unwrap();
    git(&bare, &["fetch", "--quiet", from, "refs/heads/*:refs/heads/*", "refs/tags/*:refs/tags/*"]);
    let commit = git(&work, &["rev-parse", "HEAD"]).parse().unwrap();
    let (reference, remote) = ("refs/heads/main".to_owned(), "http://example.invalid/a.git".into());
    Ground { directory, repositories, subject: Subject { app, commit, reference, remote } }
}

fn read(pairs: &[(&str, &str)]) -> Result<Checkout, InputError> {
    let with: BTreeMap<String, String> =
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Checkout::read(Inputs(&with), "default/shop")
}

impl Ground {
    fn job(&self) -> JobDirectory {
        JobDirectory::make(self.directory.path().join("job"), OWNER, Places::default()).unwrap()
    }

    fn source(&self) -> PathBuf {
        self.directory.path().join("job/source")
    }

    async fn check_out(&self, pairs: &[(&str, &str)]) -> Result<CheckedOut, CheckoutError> {
        read(pairs)?.perform(&self.repositories, &self.subject, &self.job()).await
    }
}

#[tokio::test]
async fn a_job_gets_its_files_and_a_git_that_works_for_its_user() {
    let ground = ground().await;
    let out = ground.check_out(&[]).await.unwrap();
    assert_eq!((&out.commit, out.reference.as_str()), (&ground.subject.commit, "refs/heads/main"));
    let source = ground.source();
    for path in ["two", ".git/HEAD", ".git"] {
        assert_eq!(std::fs::metadata(source.join(path)).unwrap().uid(), OWNER, "{path}");
    }
    assert_eq!(git(&source, &["log", "--format=%s"]), "two");
    assert_eq!(git(&source, &["status", "--porcelain"]), "");
    ground.check_out(&[("fetch-depth", "0")]).await.unwrap();
    assert_eq!(git(&source, &["log", "--format=%s"]), "two\none");
    assert_eq!(git(&source, &["tag"]), "v1");
    let left: Vec<_> = std::fs::read_dir(ground.directory.path().join("job")).unwrap().collect();
    assert_eq!(left.len(), 4, "{left:?}");
}

#[tokio::test]
async fn a_tag_or_a_path_may_be_asked_for() {
    let ground = ground().await;
    let out = ground.check_out(&[("ref", "v1"), ("path", "old/it")]).await.unwrap();
    assert_eq!(out.reference, "refs/tags/v1");
    let it = ground.source().join("old/it");
    assert!(it.join("one").exists() && !it.join("two").exists());
    assert_eq!(git(&it, &["describe", "--tags"]), "v1");
    let error = ground.check_out(&[("ref", "none")]).await.unwrap_err();
    assert!(matches!(error, CheckoutError::NoReference(_)), "{error}");
    assert!(ground.check_out(&[("path", "../x")]).await.is_err());
}

#[tokio::test]
async fn what_is_there_goes_or_stays_as_is_asked_for() {
    let ground = ground().await;
    let workspace = ground.job().open(super::super::job::Root::Workspace).unwrap();
    workspace.write(Path::new("mine/x"), b"", 0o644).unwrap();
    workspace.write(Path::new("two"), b"changed", 0o644).unwrap();
    ground.check_out(&[("clean", "false")]).await.unwrap();
    assert!(ground.source().join("mine/x").exists());
    assert_eq!(std::fs::read_to_string(ground.source().join("two")).unwrap(), "2");
    ground.check_out(&[("clean", "false")]).await.unwrap();
    assert_eq!(git(&ground.source(), &["status", "--porcelain"]), "?? mine/");
    ground.check_out(&[]).await.unwrap();
    assert!(!ground.source().join("mine").exists());
}

#[tokio::test]
async fn a_hostile_workspace_is_neither_followed_nor_run() {
    let ground = ground().await;
    let outside = ground.directory.path().join("outside");
    std::fs::create_dir(&outside).unwrap();
    std::fs::write(outside.join("one"), "precious").unwrap();
    ground.job();
    let source = ground.source();
    let mark = ground.directory.path().join("ran");
    std::fs::create_dir_all(source.join(".git")).unwrap();
    let config = format!("[core]\n\tfsmonitor = touch {}\n", mark.display());
    std::fs::write(source.join(".git/config"), config).unwrap();
    symlink("../../outside", source.join("two")).unwrap();
    symlink("../../outside", source.join("sub")).unwrap();
    assert!(ground.check_out(&[("path", "sub"), ("clean", "false")]).await.is_err());
    ground.check_out(&[("clean", "false")]).await.unwrap();
    assert_eq!(std::fs::read_to_string(source.join("two")).unwrap(), "2");
    ground.check_out(&[]).await.unwrap();
    assert_eq!(std::fs::read_to_string(outside.join("one")).unwrap(), "precious");
    assert_eq!(std::fs::read_dir(&outside).unwrap().count(), 1);
    assert!(!mark.exists());
}

#[test]
fn what_is_not_done_is_refused() {
    for (name, value) in [("repository", "a/b"), ("lfs", "true"), ("ssh-key", "k"), ("clean", "x")]
    {
        assert!(read(&[(name, value)]).is_err(), "{name}");
    }
    assert!(read(&[("repository", "default/shop"), ("lfs", "false")]).is_ok());
    assert_eq!(read(&[("fetch-depth", "0")]).unwrap().depth, None);
}
