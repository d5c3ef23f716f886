use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

use super::*;

/// A job's directory, and beside it a file that is none of its business.
struct Ground {
    outer: tempfile::TempDir,
    inner: PathBuf,
    beneath: Beneath,
}

impl Ground {
    fn new() -> Self {
        let outer = tempfile::tempdir().unwrap();
        std::fs::write(outer.path().join("secret"), "hush").unwrap();
        std::fs::create_dir(outer.path().join("elsewhere")).unwrap();
        let inner = outer.path().join("job");
        std::fs::create_dir(&inner).unwrap();
        let beneath = Beneath::open(&inner, Some(23_456)).unwrap();
        Self { outer, inner, beneath }
    }

    /// Every way out that a file system has.
    fn hostile(&self) {
        symlink("../secret", self.inner.join("link")).unwrap();
        symlink(self.outer.path().join("secret"), self.inner.join("absolute")).unwrap();
        symlink("../elsewhere", self.inner.join("directory")).unwrap();
        symlink("/proc/self/root", self.inner.join("magic")).unwrap();
        symlink("loop", self.inner.join("loop")).unwrap();
        rustix::fs::mknodat(
            CWD,
            self.inner.join("pipe"),
            FileType::Fifo,
            Mode::from_raw_mode(0o666),
            0,
        )
        .unwrap();
    }

    fn untouched(&self) {
        assert_eq!(std::fs::read_to_string(self.outer.path().join("secret")).unwrap(), "hush");
        assert_eq!(std::fs::read_dir(self.outer.path().join("elsewhere")).unwrap().count(), 0);
    }
}

#[test]
fn nothing_outside_is_read() {
    let ground = Ground::new();
    ground.hostile();
    for path in [
        "link",
        "absolute",
        "../secret",
        "magic/etc/passwd",
        "directory/../../secret",
        "pipe",
        "loop",
        "/etc/passwd",
    ] {
        let read = ground.beneath.read(Path::new(path), 100);
        assert!(!matches!(read, Ok(Some(_))), "{path}: {read:?}");
    }
}

#[test]
fn nothing_outside_is_written_or_removed() {
    let ground = Ground::new();
    ground.hostile();
    let beneath = &ground.beneath;
    // A link in the place of a file is replaced, and what it led to is not touched.
    beneath.write(Path::new("link"), b"ours", 0o644).unwrap();
    beneath.write(Path::new("pipe"), b"ours", 0o644).unwrap();
    assert_eq!(std::fs::read_to_string(ground.inner.join("link")).unwrap(), "ours");
    for path in ["directory/x", "../x", "magic/tmp/x", "loop/x", "/tmp/x"] {
        assert!(beneath.write(Path::new(path), b"x", 0o644).is_err(), "{path}");
        assert!(beneath.link(Path::new(path), Path::new("x")).is_err(), "{path}");
        assert!(beneath.make_directories(&Path::new(path).join("y")).is_err(), "{path}");
    }
    beneath.remove(Path::new("directory")).unwrap();
    beneath.clear().unwrap();
    assert_eq!(std::fs::read_dir(&ground.inner).unwrap().count(), 0);
    ground.untouched();
}

#[test]
fn links_that_stay_inside_are_followed() {
    let ground = Ground::new();
    std::fs::create_dir(ground.inner.join("real")).unwrap();
    symlink("real", ground.inner.join("alias")).unwrap();
    ground.beneath.write(Path::new("alias/deep/file"), b"x", 0o640).unwrap();
    let made = std::fs::metadata(ground.inner.join("real/deep/file")).unwrap();
    assert_eq!((made.uid(), made.mode() & 0o7777), (23_456, 0o640));
    assert_eq!(ground.beneath.read(Path::new("alias/deep/file"), 9).unwrap().unwrap(), b"x");
    assert_eq!(ground.beneath.read(Path::new("alias/none"), 9).unwrap(), None);
}

#[test]
fn a_walk_follows_no_link_and_names_what_is_there() {
    let ground = Ground::new();
    ground.hostile();
    ground.beneath.write(Path::new("a/b"), b"12", 0o755).unwrap();
    let mut seen = Vec::new();
    ground
        .beneath
        .walk(Path::new(""), &mut |entry| {
            seen.push((entry.path.to_string_lossy().into_owned(), entry.kind.clone()));
            Ok(true)
        })
        .unwrap();
    let names: Vec<&str> = seen.iter().map(|(path, _)| path.as_str()).collect();
    let expected = ["", "a", "a/b", "absolute", "directory", "link", "loop", "magic", "pipe"];
    assert_eq!(names, expected);
    assert_eq!(seen[4].1, Kind::Link("../elsewhere".into()));
    assert_eq!(seen[8].1, Kind::Other);
}

#[test]
fn a_mode_lends_nobody_rights() {
    let ground = Ground::new();
    ground.beneath.write(Path::new("program"), b"", 0o6755).unwrap();
    let mode = std::fs::metadata(ground.inner.join("program")).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o755);
}

#[test]
fn what_is_read_is_bounded() {
    let ground = Ground::new();
    std::fs::write(ground.inner.join("long"), [b'x'; 100]).unwrap();
    assert_eq!(ground.beneath.read(Path::new("long"), 9).unwrap().unwrap().len(), 10);
}

#[test]
fn everything_is_given_to_the_jobs_user_and_nothing_else_is() {
    let ground = Ground::new();
    ground.hostile();
    std::fs::create_dir(ground.inner.join("d")).unwrap();
    std::fs::write(ground.inner.join("d/f"), "").unwrap();
    ground.beneath.give_away().unwrap();
    for path in ["", "d", "d/f", "link"] {
        let owner = std::fs::symlink_metadata(ground.inner.join(path)).unwrap().uid();
        assert_eq!(owner, 23_456, "{path}");
    }
    for path in ["secret", "elsewhere"] {
        assert_eq!(std::fs::metadata(ground.outer.path().join(path)).unwrap().uid(), 0, "{path}");
    }
}

#[test]
fn a_directory_that_was_made_and_not_given_away_is_given_away_later() {
    let ground = Ground::new();
    // As a server leaves it that is killed in between.
    std::fs::create_dir(ground.inner.join("a")).unwrap();
    ground.beneath.write(Path::new("a/b/c"), b"", 0o644).unwrap();
    let us = rustix::process::geteuid();
    let owner = if us.is_root() { 23_456 } else { us.as_raw() };
    for path in ["a", "a/b", "a/b/c"] {
        assert_eq!(std::fs::metadata(ground.inner.join(path)).unwrap().uid(), owner, "{path}");
    }
}
