//! Commits laid out as files.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

use source::{CheckoutError, CheckoutWarning, Error, History, SubmoduleProblem};
use types::{AppName, CommitId};

use crate::client::Client;
use crate::host::{Host, Options};

/// A pushed app, and where its checkouts go.
struct Pushed {
    host: Host,
    client: Client,
}

impl Pushed {
    async fn new() -> Self {
        Self::with(Options::default()).await
    }

    async fn with(options: Options) -> Self {
        let host = Host::start(options).await;
        let client = Client::with_app(&host.url()).await;
        Self { host, client }
    }

    fn place(&self) -> PathBuf {
        self.host.directory.path().join("trees/one")
    }

    /// Commits what the working tree holds, pushes it, and checks it out.
    async fn checkout(&self) -> Result<Vec<CheckoutWarning>, CheckoutError> {
        let commit = self.client.commit_all("more").await;
        self.client.git(&["push", "--quiet", "--force", "solum", "main"]).await.ok();
        self.checkout_of(&commit).await
    }

    async fn checkout_of(&self, commit: &CommitId) -> Result<Vec<CheckoutWarning>, CheckoutError> {
        std::fs::create_dir_all(self.place().parent().unwrap()).unwrap();
        self.host.repositories.checkout(&self.host.app, commit, &self.place()).await
    }

    /// What stands beside the finished checkout.
    fn left(&self) -> usize {
        std::fs::read_dir(self.place().parent().unwrap())
            .unwrap()
            .filter(|entry| entry.as_ref().unwrap().path() != self.place())
            .count()
    }
}

#[tokio::test]
async fn files_come_with_modes_links_and_odd_names_and_without_git() {
    let pushed = Pushed::new().await;
    let client = &pushed.client;
    std::fs::create_dir(client.file("bin")).unwrap();
    std::fs::write(client.file("bin/run"), "#!/bin/sh\n").unwrap();
    std::fs::set_permissions(client.file("bin/run"), PermissionsExt::from_mode(0o755)).unwrap();
    std::fs::write(client.file("a ünusual\tname"), "x").unwrap();
    symlink("bin/run", client.file("start")).unwrap();
    std::fs::write(client.file(".gitattributes"), "app.py export-ignore\n").unwrap();
    assert_eq!(pushed.checkout().await.unwrap(), []);

    let into = pushed.place();
    assert_eq!(std::fs::read_to_string(into.join("app.py")).unwrap(), "print('one')\n");
    assert_eq!(std::fs::read_to_string(into.join("a ünusual\tname")).unwrap(), "x");
    let mode = |name: &str| into.join(name).metadata().unwrap().permissions().mode();
    assert_eq!(mode("bin/run") & 0o111, 0o111);
    assert_eq!(mode("app.py") & 0o111, 0);
    assert_eq!(std::fs::read_link(into.join("start")).unwrap(), PathBuf::from("bin/run"));
    assert!(!into.join(".git").exists());
    assert_eq!(pushed.left(), 0);
    pushed.host.stop().await;
}

#[tokio::test]
async fn a_place_that_is_taken_is_left_alone() {
    let pushed = Pushed::new().await;
    std::fs::create_dir_all(pushed.place()).unwrap();
    std::fs::write(pushed.place().join("mine"), "x").unwrap();
    let error = pushed.checkout().await.unwrap_err();
    assert!(matches!(error, CheckoutError::Occupied(_)), "{error}");
    assert!(pushed.place().join("mine").exists());
    pushed.host.stop().await;
}

#[tokio::test]
async fn what_a_crash_left_is_cleared_away() {
    let pushed = Pushed::new().await;
    let left = pushed.host.directory.path().join("trees/.one.partial-abc");
    std::fs::create_dir_all(left.join("tree")).unwrap();
    std::fs::write(left.join("tree/half"), "x").unwrap();
    pushed.checkout().await.unwrap();
    assert_eq!(pushed.left(), 0);
    pushed.host.stop().await;
}

#[tokio::test]
async fn a_commit_or_an_app_that_is_not_there_is_said() {
    let pushed = Pushed::new().await;
    let nowhere: CommitId = "1".repeat(40).parse().unwrap();
    let error = pushed.checkout_of(&nowhere).await.unwrap_err();
    assert!(matches!(error, CheckoutError::Git(Error::NoCommit { .. })), "{error}");
    assert_eq!(pushed.left(), 0);
    let other: AppName = "other".parse().unwrap();
    let into = pushed.place();
    let error = pushed.host.repositories.checkout(&other, &nowhere, &into).await.unwrap_err();
    assert!(matches!(error, CheckoutError::Git(Error::NoRepository(_))), "{error}");
    pushed.host.stop().await;
}

#[tokio::test]
async fn a_link_that_points_outside_is_refused_by_name() {
    let pushed = Pushed::new().await;
    std::fs::create_dir(pushed.client.file("config")).unwrap();
    symlink("../../../etc/passwd", pushed.client.file("config/users")).unwrap();
    let error = pushed.checkout().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the symbolic link config/users points outside of the repository, at \
         ../../../etc/passwd; let it point at a file inside, or remove it"
    );
    assert!(!pushed.place().exists());
    assert_eq!(pushed.left(), 0);
    pushed.host.stop().await;
}

#[tokio::test]
async fn a_tree_that_is_too_large_is_refused() {
    let pushed = Pushed::with(Options { max_tree_bytes: 1 << 20, ..Options::default() }).await;
    std::fs::write(pushed.client.file("zeros"), vec![0; 2 << 20]).unwrap();
    let error = pushed.checkout().await.unwrap_err();
    assert!(matches!(error, CheckoutError::TooLarge { limit: 1_048_576 }), "{error}");
    assert_eq!(pushed.left(), 0);
    pushed.host.stop().await;
}

#[tokio::test]
async fn lfs_pointers_are_warned_of() {
    let pushed = Pushed::new().await;
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n";
    std::fs::create_dir(pushed.client.file("img")).unwrap();
    std::fs::write(pushed.client.file("img/a.png"), pointer).unwrap();
    std::fs::write(pushed.client.file("img/b.png"), pointer).unwrap();
    std::fs::write(pushed.client.file("img/.gitattributes"), "*.png filter=lfs -text\n").unwrap();
    let warnings = pushed.checkout().await.unwrap();
    let first = "img/a.png".to_owned();
    assert_eq!(warnings, [CheckoutWarning::LfsPointers { first, count: 2 }]);
    assert!(warnings[0].to_string().starts_with("img/a.png and 1 more are git LFS pointers"));
    pushed.host.stop().await;
}

/// Records a submodule without fetching it.
async fn add_module(client: &Client, path: &str, address: &str, commit: &CommitId) {
    let text = format!("[submodule \"{path}\"]\n\tpath = {path}\n\turl = {address}\n");
    std::fs::write(client.file(".gitmodules"), text).unwrap();
    let entry = format!("160000,{commit},{path}");
    client.git(&["update-index", "--add", "--cacheinfo", &entry]).await.ok();
    std::fs::create_dir_all(client.file(path)).unwrap();
    client.git(&["add", ".gitmodules"]).await.ok();
    client.git(&["commit", "--quiet", "-m", "a submodule"]).await.ok();
    client.git(&["push", "--quiet", "solum", "main"]).await.ok();
}

async fn module_problem(
    path: &str,
    address: &str,
    commit: &CommitId,
) -> (SubmoduleProblem, String) {
    let pushed = Pushed::new().await;
    add_module(&pushed.client, path, address, commit).await;
    let head = pushed.client.resolve("HEAD").await.unwrap();
    let error = pushed.checkout_of(&head).await.unwrap_err();
    assert_eq!(pushed.left(), 0);
    assert!(!pushed.place().exists());
    pushed.host.stop().await;
    let words = error.to_string();
    match error {
        CheckoutError::Submodule { problem, .. } => (problem, words),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn submodules_are_fetched_and_theirs_too() {
    let pushed = Pushed::new().await;
    let host = &pushed.host;
    // Other repositories of the same host stand in for other servers.
    let mut inner: Option<(String, CommitId)> = None;
    for name in ["deep", "lib"] {
        let app: AppName = name.parse().unwrap();
        host.repositories.create(&app, "main").await.unwrap();
        let address = format!("http://{}/{name}.git", host.authority);
        let module = Client::with_app(&address).await;
        module.commit("lib.py", format!("# {name}\n")).await;
        module.git(&["push", "--quiet", "solum", "main"]).await.ok();
        if let Some((address, commit)) = &inner {
            add_module(&module, "vendor/deep", address, commit).await;
        }
        inner = Some((address, module.resolve("HEAD").await.unwrap()));
    }
    let (address, commit) = inner.unwrap();
    add_module(&pushed.client, "ext/lib", &address, &commit).await;
    let head = pushed.client.resolve("HEAD").await.unwrap();
    pushed.checkout_of(&head).await.unwrap();
    let read = |path: &str| std::fs::read_to_string(pushed.place().join(path)).unwrap();
    assert_eq!(read("app.py"), "print('one')\n");
    assert_eq!(read("ext/lib/lib.py"), "# lib\n");
    assert_eq!(read("ext/lib/vendor/deep/lib.py"), "# deep\n");
    assert_eq!(pushed.left(), 0);
    pushed.host.stop().await;
}

#[tokio::test]
async fn a_submodule_that_is_not_the_tip_of_anything_is_found() {
    let pushed = Pushed::new().await;
    let app: AppName = "lib".parse().unwrap();
    pushed.host.repositories.create(&app, "main").await.unwrap();
    let address = format!("http://{}/lib.git", pushed.host.authority);
    let module = Client::with_app(&address).await;
    let old = module.resolve("HEAD").await.unwrap();
    module.commit("app.py", "newer").await;
    module.git(&["push", "--quiet", "solum", "main"]).await.ok();
    add_module(&pushed.client, "lib", &address, &old).await;
    pushed.checkout_of(&pushed.client.resolve("HEAD").await.unwrap()).await.unwrap();
    let file = pushed.place().join("lib/app.py");
    assert_eq!(std::fs::read_to_string(file).unwrap(), "print('one')\n");

    let nowhere: CommitId = "1".repeat(40).parse().unwrap();
    let (problem, _) = module_problem("lib", &address, &nowhere).await;
    assert_eq!(problem, SubmoduleProblem::NoCommit(nowhere));
    pushed.host.stop().await;
}

#[tokio::test]
async fn a_submodule_whose_server_is_not_there_is_named_without_its_password() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let address = format!("http://me:s3cret@127.0.0.1:{port}/x.git");
    let commit: CommitId = "1".repeat(40).parse().unwrap();
    let (problem, words) = module_problem("lib", &address, &commit).await;
    assert!(matches!(problem, SubmoduleProblem::Refused(_)), "{problem:?}");
    let shown = format!("the submodule lib cannot be fetched from http://127.0.0.1:{port}/x.git: ");
    assert!(words.starts_with(&shown), "{words}");
    assert!(!words.contains("s3cret"), "{words}");
}

#[tokio::test]
async fn only_addresses_that_need_no_key_of_the_server_are_fetched() {
    let commit: CommitId = "1".repeat(40).parse().unwrap();
    for address in [
        "git@example.org:x.git",
        "ssh://example.org/x",
        "../x",
        "/etc",
        "file:///etc",
        "ext::sh -c id",
    ] {
        let (problem, words) = module_problem("lib", address, &commit).await;
        assert_eq!(problem, SubmoduleProblem::Scheme, "{address}");
        assert!(words.contains("change it in .gitmodules"), "{words}");
    }
}

#[tokio::test]
async fn a_submodule_that_nobody_described_is_said_with_the_remedy() {
    let pushed = Pushed::new().await;
    let entry = format!("160000,{},lib", "1".repeat(40));
    pushed.client.git(&["update-index", "--add", "--cacheinfo", &entry]).await.ok();
    std::fs::create_dir(pushed.client.file("lib")).unwrap();
    pushed.client.git(&["commit", "--quiet", "-m", "a repository inside"]).await.ok();
    pushed.client.git(&["push", "--quiet", "solum", "main"]).await.ok();
    let head = pushed.client.resolve("HEAD").await.unwrap();
    let words = pushed.checkout_of(&head).await.unwrap_err().to_string();
    assert!(words.contains("git submodule add ADDRESS lib"), "{words}");
    pushed.host.stop().await;
}

#[tokio::test]
async fn a_submodule_larger_than_a_push_may_be_is_refused() {
    let large = Pushed::new().await;
    let noise: Vec<u8> = (0..3 << 20).map(|_| rand::random::<u8>()).collect();
    let commit = large.client.commit("noise", &noise).await;
    large.client.git(&["push", "--quiet", "solum", "main"]).await.ok();
    let pushed = Pushed::with(Options { max_pack_bytes: 1 << 20, ..Options::default() }).await;
    add_module(&pushed.client, "lib", &large.host.url(), &commit).await;
    let error =
        pushed.checkout_of(&pushed.client.resolve("HEAD").await.unwrap()).await.unwrap_err();
    let words = error.to_string();
    assert!(words.contains("it is larger than the 1048576 bytes"), "{words}");
    large.host.stop().await;
    pushed.host.stop().await;
}

/// What git says in a tree.
fn git(tree: &std::path::Path, arguments: &[&str]) -> String {
    let git = std::process::Command::new("git").arg("-C").arg(tree).args(arguments).output();
    let git = git.unwrap();
    assert!(git.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&git.stderr));
    String::from_utf8(git.stdout).unwrap().trim_end().to_owned()
}

#[tokio::test]
async fn a_tree_gets_a_git_of_its_own_with_as_much_history_as_is_wanted() {
    let pushed = Pushed::new().await;
    std::fs::write(pushed.client.file("two"), "2").unwrap();
    pushed.checkout().await.unwrap();
    let first = pushed.place();
    std::fs::remove_dir_all(&first).unwrap();
    std::fs::write(pushed.client.file("three"), "3").unwrap();
    pushed.checkout().await.unwrap();
    let (repositories, app) = (&pushed.host.repositories, &pushed.host.app);
    let tip = repositories.tip(app, "main").await.unwrap().unwrap();
    let history = |depth, reference: &str| History {
        reference: reference.to_owned(),
        depth,
        tags: false,
        remote: "http://example.invalid/app.git".to_owned(),
    };
    for (depth, commits) in [(Some(1), "1"), (Some(2), "2"), (None, "")] {
        std::fs::remove_dir_all(pushed.place()).unwrap();
        repositories.checkout(app, &tip, &pushed.place()).await.unwrap();
        let place = pushed.place();
        repositories
            .attach_history(app, &tip, &history(depth, "refs/heads/main"), &place)
            .await
            .unwrap();
        assert_eq!(git(&place, &["rev-parse", "HEAD"]), tip.to_string());
        assert_eq!(git(&place, &["status", "--porcelain"]), "");
        assert_eq!(git(&place, &["branch", "--show-current"]), "main");
        let count = git(&place, &["rev-list", "--count", "HEAD"]);
        if commits.is_empty() {
            assert!(count.parse::<u32>().unwrap() >= 3, "{count}");
            assert_eq!(git(&place, &["rev-parse", "origin/main"]), tip.to_string());
        } else {
            assert_eq!(count, commits);
        }
        assert!(!place.join(".git/objects/info/alternates").exists());
    }
    std::fs::remove_dir_all(pushed.place()).unwrap();
    repositories.checkout(app, &tip, &pushed.place()).await.unwrap();
    let place = pushed.place();
    repositories
        .attach_history(app, &tip, &history(Some(1), "refs/changes/1/head"), &place)
        .await
        .unwrap();
    assert_eq!(git(&place, &["branch", "--show-current"]), "");
    let full = Some(("refs/heads/main".to_owned(), tip));
    assert_eq!(repositories.find_reference(app, "main").await.unwrap(), full);
    assert_eq!(repositories.find_reference(app, "refs/heads/main").await.unwrap(), full);
    for name in ["none", "-x", "main^", "main~1", "refs/changes/1/head", "@{-1}"] {
        assert_eq!(repositories.find_reference(app, name).await.unwrap(), None, "{name}");
    }
}
