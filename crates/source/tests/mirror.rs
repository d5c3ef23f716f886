//! Actions out of a mirror: in a directory, and behind HTTP.

mod backend;

use std::collections::HashSet;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use source::{
    ActionRepository, CheckoutError, Evicted, Git, GitConfig, Mirror, MirrorBase, MirrorConfig,
    MirrorError, Repositories, RepositoriesConfig,
};
use types::{CommitId, ManualClock};

use backend::Backend;

const HOUR: Duration = Duration::from_secs(3_600);
const NEVER: Duration = Duration::from_secs(u32::MAX as u64);

/// A mirror with one action, and what a server keeps of it.
struct Place {
    directory: tempfile::TempDir,
    clock: Arc<ManualClock>,
    action: ActionRepository,
}

impl Place {
    fn new() -> Self {
        let clock = Arc::new(ManualClock::at("2026-11-22T12:00:00Z".parse().unwrap()));
        let directory = tempfile::tempdir().unwrap();
        let place = Self { directory, clock, action: "octo/hello".parse().unwrap() };
        std::fs::create_dir_all(place.work().join("dist")).unwrap();
        place.git(&["init", "--quiet", "--initial-branch=main"]);
        place.write("action.yml", "name: hello\n");
        place.write("dist/index.js", "console.log('hello')\n");
        place.commit("one");
        place
    }

    /// What is pushed to the mirror, in the mirror itself: it need not be bare.
    fn work(&self) -> PathBuf {
        self.root().join("octo/hello")
    }

    fn root(&self) -> PathBuf {
        self.directory.path().join("mirror")
    }

    fn git(&self, arguments: &[&str]) -> String {
        let mut git = Command::new("git");
        let who = ["-c", "user.name=Ann", "-c", "user.email=ann@example.org"];
        let output = git.current_dir(self.work()).args(who).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn write(&self, path: &str, text: &str) {
        std::fs::write(self.work().join(path), text).unwrap();
    }

    fn commit(&self, message: &str) -> CommitId {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
        self.git(&["rev-parse", "HEAD"]).parse().unwrap()
    }

    fn config(&self, base: &str) -> MirrorConfig {
        MirrorConfig {
            base: (!base.is_empty()).then(|| base.parse::<MirrorBase>().unwrap()),
            directory: self.directory.path().join("shelf"),
            max_pack_bytes: 16 << 20,
            max_tree_bytes: 16 << 20,
            max_bytes: 64 << 20,
            answer_timeout: Duration::from_secs(20),
            fetch_timeout: Duration::from_secs(20),
        }
    }

    async fn open(&self, config: MirrorConfig) -> Mirror {
        let git = Git::find(GitConfig::from_environment()).await.unwrap();
        let hosted = RepositoriesConfig {
            directory: self.directory.path().join("hosted"),
            program: "/nonexistent/solum".into(),
            hook_socket: self.directory.path().join("hooks.sock"),
            max_pack_bytes: 1 << 20,
            max_tree_bytes: 1 << 20,
            min_free_bytes: 0,
        };
        let repositories = Repositories::open(git, hosted).await.unwrap();
        Mirror::open(repositories, config, Arc::clone(&self.clock) as _).await.unwrap()
    }

    async fn mirror(&self) -> Mirror {
        self.open(self.config(self.root().to_str().unwrap())).await
    }

    /// Names directly on the shelf.
    fn shelf(&self) -> Vec<String> {
        names(&self.directory.path().join("shelf"))
    }
}

fn names(directory: &Path) -> Vec<String> {
    let names = std::fs::read_dir(directory).unwrap();
    let mut names: Vec<_> =
        names.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// The same through a directory, through today's HTTP and through that of long ago.
#[tokio::test]
async fn a_reference_is_a_tag_or_a_branch_or_a_commit() {
    for kind in ["directory", "http", "old http"] {
        let place = Place::new();
        let first = place.git(&["rev-parse", "HEAD"]).parse::<CommitId>().unwrap();
        place.git(&["tag", "--annotate", "--message", "the first", "v1"]);
        place.write("action.yml", "name: hello again\n");
        let second = place.commit("two");
        place.git(&["branch", "v1"]);
        let third = place.commit("three");
        let backend = match kind {
            "directory" => None,
            kind => Some(Backend::start(&place.root(), kind == "http").await),
        };
        let base = backend.as_ref().map(|backend| backend.url.clone());
        let base = base.unwrap_or_else(|| format!("file://{}", place.root().display()));
        let mirror = place.open(place.config(&base)).await;
        for (reference, commit) in [
            ("v1", &first),
            ("refs/heads/v1", &second),
            ("main", &third),
            // No reference points at it alone, and it was not fetched with the others: they have no history.
            (second.as_str(), &second),
        ] {
            let found = mirror.resolve(&place.action, reference).await;
            assert_eq!(&found.unwrap(), commit, "{kind}: {reference}");
            let file = mirror.read_file(&place.action, commit, "action.yml", 100).await.unwrap();
            let text = if *commit == first { "name: hello\n" } else { "name: hello again\n" };
            assert_eq!(file.unwrap(), text.as_bytes(), "{kind}: {reference}");
        }
        let missing = mirror.read_file(&place.action, &first, "action.yaml", 100).await.unwrap();
        assert_eq!(missing, None);
        assert_eq!(names(&place.directory.path().join("shelf/octo/hello")).len(), 3, "{kind}");
        assert_eq!(place.shelf(), ["octo"], "{kind}");
    }
}

#[tokio::test]
async fn a_tag_that_moves_is_another_commit_and_the_first_one_stays() {
    let place = Place::new();
    let mirror = place.mirror().await;
    place.git(&["tag", "v1"]);
    let before = mirror.resolve(&place.action, "v1").await.unwrap();
    place.write("dist/index.js", "console.log('moved')\n");
    let moved = place.commit("two");
    place.git(&["tag", "--force", "v1"]);
    assert_eq!(mirror.resolve(&place.action, "v1").await.unwrap(), moved);
    let script = |tree: PathBuf| std::fs::read_to_string(tree.join("dist/index.js")).unwrap();
    assert_eq!(
        script(mirror.keep(&place.action, &before).await.unwrap()),
        "console.log('hello')\n"
    );
    assert_eq!(script(mirror.keep(&place.action, &moved).await.unwrap()), "console.log('moved')\n");
}

#[tokio::test]
async fn everybody_may_read_the_files_and_only_the_server_may_write_them() {
    let place = Place::new();
    place.write("run.sh", "#!/bin/sh\n");
    let run = place.work().join("run.sh");
    std::fs::set_permissions(&run, PermissionsExt::from_mode(0o700)).unwrap();
    symlink("dist/index.js", place.work().join("main.js")).unwrap();
    place.commit("two");
    let mirror = place.mirror().await;
    let commit = mirror.resolve(&place.action, "main").await.unwrap();
    let tree = mirror.tree(&place.action, &commit);
    let mode = |path: &str| std::fs::metadata(tree.join(path)).unwrap().mode() & 0o777;
    assert_eq!(
        ["", "dist", "dist/index.js", "main.js", "run.sh"].map(mode),
        [0o755, 0o755, 0o644, 0o644, 0o755]
    );
    assert!(!tree.join(".git").exists());
}

#[tokio::test]
async fn what_is_not_there_is_told_apart() {
    for over_http in [false, true] {
        let place = Place::new();
        let backend = Backend::start(&place.root(), true).await;
        let base = if over_http { backend.url.clone() } else { place.root().display().to_string() };
        let mirror = place.open(place.config(&base)).await;
        let said = async |repository: &str, reference: &str| {
            let error = mirror.resolve(&repository.parse().unwrap(), reference).await.unwrap_err();
            assert!(!error.is_passing(), "{error}");
            error.to_string()
        };
        assert_eq!(
            said("octo/none", "v1").await,
            "the mirror has no repository octo/none that can be read without credentials"
        );
        assert_eq!(
            said("octo/hello", "v9").await,
            "octo/hello has no tag and no branch 'v9' in the mirror"
        );
        assert_eq!(
            said("octo/hello", "0123abc").await,
            "octo/hello has no tag and no branch '0123abc' in the mirror; a commit is written in full, with 40 digits"
        );
        let refused = said("octo/hello", &"0".repeat(39)).await;
        assert!(refused.contains("no tag and no branch"), "{refused}");
        let unknown = said("octo/hello", &"1".repeat(40)).await;
        assert!(unknown.contains("1111"), "{unknown}");
        assert!(!unknown.contains(&base), "{unknown}");
        assert_eq!(
            said("octo/hello", "v1^{tree}").await,
            "'v1^{tree}' cannot be a tag, a branch or a commit"
        );
        assert_eq!(place.shelf(), [""; 0]);
    }
}

#[tokio::test]
async fn a_mirror_that_hangs_is_given_up_and_left_alone_for_a_while_and_what_is_there_stays_there()
{
    let place = Place::new();
    let commit = place.mirror().await.resolve(&place.action, "main").await.unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = place.config(&format!("http://{}", listener.local_addr().unwrap()));
    config.answer_timeout = Duration::from_millis(300);
    let mirror = place.open(config).await;
    let error = mirror.resolve(&place.action, "main").await.unwrap_err();
    assert!(matches!(error, MirrorError::Silent(_)) && error.is_passing(), "{error}");
    drop(listener);
    let asked = Instant::now();
    let other = "octo/other".parse().unwrap();
    let again = mirror.resolve(&other, &"2".repeat(40)).await.unwrap_err();
    assert_eq!(again.to_string(), "the mirror did not answer within 300ms");
    assert!(asked.elapsed() < Duration::from_millis(200), "{:?}", asked.elapsed());
    assert_eq!(mirror.resolve(&place.action, commit.as_str()).await.unwrap(), commit);
}

#[tokio::test]
async fn a_mirror_that_is_away_is_told_without_its_address() {
    let place = Place::new();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mirror = place.open(place.config(&format!("http://127.0.0.1:{port}/actions"))).await;
    let error = mirror.resolve(&place.action, "v1").await.unwrap_err();
    assert!(error.is_passing(), "{error}");
    let error = error.to_string();
    assert!(error.starts_with("the mirror cannot be reached: "), "{error}");
    assert!(!error.contains("/actions"), "{error}");
    let error = place.open(place.config("/nowhere/at/all")).await;
    let error = error.resolve(&place.action, "v1").await.unwrap_err();
    assert_eq!(error.to_string(), "the mirror cannot be reached: its directory is not there");
}

#[tokio::test]
async fn without_a_mirror_there_is_what_was_fetched_before() {
    let place = Place::new();
    let commit = place.mirror().await.resolve(&place.action, "main").await.unwrap();
    let mirror = place.open(place.config("")).await;
    assert_eq!(
        mirror.keep(&place.action, &commit).await.unwrap(),
        mirror.tree(&place.action, &commit)
    );
    let error = mirror.resolve(&place.action, "main").await.unwrap_err();
    assert!(matches!(error, MirrorError::NoMirror), "{error}");
}

#[tokio::test]
async fn a_link_that_leads_out_is_refused_and_nothing_is_kept() {
    let place = Place::new();
    symlink("../../../../etc/passwd", place.work().join("dist/secrets")).unwrap();
    place.commit("two");
    let mirror = place.mirror().await;
    let error = mirror.resolve(&place.action, "main").await.unwrap_err();
    let MirrorError::Files { problem, .. } = &error else { panic!("{error}") };
    assert!(matches!(**problem, CheckoutError::LinkOutside { .. }), "{error}");
    let words = "octo/hello: the symbolic link dist/secrets points outside of the repository";
    assert!(error.to_string().starts_with(words), "{error}");
    assert_eq!(place.shelf(), [""; 0]);
}

#[tokio::test]
async fn a_description_that_is_no_file_is_told() {
    let place = Place::new();
    symlink("action.yml", place.work().join("action.yaml")).unwrap();
    place.commit("two");
    let mirror = place.mirror().await;
    let commit = mirror.resolve(&place.action, "main").await.unwrap();
    for path in ["action.yaml", "dist"] {
        let error = mirror.read_file(&place.action, &commit, path, 100).await.unwrap_err();
        assert!(matches!(error, MirrorError::NotAFile { .. }), "{path}: {error}");
    }
    let error = mirror.read_file(&place.action, &commit, "action.yml", 3).await.unwrap_err();
    assert!(matches!(error, MirrorError::Git(_)), "{error}");
}

#[tokio::test]
async fn what_is_too_large_is_refused_on_its_way_or_before_it_is_kept() {
    let place = Place::new();
    let mut state = 1_u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    })
    .take(200_000)
    .collect();
    std::fs::write(place.work().join("noise"), noise).unwrap();
    place.commit("two");
    let base = place.root().display().to_string();
    let small_packs = MirrorConfig { max_pack_bytes: 50_000, ..place.config(&base) };
    let error = place.open(small_packs).await.resolve(&place.action, "main").await.unwrap_err();
    assert!(matches!(error, MirrorError::TooLarge(..)), "{error}");
    let small_trees = MirrorConfig { max_tree_bytes: 50_000, ..place.config(&base) };
    let error = place.open(small_trees).await.resolve(&place.action, "main").await.unwrap_err();
    assert!(error.to_string().contains("take up more than the 50000 bytes"), "{error}");
    assert_eq!(place.shelf(), [""; 0]);
}

#[tokio::test]
async fn what_nobody_needs_goes_the_oldest_first_and_what_is_needed_stays() {
    let place = Place::new();
    let base = place.root().display().to_string();
    let mirror = place.mirror().await;
    let mut commits = Vec::new();
    for number in 0..4 {
        commits.push(place.commit(&format!("{number}")));
        mirror.resolve(&place.action, "main").await.unwrap();
        place.clock.advance(HOUR);
    }
    let there = || names(&place.directory.path().join("shelf/octo/hello"));
    let needed: HashSet<_> = [(place.action.clone(), commits[0].clone())].into();
    let all = mirror.room().bytes;
    assert!(all > 0);
    // The last one is an hour old, and so young enough to be left alone.
    let evicted = mirror.evict(needed.clone(), NEVER, 2 * HOUR, 0).await.unwrap();
    assert_eq!(evicted.commits, 2);
    assert_eq!(mirror.room().bytes, all - evicted.bytes);
    let mut left = [commits[0].to_string(), commits[3].to_string()];
    left.sort();
    assert_eq!(there(), left);
    // By asking for one, it becomes one that was used.
    place.clock.advance(48 * HOUR);
    mirror.keep(&place.action, &commits[3]).await.unwrap();
    let evicted = mirror.evict(needed.clone(), 24 * HOUR, HOUR, all).await.unwrap();
    assert_eq!(evicted, Evicted::default());
    place.clock.advance(48 * HOUR);
    assert_eq!(mirror.unused(24 * HOUR).await.unwrap().len(), 2);
    let evicted = mirror.evict(needed, 24 * HOUR, HOUR, all).await.unwrap();
    assert_eq!((evicted.commits, there()), (1, vec![commits[0].to_string()]));
    // What went away comes back when it is asked for, from where it was.
    mirror.keep(&place.action, &commits[3]).await.unwrap();

    let full = MirrorConfig { max_bytes: 1, ..place.config(&base) };
    let full = place.open(full).await;
    let error = full.resolve(&place.action, commits[2].as_str()).await.unwrap_err();
    assert!(matches!(error, MirrorError::Full { .. }) && error.is_passing(), "{error}");
    full.keep(&place.action, &commits[3]).await.unwrap();
    let evicted = full.evict(HashSet::new(), Duration::ZERO, Duration::ZERO, 0).await.unwrap();
    assert_eq!((evicted.commits, full.room().bytes), (2, 0));
    assert_eq!(place.shelf(), [""; 0]);
}

#[tokio::test]
async fn what_a_crash_left_is_swept_and_the_rest_is_counted() {
    let place = Place::new();
    let before = place.mirror().await;
    before.resolve(&place.action, "main").await.unwrap();
    for name in [".fetching-x", ".deleting-y"] {
        std::fs::create_dir(place.directory.path().join("shelf").join(name)).unwrap();
    }
    let after = place.mirror().await;
    assert_eq!(place.shelf(), ["octo"]);
    assert_eq!(after.room(), before.room());
}
