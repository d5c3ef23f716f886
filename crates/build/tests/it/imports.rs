//! Archives that others made: the good, the broken and the hostile.

use std::path::PathBuf;

use build::{ImportError, PackError};
use flate2::Compression;
use flate2::write::GzEncoder;
use tar::{EntryType, Header};
use types::{Bundle, ProcessType};

use crate::site::Site;

/// An entry as an attacker writes it: the tar library's own checks are passed by.
fn entry(kind: EntryType, name: &str, link: &str, content: &[u8]) -> Vec<u8> {
    let mut header = Header::new_ustar();
    let bytes = header.as_ustar_mut().unwrap();
    bytes.name[..name.len()].copy_from_slice(name.as_bytes());
    bytes.linkname[..link.len()].copy_from_slice(link.as_bytes());
    header.set_entry_type(kind);
    header.set_mode(0o4755);
    header.set_size(content.len() as u64);
    header.set_cksum();
    let mut entry = header.as_bytes().to_vec();
    entry.extend_from_slice(content);
    entry.resize(entry.len().next_multiple_of(512), 0);
    entry
}

fn file(name: &str, content: &str) -> Vec<u8> {
    entry(EntryType::Regular, name, "", content.as_bytes())
}

/// A file of 8 GiB in 512 bytes.
fn sparse(name: &str) -> Vec<u8> {
    let mut header = Header::new_gnu();
    header.set_path(name).unwrap();
    header.set_entry_type(EntryType::GNUSparse);
    header.set_mode(0o644);
    header.set_size(0);
    let bytes = header.as_gnu_mut().unwrap();
    bytes.sparse[0].offset = *b"77777777777\0";
    bytes.sparse[0].numbytes = *b"00000000000\0";
    bytes.realsize = *b"77777777777\0";
    header.set_cksum();
    header.as_bytes().to_vec()
}

fn compressed(entries: &[Vec<u8>]) -> Vec<u8> {
    use std::io::Write as _;
    let mut archive = GzEncoder::new(Vec::new(), Compression::fast());
    for entry in entries {
        archive.write_all(entry).unwrap();
    }
    archive.write_all(&[0; 1024]).unwrap();
    archive.finish().unwrap()
}

async fn import(bytes: &[u8]) -> (Site, Result<Bundle, ImportError>) {
    let site = Site::new().await;
    let path: PathBuf = site.directory.path().join("app.tar.gz");
    std::fs::write(&path, bytes).unwrap();
    let imported = site.builder.import(&path, &site.recorder).await;
    (site, imported)
}

async fn refusal(entries: &[Vec<u8>]) -> String {
    let mut all = vec![file("Procfile", "web: ./run\n")];
    all.extend_from_slice(entries);
    let (site, imported) = import(&compressed(&all)).await;
    let error = imported.unwrap_err().to_string();
    assert_eq!(site.store.usage().await.unwrap().blobs, 0, "nothing is left of it");
    error
}

#[tokio::test]
async fn a_tree_with_a_procfile_is_a_bundle_and_runs() {
    let server = "#!/bin/sh\nexec python3 -m http.server --bind 127.0.0.1 $PORT\n";
    let (site, bundle) = import(&compressed(&[
        entry(EntryType::Directory, "./", "", b""),
        file("./Procfile", "web: bin/run\n"),
        file("./bin/run", server),
        file("./index.html", "made elsewhere"),
        entry(EntryType::Symlink, "./same.html", "index.html", b""),
        entry(EntryType::Directory, "./node_modules/.bin/", "", b""),
    ]))
    .await;
    let bundle = bundle.unwrap();
    assert_eq!(bundle.manifest.processes[&ProcessType::web()].run, "bin/run");
    assert!(bundle.env["PATH"].starts_with("/app/node_modules/.bin:"), "{:?}", bundle.env);
    assert_eq!(site.store.bundle(&bundle.digest).await.unwrap(), bundle);
    let root = site.unpack(&bundle);
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(root.path().join("app/bin/run")).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o755, "without the setuid bit");
    assert!(site.answer(&bundle).await.contains("made elsewhere"));
}

#[tokio::test]
async fn the_same_archive_is_the_same_bundle() {
    let bytes = compressed(&[file("solum.yaml", "processes: { web: ./run }")]);
    let (one, other) = (import(&bytes).await.1.unwrap(), import(&bytes).await.1.unwrap());
    assert_eq!(one.digest, other.digest);
}

#[tokio::test]
async fn what_reaches_outside_is_refused_by_name() {
    for (hostile, name) in [
        (file("../evil", "x"), "'../evil' is refused: it has '..' in its name"),
        (file("a/../../evil", "x"), "'a/../../evil' is refused: it has '..' in its name"),
        (file("/etc/evil", "x"), "'/etc/evil' is refused: its name is absolute"),
        (entry(EntryType::Char, "null", "", b""), "'null' is refused: a bundle holds no devices"),
        (entry(EntryType::Fifo, "pipe", "", b""), "'pipe' is refused: a bundle holds no devices"),
        (entry(EntryType::Link, "hard", "/etc/passwd", b""), "'/etc/passwd' is refused"),
        (entry(EntryType::Link, "hard", "later", b""), "'hard' is refused: it is a hard link to"),
        (entry(EntryType::Symlink, "soft", "/etc/shadow", b""), "'soft' is a symbolic link to"),
        (entry(EntryType::Symlink, "soft", "../../x", b""), "'soft' is a symbolic link to"),
        (file("a/.wh.b", ""), "'a/.wh.b' is refused: names that begin with .wh."),
        (sparse("hole"), "'hole' is refused: it is sparse; pack without --sparse"),
        (file("Procfile", "web: x"), "'Procfile' is refused: it is there a second time"),
        (file("Procfile/x", "y"), "is refused: it stands below a name that is no directory"),
    ] {
        let error = refusal(&[hostile]).await;
        assert!(error.contains(name), "{error}");
    }
}

#[tokio::test]
async fn nothing_is_written_through_a_link() {
    let link = entry(EntryType::Symlink, "lib", "/usr/lib", b"");
    let error = refusal(&[link, file("lib/evil", "x")]).await;
    assert!(error.contains("'lib' is refused: it stands below a name"), "{error}");
}

#[tokio::test]
async fn an_archive_without_a_start_is_refused() {
    let (_, imported) = import(&compressed(&[file("app/server.py", "x")])).await;
    let error = imported.unwrap_err();
    assert!(matches!(error, ImportError::NoProcess { inside: None }), "{error:?}");
    assert!(error.hint().unwrap().contains("Procfile"));
}

#[tokio::test]
async fn mistakes_in_its_manifest_have_their_places() {
    let (_, imported) = import(&compressed(&[file("solum.yaml", "proceses: {}")])).await;
    let error = imported.unwrap_err().to_string();
    assert_eq!(error, "solum.yaml:1:1: unknown key 'proceses'; did you mean 'processes'?");
}

#[tokio::test]
async fn what_is_no_archive_or_breaks_off_is_said_so() {
    for (bytes, reason) in [
        (&b""[..], "it is empty"),
        (b"PK\x03\x04", "it is a zip file"),
        (b"\x28\xb5\x2f\xfd", "it is compressed with zstd, not gzip"),
        (b"hello", "it does not begin like gzip data"),
    ] {
        let error = import(bytes).await.1.unwrap_err().to_string();
        assert_eq!(error, format!("the file is not a .tar.gz: {reason}"));
    }
    let content: String = (0..40_000).map(|number| format!("{number}\n")).collect();
    let whole = compressed(&[file("Procfile", "web: ./run\n"), file("data", &content)]);
    for length in [20, whole.len() / 2, whole.len() - 4] {
        let (site, imported) = import(&whole[..length]).await;
        let error = imported.unwrap_err();
        assert!(matches!(error, ImportError::Damaged { .. }), "{length}: {error:?}");
        assert_eq!(site.store.usage().await.unwrap().blobs, 0);
    }
    assert!(import(&whole).await.1.is_ok());
}

#[tokio::test]
async fn links_are_checked_as_in_every_bundle() {
    let link = entry(EntryType::Symlink, "soft", "/etc/shadow", b"");
    let (_, imported) = import(&compressed(&[file("Procfile", "web: x"), link])).await;
    assert!(matches!(imported, Err(ImportError::Pack(PackError::PointsOutside { .. }))));
}

#[tokio::test]
async fn a_tree_that_was_packed_with_the_directory_around_it_is_recognised() {
    let (_site, result) = import(&compressed(&[file("art/Procfile", "web: ./serve\n")])).await;
    let error = result.unwrap_err();
    assert!(error.to_string().ends_with("; there is one inside art/"), "{error}");
    assert!(error.hint().unwrap().contains("-C DIRECTORY ."));
}

#[tokio::test]
async fn an_archive_that_expands_too_far_is_told_the_bound() {
    let zeros = "\0".repeat(65 << 20);
    let (site, result) = import(&compressed(&[file("zeros", &zeros)])).await;
    let error = result.unwrap_err();
    assert_eq!(error.to_string(), "the archive is refused: it expands to more than 64 MiB");
    let left = site.directory.path().join("store/ingest");
    assert_eq!(std::fs::read_dir(left).unwrap().count(), 0);
}
