//! Calls that break off, trees that were left in disorder, calls at the same time.

use std::os::unix::fs::symlink;
use std::sync::Arc;

use build::{BoxExit, BuildError, Stage};

use crate::site::Site;

/// An app that installs and builds, both without a network.
fn files() -> Vec<(&'static str, &'static str)> {
    vec![
        (
            "package.json",
            r#"{ "scripts": { "build": "sh build.sh", "start": "node out.js", "test": "sh test.sh" }, "dependencies": { "left": "1.0.0" } }"#,
        ),
        ("package-lock.json", "{}"),
        (".npmrc", ""),
        (
            "build.sh",
            "set -e\necho \"$(cat node_modules/left/index.js) $(cat value)\" > out.js\necho generated > node_modules/left/generated.js\n",
        ),
        ("test.sh", "echo dirt > dirt; echo more >> value; test -f node_modules/left/index.js\n"),
        ("value", "1\n"),
    ]
}

/// Stands in for npm: the box sees it first on its `PATH`.
async fn site() -> Site {
    let site = Site::with_files(&files()).await;
    let tools = site.directory.path().join("npm");
    std::fs::write(
        &tools,
        "#!/bin/sh\ncase $1 in\nci) mkdir -p node_modules/left && echo left > node_modules/left/index.js ;;\nrun) exec sh build.sh ;;\ntest) exec sh test.sh ;;\nesac\n",
    )
    .unwrap();
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(&tools, std::fs::Permissions::from_mode(0o755)).unwrap();
    *site.boxes.overlay.lock().unwrap() = Some(build::Bind::read_only(tools, "/usr/bin/npm"));
    site
}

#[tokio::test]
async fn a_call_that_breaks_off_anywhere_leaves_the_next_one_a_clean_start() {
    let whole = site().await;
    let expected = whole.build().await.digest;
    let boxes = whole.boxes.scripts().len();
    assert_eq!(boxes, 2, "one to install and one to build");
    for at in 0..boxes {
        let site = site().await;
        site.boxes.break_at(Some(at));
        assert!(matches!(site.try_build().await, Err(BuildError::Cancelled)));
        site.boxes.break_at(None);
        assert_eq!(site.build().await.digest, expected, "broken off in box {at}");
    }
}

#[tokio::test]
async fn what_tests_leave_behind_does_not_reach_the_bundle() {
    let clean = site().await;
    let expected = clean.build().await.digest;
    let site = site().await;
    site.test().await;
    let tree = site.room().join("tree");
    assert!(tree.join("dirt").exists(), "the tests made a mess");
    // And what a hostile build could leave: links in the place of files and directories.
    let outside = site.directory.path().join("outside");
    std::fs::create_dir(&outside).unwrap();
    std::fs::write(outside.join("victim"), "as before").unwrap();
    std::fs::remove_file(tree.join("value")).unwrap();
    symlink(outside.join("victim"), tree.join("value")).unwrap();
    symlink(&outside, tree.join("linked")).unwrap();
    assert_eq!(site.build().await.digest, expected);
    assert_eq!(std::fs::read_to_string(outside.join("victim")).unwrap(), "as before");
}

#[tokio::test]
async fn what_a_build_generates_into_dependencies_is_shipped_with_the_app() {
    let site = site().await;
    let bundle = site.build().await;
    let root = site.unpack(&bundle);
    let read = |path: &str| std::fs::read_to_string(root.path().join(path)).unwrap();
    assert_eq!(read("app/node_modules/left/generated.js"), "generated\n");
    assert_eq!(read("app/out.js"), "left 1\n");
    site.write("value", "2\n");
    let again = site.build().await;
    assert_eq!(again.layers[0], bundle.layers[0], "the dependencies themselves are as they were");
}

#[tokio::test]
async fn calls_for_one_app_at_the_same_time_do_not_meet() {
    let site = Arc::new(site().await);
    let both = [Arc::clone(&site), Arc::clone(&site)].map(async |site| site.build().await.digest);
    let [one, other] = both;
    let (one, other) = tokio::join!(one, other);
    assert_eq!(one, other);
}

#[tokio::test]
async fn a_failed_command_is_named_with_how_it_ended() {
    let site = site().await;
    site.write("build.sh", "echo no >&2\nexit 7\n");
    let error = site.try_build().await.unwrap_err();
    let expected = BoxExit::Code(7);
    assert!(
        matches!(&error, BuildError::Failed { stage: Stage::Build, command, exit } if command == "npm run build" && *exit == expected),
        "{error:?}"
    );
    assert_eq!(error.to_string(), "building failed: `npm run build` ended with exit code 7");
    assert!(site.recorder.text().contains("       no"), "{}", site.recorder.text());
}

#[tokio::test]
async fn a_build_that_is_cancelled_says_so_at_once() {
    let site = site().await;
    site.write("build.sh", "sleep 1000 & echo begun; wait\n");
    let cancel = site.cancel.clone();
    let build = site.try_build();
    let cancelled = async {
        while !site.recorder.text().contains("begun") {
            tokio::task::yield_now().await;
        }
        cancel.cancel();
    };
    let (built, ()) = tokio::join!(build, cancelled);
    assert!(matches!(built, Err(BuildError::Cancelled)), "{built:?}");
}

#[tokio::test]
async fn a_lost_layer_is_packed_again() {
    let site = site().await;
    let bundle = site.build().await;
    std::fs::remove_file(site.store.path(&bundle.layers[0].digest)).unwrap();
    site.boxes.scripts();
    assert_eq!(site.build().await, bundle);
    assert_eq!(site.boxes.scripts().len(), 1, "it builds, and installs nothing");
    assert!(site.store.verify(&bundle.layers[0].digest).await.is_ok());
}

#[tokio::test]
async fn the_same_commit_gives_the_same_digest_anywhere() {
    let (one, other) = (site().await, site().await);
    assert_eq!(one.build().await.digest, other.build().await.digest);
}

#[tokio::test]
async fn a_changed_lock_file_installs_again_and_old_sets_go() {
    let site = site().await;
    for version in 0..7 {
        site.write("package-lock.json", &format!("{{ \"version\": {version} }}"));
        site.boxes.scripts();
        site.build().await;
        assert_eq!(site.boxes.scripts().len(), 2);
    }
    let kept = std::fs::read_dir(site.room().join("dependencies")).unwrap().count();
    assert_eq!(kept, 4);
}

#[tokio::test]
async fn an_app_that_is_forgotten_leaves_nothing() {
    let site = site().await;
    site.build().await;
    let usage = site.builder.usage().await.unwrap();
    assert!(usage[0].1 > 0, "{usage:?}");
    assert!(site.builder.trim(u64::MAX).await.unwrap().is_empty());
    assert_eq!(site.builder.trim(0).await.unwrap(), [usage[0].0]);
    assert!(!site.room().exists());
    site.build().await;
}

#[tokio::test]
async fn a_link_out_of_the_app_is_refused_by_name() {
    let site = Site::with_files(&[("index.html", "x")]).await;
    symlink("/etc/shadow", site.source().join("secrets")).unwrap();
    let error = site.try_build().await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "'secrets' is a symbolic link to '/etc/shadow', which is outside of the app"
    );
    assert!(error.hint().is_some());
}

#[tokio::test]
async fn a_file_with_more_holes_than_the_disk_has_room_is_refused() {
    let site = Site::with_files(&[("index.html", "x")]).await;
    let file = std::fs::File::create(site.source().join("disk.img")).unwrap();
    file.set_len(1 << 40).unwrap();
    let error = site.try_build().await.unwrap_err().to_string();
    assert_eq!(
        error,
        "the app has more than 16 GiB of files; 'disk.img' is where they were reached"
    );
    assert_eq!(std::fs::read_dir(site.directory.path().join("store/ingest")).unwrap().count(), 0);
}
