use std::collections::BTreeMap;
use std::os::unix::fs::symlink;

use types::SystemClock;

use super::super::environment::Places;
use super::*;

struct Ground {
    directory: tempfile::TempDir,
    caches: Caches,
    app: AppId,
}

fn ground(most_bytes: u64) -> Ground {
    let directory = tempfile::tempdir().unwrap();
    let caches = Caches::new(directory.path().join("caches"), most_bytes).unwrap();
    Ground { caches, app: AppId::generate(&SystemClock), directory }
}

fn cache(key: &str, restore: &str, path: &str) -> Cache {
    let with: BTreeMap<String, String> = [("key", key), ("restore-keys", restore), ("path", path)]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    Cache::read(Inputs(&with)).unwrap()
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

impl Ground {
    fn job(&self, name: &str) -> JobDirectory {
        JobDirectory::make(self.directory.path().join(name), 23_459, Places::default()).unwrap()
    }

    /// A job whose workspace and home hold something.
    fn filled(&self, name: &str, content: &[u8]) -> JobDirectory {
        let job = self.job(name);
        job.open(Root::Workspace).unwrap().write(Path::new("deps/a"), content, 0o755).unwrap();
        job.open(Root::Home).unwrap().write(Path::new(".npm/b"), content, 0o644).unwrap();
        job
    }

    fn save(&self, key: &str, content: &[u8], second: i64) -> Saved {
        let job = self.filled(&format!("job-{second}"), content);
        self.caches.save(self.app, &cache(key, "", "deps\n~/.npm"), &job, true, at(second)).unwrap()
    }

    fn restore(&self, key: &str, restore: &str, second: i64) -> Option<(Restored, String)> {
        let job = self.job(&format!("restored-{second}"));
        let cache = cache(key, restore, "deps\n~/.npm");
        let restored = self.caches.restore(self.app, &cache, &job, at(second)).unwrap()?;
        let read = |root, path| {
            let bytes = job.open(root).unwrap().read(Path::new(path), 1 << 20).unwrap();
            String::from_utf8(bytes.unwrap()).unwrap()
        };
        assert_eq!(read(Root::Workspace, "deps/a"), read(Root::Home, ".npm/b"));
        Some((restored, read(Root::Workspace, "deps/a")))
    }
}

fn hit(key: &str, exact: bool, content: &str) -> Option<(Restored, String)> {
    Some((Restored { key: key.to_owned(), exact }, content.to_owned()))
}

#[test]
fn what_is_saved_under_a_key_is_found_and_never_changed() {
    let ground = ground(1 << 20);
    assert_eq!(ground.restore("linux-1", "", 1), None);
    assert_eq!(ground.save("linux-1", b"one", 2), Saved::Saved);
    assert_eq!(ground.save("linux-1", b"two", 3), Saved::Exists);
    assert_eq!(ground.restore("linux-1", "", 4), hit("linux-1", true, "one"));
}

#[test]
fn the_newest_with_the_beginning_will_do() {
    let ground = ground(1 << 20);
    ground.save("linux-a-1", b"1", 1);
    ground.save("linux-a-2", b"2", 2);
    ground.save("linux-b-3", b"3", 3);
    assert_eq!(ground.restore("linux-a-9", "linux-a-\nlinux-", 4), hit("linux-a-2", false, "2"));
    assert_eq!(ground.restore("linux-c-9", "linux-c-\nlinux-", 5), hit("linux-b-3", false, "3"));
    assert_eq!(ground.restore("mac", "mac-", 6), None);
}

#[test]
fn a_cache_of_other_paths_or_another_app_is_another_one() {
    let ground = ground(1 << 20);
    ground.save("k", b"1", 1);
    let job = ground.job("other");
    let paths = cache("k", "", "deps");
    assert_eq!(ground.caches.restore(ground.app, &paths, &job, at(2)).unwrap(), None);
    let same = cache("k", "", "deps\n~/.npm");
    let app = AppId::generate(&SystemClock);
    assert_eq!(ground.caches.restore(app, &same, &job, at(2)).unwrap(), None);
    let strict = Cache { fail_on_miss: true, ..paths };
    assert!(ground.caches.restore(ground.app, &strict, &job, at(2)).is_err());
}

#[test]
fn a_run_that_is_not_trusted_reads_and_never_writes() {
    let ground = ground(1 << 20);
    let job = ground.filled("fork", b"evil");
    let cache = cache("k", "", "deps\n~/.npm");
    let saved = ground.caches.save(ground.app, &cache, &job, false, at(1)).unwrap();
    assert_eq!((saved, ground.restore("k", "", 2)), (Saved::Untrusted, None));
}

#[test]
fn what_was_used_longest_ago_makes_room() {
    use rand::{Rng as _, SeedableRng as _};
    let mut random = rand::rngs::StdRng::seed_from_u64(3);
    let mut noise = || {
        let text: String =
            (0..10_000).map(|_| char::from(random.random_range(b'0'..=b'z'))).collect();
        text.into_bytes()
    };
    let ground = ground(27_000);
    let first = noise();
    ground.save("one", &first, 1);
    ground.save("two", &noise(), 2);
    assert!(ground.restore("one", "", 3).is_some());
    ground.save("three", &noise(), 4);
    ground.save("four", &noise(), 5);
    let left: Vec<bool> = ["one", "two", "three", "four"]
        .iter()
        .enumerate()
        .map(|(index, key)| ground.restore(key, "", 10 + index as i64).is_some())
        .collect();
    assert_eq!(left, [true, false, true, true]);
    let bytes: u64 = fs::read_dir(ground.caches.of(ground.app))
        .unwrap()
        .map(|entry| entry.unwrap().metadata().unwrap().len())
        .sum();
    assert!(bytes <= 27_000 + 4 * 300, "{bytes}");
}

#[test]
fn a_link_out_of_the_job_is_not_written_through() {
    let ground = ground(1 << 20);
    ground.save("k", b"1", 1);
    let job = ground.job("hostile");
    let outside = ground.directory.path().join("outside");
    fs::create_dir(&outside).unwrap();
    symlink("../../outside", ground.directory.path().join("hostile/source/deps")).unwrap();
    let cache = cache("k", "", "deps\n~/.npm");
    assert!(ground.caches.restore(ground.app, &cache, &job, at(2)).is_err());
    assert_eq!(fs::read_dir(outside).unwrap().count(), 0);
}

#[test]
fn nothing_is_saved_where_nothing_is() {
    let ground = ground(1 << 20);
    let job = ground.job("empty");
    let saved = ground.caches.save(ground.app, &cache("k", "", "none"), &job, true, at(1)).unwrap();
    assert_eq!(saved, Saved::Nothing);
    let with = BTreeMap::from([("key".to_owned(), "a,b".to_owned())]);
    assert!(Cache::read(Inputs(&with)).is_err());
}
