use crate::actions::inputs::Inputs;
use std::collections::BTreeMap;
use std::os::unix::fs::{MetadataExt as _, symlink};

use types::SystemClock;

use super::super::environment::Places;
use super::*;

struct Ground {
    directory: tempfile::TempDir,
    artifacts: Artifacts,
    run: RunId,
}

fn ground() -> Ground {
    let directory = tempfile::tempdir().unwrap();
    let artifacts = Artifacts::new(directory.path().join("artifacts"), 1 << 20).unwrap();
    Ground { artifacts, run: RunId::generate(&SystemClock), directory }
}

fn with(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn now() -> Timestamp {
    "2026-01-31T12:00:00Z".parse().unwrap()
}

impl Ground {
    fn job(&self, name: &str) -> JobDirectory {
        JobDirectory::make(self.directory.path().join(name), 23_458, Places::default()).unwrap()
    }

    fn source(&self, job: &str) -> PathBuf {
        self.directory.path().join(job).join("source")
    }

    fn upload(
        &self,
        job: &JobDirectory,
        pairs: &[(&str, &str)],
    ) -> Result<Option<Artifact>, ArtifactError> {
        let with = with(pairs);
        let upload = Upload::read(Inputs(&with))?;
        self.artifacts.upload(self.run, &upload, &rand::random::<u64>().to_string(), job, now())
    }

    fn download(
        &self,
        job: &JobDirectory,
        pairs: &[(&str, &str)],
    ) -> Result<Vec<Artifact>, ArtifactError> {
        let with = with(pairs);
        self.artifacts.download(self.run, &Download::read(Inputs(&with))?, job)
    }
}

/// Files below a directory.
fn files(directory: &Path) -> Vec<String> {
    let beneath = Beneath::open(directory, None).unwrap();
    let mut names = Vec::new();
    beneath
        .walk(Path::new(""), &mut |entry| {
            if is_content(&entry.kind) {
                names.push(entry.path.to_string_lossy().into_owned());
            }
            Ok(true)
        })
        .unwrap();
    names
}

#[test]
fn what_one_job_keeps_another_finds() {
    let ground = ground();
    let job = ground.job("one");
    let workspace = job.open(Root::Workspace).unwrap();
    for (path, mode) in [("dist/a/run", 0o755), ("dist/b.txt", 0o644), ("dist/.hidden", 0o644)] {
        workspace.write(Path::new(path), path.as_bytes(), mode).unwrap();
    }
    workspace.link(Path::new("dist/link"), Path::new("b.txt")).unwrap();
    let kept = ground.upload(&job, &[("name", "it"), ("path", "dist")]).unwrap().unwrap();
    assert_eq!((kept.files, kept.bytes), (3, 20));
    let other = ground.job("two");
    ground.download(&other, &[("name", "it"), ("path", "got")]).unwrap();
    let got = ground.source("two").join("got");
    assert_eq!(files(&got), ["a/run", "b.txt", "link"]);
    let run = fs::metadata(got.join("a/run")).unwrap();
    assert_eq!((run.uid(), run.mode() & 0o777), (23_458, 0o755));
    assert_eq!(fs::read_to_string(got.join("a/run")).unwrap(), "dist/a/run");
}

#[test]
fn names_begin_where_what_was_asked_for_has_something_in_common() {
    let ground = ground();
    let job = ground.job("one");
    let workspace = job.open(Root::Workspace).unwrap();
    for path in ["out/x/one.txt", "out/y/two.txt", "single.txt"] {
        workspace.write(Path::new(path), b"", 0o644).unwrap();
    }
    for (name, path, expected) in [
        ("file", "out/x/one.txt", vec!["one.txt"]),
        ("two", "out/x\nout/y", vec!["x/one.txt", "y/two.txt"]),
        ("glob", "out/**/*.txt", vec!["x/one.txt", "y/two.txt"]),
        ("all", "out/x/one.txt\nsingle.txt", vec!["out/x/one.txt", "single.txt"]),
    ] {
        ground.upload(&job, &[("name", name), ("path", path)]).unwrap();
        let other = ground.job(name);
        ground.download(&other, &[("name", name)]).unwrap();
        assert_eq!(files(&ground.source(name)), expected, "{name}");
    }
    let other = ground.job("each");
    ground.download(&other, &[("pattern", "t*")]).unwrap();
    assert_eq!(files(&ground.source("each")), ["two/x/one.txt", "two/y/two.txt"]);
    let merged = ground.job("merged");
    ground.download(&merged, &[("pattern", "[ft]*"), ("merge-multiple", "true")]).unwrap();
    assert_eq!(files(&ground.source("merged")), ["one.txt", "x/one.txt", "y/two.txt"]);
}

#[test]
fn a_name_is_taken_once_unless_it_is_to_be_overwritten() {
    let ground = ground();
    let job = ground.job("one");
    job.open(Root::Workspace).unwrap().write(Path::new("a"), b"1", 0o644).unwrap();
    ground.upload(&job, &[("path", "a")]).unwrap();
    let again = ground.upload(&job, &[("path", "a")]).unwrap_err();
    assert!(matches!(again, ArtifactError::Exists(_)), "{again}");
    ground.upload(&job, &[("path", "a"), ("overwrite", "true")]).unwrap();
    assert_eq!(ground.artifacts.list(ground.run).unwrap().len(), 1);
}

#[test]
fn a_step_that_a_killed_server_began_uploads_the_same_again() {
    let ground = ground();
    let job = ground.job("one");
    job.open(Root::Workspace).unwrap().write(Path::new("a"), b"1", 0o644).unwrap();
    let with = with(&[("path", "a")]);
    let upload = Upload::read(Inputs(&with)).unwrap();
    let by = |step| ground.artifacts.upload(ground.run, &upload, step, &job, now());
    let first = by("one").unwrap();
    assert_eq!(by("one").unwrap(), first);
    assert!(matches!(by("two").unwrap_err(), ArtifactError::Exists(_)));
}

#[test]
fn finding_nothing_is_what_the_step_says_it_is() {
    let ground = ground();
    let job = ground.job("one");
    assert_eq!(ground.upload(&job, &[("path", "none")]).unwrap(), None);
    let error =
        ground.upload(&job, &[("path", "none"), ("if-no-files-found", "error")]).unwrap_err();
    assert_eq!(error.to_string(), "no files were found under none");
    let absent = ground.download(&job, &[("name", "it")]).unwrap_err();
    assert!(absent.to_string().contains("no artifact `it`; it has none"), "{absent}");
}

#[test]
fn a_hostile_tree_gets_nothing_in_or_out() {
    let ground = ground();
    fs::write(ground.directory.path().join("secret"), "hush").unwrap();
    let job = ground.job("one");
    let source = ground.source("one");
    symlink("../../secret", source.join("link")).unwrap();
    symlink("../..", source.join("up")).unwrap();
    fs::write(source.join("plain"), "").unwrap();
    ground.upload(&job, &[("name", "all"), ("path", ".")]).unwrap();
    assert!(ground.upload(&job, &[("name", "x"), ("path", "up/secret")]).is_err());
    assert!(ground.upload(&job, &[("name", "x"), ("path", "../secret")]).is_err());
    let archive = archive(&ground.artifacts.directory.join(ground.run.to_string()), "all");
    let text = std::process::Command::new("zcat").arg(archive).output().unwrap().stdout;
    assert!(!String::from_utf8_lossy(&text).contains("hush"));
    // The links come out as links, over which nothing is written.
    let other = ground.job("two");
    symlink("../..", ground.source("two").join("out")).unwrap();
    assert!(ground.download(&other, &[("name", "all"), ("path", "out")]).is_err());
    assert!(!ground.directory.path().join("plain").exists());
}

#[test]
fn there_are_bounds() {
    let ground = ground();
    let job = ground.job("one");
    let workspace = job.open(Root::Workspace).unwrap();
    workspace.write(Path::new("big"), &vec![0; (1 << 20) + 1], 0o644).unwrap();
    assert!(ground.upload(&job, &[("path", "big")]).is_err());
    assert!(ground.artifacts.list(ground.run).unwrap().is_empty());
    let left = fs::read_dir(ground.artifacts.directory.join(ground.run.to_string())).unwrap();
    assert_eq!(left.count(), 0);
    for (name, value) in [("retention-days", "91"), ("name", "a/b"), ("if-no-files-found", "x")] {
        let error = ground.upload(&job, &[("path", "big"), (name, value)]).unwrap_err();
        assert!(matches!(error, ArtifactError::Input(_)), "{error}");
    }
    assert!(ground.download(&job, &[("run-id", "7")]).is_err());
}

#[test]
fn what_has_expired_goes() {
    let ground = ground();
    let job = ground.job("one");
    job.open(Root::Workspace).unwrap().write(Path::new("a"), b"1", 0o644).unwrap();
    ground.upload(&job, &[("path", "a"), ("retention-days", "1")]).unwrap();
    ground.artifacts.expire(ground.run, "2026-02-01T11:59:59Z".parse().unwrap()).unwrap();
    assert_eq!(ground.artifacts.list(ground.run).unwrap().len(), 1);
    ground.artifacts.expire(ground.run, "2026-02-01T12:00:00Z".parse().unwrap()).unwrap();
    assert!(ground.artifacts.list(ground.run).unwrap().is_empty());
}
