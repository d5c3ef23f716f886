//! Repositories and their refs.

use source::{Advance, EntryKind, Error, FolderEntry};
use types::{AppName, ChangeId, CommitId, SystemClock};

use crate::client::Client;
use crate::host::{Host, Options};

/// A host that has two commits, the second on `main`.
async fn two_commits() -> (Host, CommitId, CommitId) {
    let host = Host::start(Options::default()).await;
    let client = Client::with_app(&host.url()).await;
    let one = client.resolve("HEAD").await.unwrap();
    let two = client.commit("app.py", "print('two')\n").await;
    client.git(&["push", "--quiet", "solum", "main"]).await.ok();
    (host, one, two)
}

fn app(name: &str) -> AppName {
    name.parse().unwrap()
}

#[tokio::test]
async fn a_repository_is_made_once_and_by_whoever_comes_first() {
    let (host, _, two) = two_commits().await;
    host.repositories.create(&host.app, "other").await.unwrap();
    assert_eq!(host.repositories.tip(&host.app, "main").await.unwrap(), Some(two));

    let name = app("new");
    let (one, other) = tokio::join!(
        host.repositories.create(&name, "trunk"),
        host.repositories.create(&name, "trunk")
    );
    one.and(other).unwrap();
    let head = host.directory.path().join("git/new.git/HEAD");
    assert_eq!(std::fs::read_to_string(head).unwrap(), "ref: refs/heads/trunk\n");
    let left = std::fs::read_dir(host.directory.path().join("git")).unwrap().filter(|entry| {
        entry.as_ref().unwrap().file_name().to_string_lossy().starts_with(".creating")
    });
    assert_eq!(left.count(), 0);
    host.stop().await;
}

#[tokio::test]
async fn a_deleted_repository_is_gone() {
    let (host, one, _) = two_commits().await;
    host.repositories.delete(&host.app).await.unwrap();
    host.repositories.delete(&host.app).await.unwrap();
    assert!(!host.repositories.exists(&host.app).await.unwrap());
    let error = host.repositories.tip(&host.app, "main").await.unwrap_err();
    assert!(matches!(error, Error::NoRepository(_)), "{error}");
    let error = host.repositories.commit(&host.app, &one).await.unwrap_err();
    assert!(matches!(error, Error::NoRepository(_)), "{error}");
    let client = Client::new();
    client
        .git(&["clone", &host.url(), "."])
        .await
        .fails()
        .says("remote: there is no such app, or it has no repository yet");
    host.stop().await;
}

#[tokio::test]
async fn a_branch_advances_only_from_where_it_is_expected() {
    let (host, one, two) = two_commits().await;
    let repositories = &host.repositories;
    let main = |new, old| repositories.advance(&host.app, "main", new, old);
    assert_eq!(main(&one, None).await.unwrap(), Advance::Conflict { actual: Some(two.clone()) });
    assert_eq!(main(&two, Some(&one)).await.unwrap(), Advance::AlreadyThere);
    assert_eq!(main(&two, Some(&two)).await.unwrap(), Advance::AlreadyThere);
    assert_eq!(main(&one, Some(&two)).await.unwrap(), Advance::Moved);
    assert_eq!(
        main(&two, Some(&two)).await.unwrap(),
        Advance::Conflict { actual: Some(one.clone()) }
    );

    let fresh = |new, old| repositories.advance(&host.app, "fresh", new, old);
    assert_eq!(fresh(&two, Some(&one)).await.unwrap(), Advance::Conflict { actual: None });
    assert_eq!(fresh(&one, None).await.unwrap(), Advance::Moved);
    assert_eq!(repositories.tip(&host.app, "fresh").await.unwrap(), Some(one));
    host.stop().await;
}

#[tokio::test]
async fn of_many_that_advance_a_branch_at_once_one_does() {
    let (host, one, two) = two_commits().await;
    let mut attempts = tokio::task::JoinSet::new();
    for _ in 0..6 {
        let (repositories, app) = (host.repositories.clone(), host.app.clone());
        let (one, two) = (one.clone(), two.clone());
        attempts.spawn(async move { repositories.advance(&app, "main", &one, Some(&two)).await });
    }
    let mut moved = 0;
    for outcome in attempts.join_all().await {
        match outcome.unwrap() {
            Advance::Moved => moved += 1,
            Advance::AlreadyThere => {}
            conflict @ Advance::Conflict { .. } => panic!("{conflict:?}"),
        }
    }
    assert_eq!(moved, 1);
    host.stop().await;
}

#[tokio::test]
async fn what_is_not_there_and_what_cannot_be_is_told_apart() {
    let (host, one, two) = two_commits().await;
    let nowhere: CommitId = "1".repeat(40).parse().unwrap();
    let repositories = &host.repositories;
    assert_eq!(repositories.tip(&host.app, "gone").await.unwrap(), None);
    let error = repositories.advance(&host.app, "main", &nowhere, Some(&two)).await.unwrap_err();
    assert!(matches!(error, Error::NoCommit { .. }), "{error}");
    let error = repositories.tip(&host.app, "--all").await.unwrap_err();
    assert!(matches!(error, Error::InvalidBranch(_)), "{error}");
    let error = repositories.create(&app("new"), "a..b").await.unwrap_err();
    assert!(matches!(error, Error::InvalidBranch(_)), "{error}");
    assert!(repositories.is_ancestor(&host.app, &one, &two).await.unwrap());
    assert!(!repositories.is_ancestor(&host.app, &two, &one).await.unwrap());
    let error = repositories.is_ancestor(&host.app, &nowhere, &two).await.unwrap_err();
    assert!(matches!(error, Error::NoCommit { .. }), "{error}");
    host.stop().await;
}

#[tokio::test]
async fn a_commit_tells_who_what_and_when() {
    let host = Host::start(Options::default()).await;
    let client = Client::with_app(&host.url()).await;
    std::fs::write(client.file("b"), "b").unwrap();
    client.git(&["add", "b"]).await.ok();
    let mut commit = client.command(&["commit", "-q", "-m", "Grüße\n\nand more"]);
    commit.env("GIT_COMMITTER_DATE", "2024-02-03T04:05:06Z").env("GIT_AUTHOR_NAME", "Änne");
    client.run(commit).await.ok();
    let head = client.resolve("HEAD").await.unwrap();
    client.git(&["push", "--quiet", "solum", "main"]).await.ok();
    let info = host.repositories.commit(&host.app, &head).await.unwrap();
    assert_eq!((info.author.as_str(), info.author_email.as_str()), ("Änne", "ann@example.org"));
    assert_eq!(info.subject, "Grüße");
    assert_eq!(info.committed_at.to_string(), "2024-02-03T04:05:06Z");
    host.stop().await;
}

#[tokio::test]
async fn a_file_of_a_commit_is_read_if_it_is_one_and_not_too_large() {
    let (host, one, two) = two_commits().await;
    let repositories = &host.repositories;
    let read = |commit, path, most| repositories.read_file(&host.app, commit, path, most);
    assert_eq!(read(&one, "app.py", 99).await.unwrap().unwrap(), b"print('one')\n");
    assert_eq!(read(&two, "app.py", 13).await.unwrap().unwrap(), b"print('two')\n");
    let error = read(&two, "app.py", 12).await.unwrap_err();
    assert_eq!(error.to_string(), "app.py is 13 bytes long; 12 are the most");
    assert_eq!(read(&two, "solum.yaml", 99).await.unwrap(), None);
    assert_eq!(read(&two, "", 99).await.unwrap(), None, "a directory");
    host.stop().await;
}

#[tokio::test]
async fn a_folder_of_a_commit_is_listed() {
    let (host, one, _) = two_commits().await;
    let client = Client::with_app(&host.url()).await;
    client.commit("flows/deep/x.yml", "x").await;
    client.commit("flows/b.yml", "bb").await;
    std::os::unix::fs::symlink("b.yml", client.file("flows/a.yml")).unwrap();
    let commit = client.commit_all("a link").await;
    client.git(&["push", "--quiet", "--force", "solum", "main"]).await.ok();
    let list = |commit, path| host.repositories.list_folder(&host.app, commit, path);
    let entry = |name: &str, kind, bytes| FolderEntry { name: name.to_owned(), kind, bytes };
    assert_eq!(
        list(&commit, "flows").await.unwrap(),
        [
            entry("a.yml", EntryKind::Other, 5),
            entry("b.yml", EntryKind::File, 2),
            entry("deep", EntryKind::Folder, 0),
        ]
    );
    assert_eq!(list(&commit, "flows/b.yml").await.unwrap(), [], "a file");
    assert_eq!(list(&one, "flows").await.unwrap(), [], "nothing");
    let unknown: CommitId = "1".repeat(40).parse().unwrap();
    let error = list(&unknown, "flows").await.unwrap_err();
    assert!(matches!(error, Error::NoCommit { .. }), "{error}");
    host.stop().await;
}

#[tokio::test]
async fn what_a_push_brought_is_told() {
    let (host, one, two) = two_commits().await;
    let (repositories, app) = (&host.repositories, &host.app);
    let pushed = repositories.commits_between(app, Some(&one), &two, 9).await.unwrap();
    assert_eq!(pushed.len(), 1);
    assert_eq!((&pushed[0].id, pushed[0].message.as_str()), (&two, "change app.py"));
    assert_eq!(pushed[0].author.email, "ann@example.org");
    assert!(pushed[0].committed_at.parse::<types::Timestamp>().is_ok());
    let all = repositories.commits_between(app, None, &two, 9).await.unwrap();
    assert_eq!(all.iter().map(|commit| &commit.id).collect::<Vec<_>>(), [&one, &two]);
    let newest = repositories.commits_between(app, None, &two, 1).await.unwrap();
    assert_eq!(newest[0].id, two);
    assert_eq!(repositories.changed_paths(app, &one, &two).await.unwrap(), ["app.py"]);
    assert_eq!(repositories.merge_base(app, &one, &two).await.unwrap(), Some(one));
    assert_eq!(repositories.peel(app, &two).await.unwrap(), Some(two.clone()));
    let client = Client::new();
    client.git(&["clone", "--quiet", &host.url(), "."]).await.ok();
    client.git(&["tag", "--annotate", "--message", "one", "v1"]).await.ok();
    client.git(&["push", "--quiet", "origin", "v1"]).await.ok();
    assert_eq!(repositories.tag(app, "v1").await.unwrap(), Some(two));
    assert_eq!(repositories.tag(app, "v2").await.unwrap(), None);
    let tree: CommitId = pushed[0].tree.parse().unwrap();
    assert_eq!(repositories.peel(app, &tree).await.unwrap(), None, "a tree leads to no commit");
    host.stop().await;
}

#[tokio::test]
async fn pins_keep_commits_and_are_listed() {
    let (host, one, two) = two_commits().await;
    let repositories = &host.repositories;
    let (first, second) = (ChangeId::generate(&SystemClock), ChangeId::generate(&SystemClock));
    repositories.pin(&host.app, first, &one).await.unwrap();
    repositories.pin(&host.app, first, &one).await.unwrap();
    repositories.pin(&host.app, second, &two).await.unwrap();
    let mut pins = repositories.pins(&host.app).await.unwrap();
    pins.sort();
    let mut expected = vec![(first, one.clone()), (second, two)];
    expected.sort();
    assert_eq!(pins, expected);
    repositories.unpin(&host.app, second).await.unwrap();
    repositories.unpin(&host.app, second).await.unwrap();
    assert_eq!(repositories.pins(&host.app).await.unwrap(), [(first, one)]);
    host.stop().await;
}

#[tokio::test]
async fn maintenance_packs_what_many_pushes_left_once_it_is_worth_it() {
    let host = Host::start(Options::default()).await;
    let client = Client::with_app(&host.url()).await;
    let packs = || {
        let found = std::fs::read_dir(host.repository().join("objects/pack")).unwrap();
        found.filter(|pack| pack.as_ref().unwrap().path().extension().unwrap() == "pack").count()
    };
    for push in 0..21 {
        client.commit("app.py", push.to_string()).await;
        client.git(&["push", "--quiet", "solum", "main"]).await.ok();
        if push == 1 {
            host.repositories.maintain(&host.app).await.unwrap();
            assert_eq!(packs(), 2, "two packs are not worth it");
        }
    }
    assert_eq!(packs(), 21);
    host.repositories.maintain(&host.app).await.unwrap();
    assert_eq!(packs(), 1);
    host.stop().await;
}

#[tokio::test]
async fn opening_sweeps_what_a_crash_left() {
    let (host, _, two) = two_commits().await;
    let git = host.directory.path().join("git");
    for left in [".creating-x-1", ".deleting-y-2", "shop.git/objects/tmp_objdir-incoming-abc"] {
        std::fs::create_dir_all(git.join(left).join("pack")).unwrap();
        std::fs::write(git.join(left).join("pack/file"), "x").unwrap();
    }
    for lock in ["shop.git/refs/heads/main.lock", "shop.git/packed-refs.lock"] {
        std::fs::write(git.join(lock), "").unwrap();
    }
    let again = host.reopen().await;
    for left in [".creating-x-1", ".deleting-y-2", "shop.git/objects/tmp_objdir-incoming-abc"] {
        assert!(!git.join(left).exists(), "{left}");
    }
    let advance = again.advance(&host.app, "main", &two, Some(&two)).await.unwrap();
    assert_eq!(advance, Advance::AlreadyThere);
    let moved = again.advance(&host.app, "other", &two, None).await.unwrap();
    assert_eq!(moved, Advance::Moved);
    host.stop().await;
}
