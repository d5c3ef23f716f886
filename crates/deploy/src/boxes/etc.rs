//! `/etc` of every box: a copy of those parts of the machine's that programs need and that hide nothing.
//!
//! It is a copy because a box shows it with one mount. A mount of each part by itself was most of what a box cost.
//!
//! # The invariant
//!
//! A copy is named by what it is a copy of, is there whole or not at all, and never changes. Who makes a box looks for the
//! copy of the machine's `/etc` as it is now, and makes it where it is missing; boxes that run keep what they began with.
//! So a copy goes only when it is not of now, when no process sees it, and when it was not made just now.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// Parts of `/etc` that programs need and that hold nothing to hide.
const PARTS: &[&str] = &[
    "alternatives",
    "ca-certificates",
    "ca-certificates.conf",
    "crypto-policies",
    "debian_version",
    "gai.conf",
    "host.conf",
    "hosts",
    "java-17-openjdk",
    "java-21-openjdk",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "locale.alias",
    "localtime",
    "magic",
    "mime.types",
    "nsswitch.conf",
    "os-release",
    "perl",
    "pki/ca-trust",
    "pki/tls",
    "protocols",
    "python3",
    "python3.11",
    "python3.12",
    "python3.13",
    "resolv.conf",
    "services",
    "ssl/cert.pem",
    "ssl/certs",
    "ssl/openssl.cnf",
    "terminfo",
    "timezone",
];

/// What the names of whole copies begin with.
const COPY: &str = "etc-";

/// Each box has its own; here they are places to mount them on.
const OWN: [&str; 2] = ["passwd", "group"];

/// Deeper than this nothing is copied.
const DEEPEST: u32 = 8;
/// A file that is larger is left out: nothing that is meant here comes near.
const LARGEST: u64 = 16 * 1024 * 1024;
/// A copy that somebody may be about to mount.
const JUST_NOW: SignedDuration = SignedDuration::from_hours(1);

/// Where copies are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Etc {
    directory: PathBuf,
}

impl Etc {
    pub(super) fn new(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// The copy of what `/etc` is now; made if there is none yet.
    pub(super) fn current(&self) -> io::Result<PathBuf> {
        let (parts, name) = look(Path::new("/etc"));
        let copy = self.directory.join(name);
        if copy.is_dir() {
            return Ok(copy);
        }
        match self.make(&parts, &copy) {
            Ok(()) => Ok(copy),
            // On a full disk what was shown last is better than no box, which may be what somebody makes room by.
            Err(error) if error.kind() == io::ErrorKind::StorageFull => self.newest().ok_or(error),
            Err(error) => Err(error),
        }
    }

    fn newest(&self) -> Option<PathBuf> {
        let copies = fs::read_dir(&self.directory).ok()?.flatten();
        let copies = copies.filter(|entry| entry.file_name().to_string_lossy().starts_with(COPY));
        let newest = copies.max_by_key(|entry| entry.metadata().and_then(|it| it.modified()).ok());
        newest.map(|entry| entry.path())
    }

    fn make(&self, parts: &[Part], copy: &Path) -> io::Result<()> {
        directory(&self.directory)?;
        let unfinished = self.directory.join(format!("new-{:016x}", rand::random::<u64>()));
        directory(&unfinished)?;
        let made = parts
            .iter()
            .try_for_each(|part| part.copy_below(&unfinished))
            .and_then(|()| OWN.iter().try_for_each(|name| write(&unfinished.join(name), b"")));
        let renamed = made.and_then(|()| fs::rename(&unfinished, copy));
        if renamed.is_err() {
            let _ = fs::remove_dir_all(&unfinished);
        }
        // Somebody else may have made it meanwhile.
        if copy.is_dir() { Ok(()) } else { renamed }
    }

    /// Removes copies that nobody needs any more.
    pub(super) fn sweep(&self, now: Timestamp) -> io::Result<()> {
        let (_, current) = look(Path::new("/etc"));
        for entry in fs::read_dir(&self.directory)?.flatten() {
            let name = entry.file_name();
            let made = entry.metadata().and_then(|metadata| metadata.modified());
            let made = made.ok().and_then(|made| Timestamp::try_from(made).ok());
            let is_old = made.is_some_and(|made| now.duration_since(made) > JUST_NOW);
            if is_old && *name != *current && !is_mounted(&name.to_string_lossy()) {
                fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(())
    }
}

/// Whether any process sees something of this name.
fn is_mounted(name: &str) -> bool {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter_map(|process| fs::read_to_string(process.path().join("mountinfo")).ok())
        .any(|mounts| mounts.contains(name))
}

/// Something below `/etc`, at the time when it was looked at.
struct Part {
    source: PathBuf,
    /// Relative to `/etc`.
    path: PathBuf,
    kind: Kind,
}

enum Kind {
    Directory,
    File,
    Link(PathBuf),
}

impl Part {
    fn copy_below(&self, root: &Path) -> io::Result<()> {
        let target = root.join(&self.path);
        if let Some(above) = target.parent() {
            directory(above)?;
        }
        match &self.kind {
            Kind::Directory => directory(&target),
            Kind::Link(leads_to) => symlink(leads_to, target),
            Kind::File => match fs::read(&self.source) {
                Ok(bytes) => write(&target, &bytes),
                // It went meanwhile, or is not for us.
                Err(error) if is_hidden(&error) => Ok(()),
                Err(error) => Err(error),
            },
        }
    }
}

fn is_hidden(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied)
}

/// All that is to be copied, in order, and a name that is another one whenever that has changed.
fn look(etc: &Path) -> (Vec<Part>, String) {
    let mut looking = Looking { parts: Vec::new(), hash: Sha256::new() };
    for name in PARTS {
        let source = etc.join(name);
        // What a part itself leads to is meant, wherever that is.
        if let Ok(metadata) = fs::metadata(&source) {
            looking.add(source, name.into(), &metadata, 0);
        }
    }
    let digest = looking.hash.finalize();
    let name: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    (looking.parts, format!("{COPY}{name}"))
}

struct Looking {
    parts: Vec<Part>,
    hash: Sha256,
}

impl Looking {
    fn add(&mut self, source: PathBuf, path: PathBuf, metadata: &Metadata, depth: u32) {
        let kind = match metadata.file_type() {
            kind if kind.is_dir() => Kind::Directory,
            kind if kind.is_symlink() => match fs::read_link(&source) {
                Ok(leads_to) => Kind::Link(leads_to),
                Err(_) => return,
            },
            // What not everybody may read is not for a box.
            kind if kind.is_file() && metadata.len() <= LARGEST && metadata.mode() & 0o4 != 0 => {
                Kind::File
            }
            _ => return,
        };
        self.hash.update(path.as_os_str().as_encoded_bytes());
        for number in [metadata.dev(), metadata.ino(), metadata.len()] {
            self.hash.update(number.to_le_bytes());
        }
        for number in
            [metadata.mtime(), metadata.mtime_nsec(), metadata.ctime(), metadata.ctime_nsec()]
        {
            self.hash.update(number.to_le_bytes());
        }
        let inside = matches!(kind, Kind::Directory) && depth < DEEPEST;
        self.parts.push(Part { source: source.clone(), path: path.clone(), kind });
        if !inside {
            return;
        }
        let mut entries: Vec<_> = fs::read_dir(source).into_iter().flatten().flatten().collect();
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            if let Ok(metadata) = entry.metadata() {
                self.add(entry.path(), path.join(entry.file_name()), &metadata, depth + 1);
            }
        }
    }
}

/// For everybody to pass, whatever our mask is.
fn directory(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o755).create(path)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    fs::write(path, bytes)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o444))
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use types::{Clock as _, SystemClock};

    use super::*;

    #[test]
    fn nothing_that_holds_secrets_is_shown() {
        let hidden =
            ["shadow", "gshadow", "passwd", "group", "sudoers", "ssh", "ssl", "ssl/private"];
        assert!(PARTS.iter().all(|name| !hidden.contains(name)));
    }

    fn names(parts: &[Part]) -> Vec<&str> {
        parts.iter().map(|part| part.path.to_str().unwrap()).collect()
    }

    #[test]
    fn a_copy_is_known_by_all_that_is_in_it() {
        let etc = tempfile::tempdir().unwrap();
        let path = |name: &str| etc.path().join(name);
        for directory in ["ssl/certs", "ssl/private", "perl"] {
            fs::create_dir_all(path(directory)).unwrap();
        }
        for file in ["hosts", "shadow", "ssl/certs/a.pem", "ssl/private/key", "perl/secret"] {
            fs::write(path(file), file).unwrap();
        }
        fs::set_permissions(path("perl/secret"), fs::Permissions::from_mode(0o600)).unwrap();
        symlink("/usr/share/x.pem", path("ssl/certs/x.pem")).unwrap();
        symlink("/nowhere/at/all", path("resolv.conf")).unwrap();
        let (parts, first) = look(etc.path());
        let expected = ["hosts", "perl", "ssl/certs", "ssl/certs/a.pem", "ssl/certs/x.pem"];
        assert_eq!(names(&parts), expected);
        let copies = tempfile::tempdir().unwrap();
        let copy = copies.path().join(&first);
        Etc::new(copies.path().to_owned()).make(&parts, &copy).unwrap();
        assert_eq!(fs::read_to_string(copy.join("ssl/certs/a.pem")).unwrap(), "ssl/certs/a.pem");
        assert_eq!(
            fs::read_link(copy.join("ssl/certs/x.pem")).unwrap(),
            Path::new("/usr/share/x.pem")
        );
        assert!(OWN.iter().all(|name| copy.join(name).is_file()));
        assert!(!copy.join("ssl/private").exists());
        assert_eq!(fs::read_dir(copies.path()).unwrap().count(), 1, "nothing is left half done");

        assert_eq!(look(etc.path()).1, first);
        fs::write(path("ssl/certs/a.pem"), "another text").unwrap();
        let (_, second) = look(etc.path());
        assert_ne!(second, first);
        fs::remove_file(path("hosts")).unwrap();
        assert_ne!(look(etc.path()).1, second);
    }

    #[test]
    fn of_the_copies_the_one_of_now_and_the_new_ones_stay() {
        let directory = tempfile::tempdir().unwrap();
        let etc = Etc::new(directory.path().to_owned());
        let current = etc.current().unwrap();
        assert_eq!(etc.current().unwrap(), current);
        for name in ["etc-0123456789abcdef", "new-0123456789abcdef", "etc-fedcba9876543210"] {
            fs::create_dir(directory.path().join(name)).unwrap();
        }
        for name in [
            &*current.file_name().unwrap().to_string_lossy(),
            "etc-0123456789abcdef",
            "new-0123456789abcdef",
        ] {
            fs::File::open(directory.path().join(name))
                .unwrap()
                .set_modified(SystemTime::UNIX_EPOCH)
                .unwrap();
        }
        etc.sweep(SystemClock.now()).unwrap();
        let mut left: Vec<_> =
            fs::read_dir(directory.path()).unwrap().map(|it| it.unwrap().path()).collect();
        left.sort();
        let mut expected = [current, directory.path().join("etc-fedcba9876543210")];
        expected.sort();
        assert_eq!(left, expected);
    }
}
