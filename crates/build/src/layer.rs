//! A tree of files as an uncompressed tar layer, the same bytes for the same files: entries sorted, owner root, one time for
//! all, modes 0755 or 0644, no extended attributes.
//!
//! It is written from trees that untrusted commands may have filled, so nothing is followed and nothing is opened that
//! is not a regular file. Nobody may write to the tree meanwhile.

mod links;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use tar::{EntryType, Header};
use types::{Layer, MediaType};

use crate::store::{ArtifactStore, BlobWriter, Staged, StoreError};

pub(crate) use links::Links;

/// 1980-01-01: the earliest that every archive format can hold. For what has no time of its own.
pub(crate) const NO_TIME: u64 = 315_532_800;

/// Where files of a layer come from.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) root: PathBuf,
    /// In the layer, without slashes around it: `app/node_modules`. The root may also be a single file.
    pub(crate) prefix: String,
    /// Relative to the root; with everything below.
    pub(crate) without: Vec<String>,
    /// Only what is not the same in this tree.
    pub(crate) changed_from: Option<PathBuf>,
    /// Seconds since 1970, for every entry.
    pub(crate) time: u64,
    pub(crate) links: Links,
}

#[derive(Debug, thiserror::Error)]
pub enum PackError {
    #[error("'{path}' is a symbolic link to '{target}', which is outside of the app")]
    PointsOutside { path: String, target: String },
    #[error("the app has more than {limit} files")]
    TooManyFiles { limit: usize },
    #[error("the app has more than {} GiB of files; '{path}' is where they were reached", MAX_LAYER_BYTES >> 30)]
    TooLarge { path: String },
    #[error("cannot pack '{}'", path.display())]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A packed layer that may have to be committed.
#[derive(Debug)]
pub(crate) struct Packed {
    pub(crate) layer: Layer,
    pub(crate) staged: Staged,
    pub(crate) files: usize,
    /// Sockets and the like, which no bundle holds.
    pub(crate) skipped: Vec<String>,
}

/// More files than this are a mistake: somebody's home directory, or a cache.
const MAX_FILES: usize = 500_000;
/// So are more bytes: a sparse file, which takes no room where it is, or a copy of a disk. Archives are held to it too.
pub(crate) const MAX_LAYER_BYTES: u64 = 16 << 30;

pub(crate) fn pack(store: &ArtifactStore, parts: &[Part]) -> Result<Packed, PackError> {
    let mut packer = Packer {
        tar: tar::Builder::new(store.writer()?),
        directories: BTreeSet::new(),
        files: 0,
        bytes: 0,
        skipped: Vec::new(),
    };
    for part in parts {
        packer.part(part)?;
    }
    let Packer { tar, files, skipped, .. } = packer;
    let finish = |mut tar: tar::Builder<BlobWriter>| -> io::Result<Staged> {
        tar.finish()?;
        let mut writer = tar.into_inner()?;
        writer.flush()?;
        writer.finish()
    };
    let staged =
        finish(tar).map_err(|source| PackError::Io { path: "the layer".into(), source })?;
    let layer =
        Layer { digest: staged.digest.clone(), media_type: MediaType::Tar, size: staged.size };
    Ok(Packed { layer, staged, files, skipped })
}

struct Packer {
    tar: tar::Builder<BlobWriter>,
    /// Those that have an entry.
    directories: BTreeSet<PathBuf>,
    files: usize,
    bytes: u64,
    skipped: Vec<String>,
}

fn io_error(path: &Path) -> impl FnOnce(io::Error) -> PackError + '_ {
    move |source| PackError::Io { path: path.to_owned(), source }
}

impl Packer {
    fn part(&mut self, part: &Part) -> Result<(), PackError> {
        let found = match std::fs::symlink_metadata(&part.root) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(io_error(&part.root)(error)),
        };
        self.entry(part, Path::new(""), &found)
    }

    /// `inside` is the path below the part's root.
    fn entry(&mut self, part: &Part, inside: &Path, found: &Metadata) -> Result<(), PackError> {
        if part.without.iter().any(|path| Path::new(path) == inside) {
            return Ok(());
        }
        let kind = found.file_type();
        if kind.is_dir() {
            return self.directory(part, inside);
        }
        if part.is_unchanged(inside, found) {
            return Ok(());
        }
        self.files += 1;
        if self.files > MAX_FILES {
            return Err(PackError::TooManyFiles { limit: MAX_FILES });
        }
        self.parents(part, inside)?;
        if kind.is_symlink() {
            self.symlink(part, inside)
        } else if kind.is_file() {
            self.file(part, inside)
        } else {
            self.skipped.push(inside.display().to_string());
            Ok(())
        }
    }

    fn directory(&mut self, part: &Part, inside: &Path) -> Result<(), PackError> {
        if part.changed_from.is_none() {
            self.parents(part, &inside.join("_"))?;
        }
        let path = part.root.join(inside);
        let names = std::fs::read_dir(&path)
            .and_then(|entries| entries.map(|entry| Ok(entry?.file_name())).collect())
            .map_err(io_error(&path));
        let mut names: Vec<OsString> = names?;
        names.sort();
        for name in names {
            let below = inside.join(name);
            let path = part.root.join(&below);
            let found = std::fs::symlink_metadata(&path).map_err(io_error(&path))?;
            self.entry(part, &below, &found)?;
        }
        Ok(())
    }

    /// Every directory above an entry has an entry of its own.
    fn parents(&mut self, part: &Part, inside: &Path) -> Result<(), PackError> {
        let path = part.inside_layer(inside);
        let mut above: Vec<_> = path.ancestors().skip(1).collect();
        above.reverse();
        for directory in above.into_iter().filter(|path| *path != Path::new("")) {
            if self.directories.insert(directory.to_owned()) {
                let mut header = header(EntryType::Directory, 0o755, part.time);
                header.set_size(0);
                self.tar
                    .append_data(&mut header, directory.join(""), io::empty())
                    .map_err(io_error(directory))?;
            }
        }
        Ok(())
    }

    fn symlink(&mut self, part: &Part, inside: &Path) -> Result<(), PackError> {
        let path = part.root.join(inside);
        let target = std::fs::read_link(&path).map_err(io_error(&path))?;
        let name = part.inside_layer(inside);
        part.links.check(&name, &target)?;
        let mut header = header(EntryType::Symlink, 0o777, part.time);
        header.set_size(0);
        self.tar.append_link(&mut header, name, target).map_err(io_error(&path))
    }

    fn file(&mut self, part: &Part, inside: &Path) -> Result<(), PackError> {
        let path = part.path(inside);
        let flags = (rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK).bits();
        let file = File::options()
            .read(true)
            .custom_flags(i32::try_from(flags).expect("open(2) flags fit an int"))
            .open(&path)
            .map_err(io_error(&path))?;
        let found = file.metadata().map_err(io_error(&path))?;
        self.bytes = self.bytes.saturating_add(found.len());
        if self.bytes > MAX_LAYER_BYTES {
            return Err(PackError::TooLarge { path: inside.display().to_string() });
        }
        let mode = if found.mode() & 0o111 == 0 { 0o644 } else { 0o755 };
        let mut header = header(EntryType::Regular, mode, part.time);
        header.set_size(found.len());
        let mut bytes = Exactly { file: file.take(found.len()), missing: found.len() };
        self.tar
            .append_data(&mut header, part.inside_layer(inside), &mut bytes)
            .map_err(io_error(&path))
    }
}

/// A tar entry has the size that its header says, or the archive is damaged.
struct Exactly {
    file: io::Take<File>,
    missing: u64,
}

impl io::Read for Exactly {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.missing -= count as u64;
        if count == 0 && self.missing > 0 && !buffer.is_empty() {
            return Err(io::Error::other("the file became shorter while it was read"));
        }
        Ok(count)
    }
}

impl Part {
    /// On the disk. Joined with nothing, a file's name would end in a slash.
    fn path(&self, inside: &Path) -> PathBuf {
        match inside.as_os_str().is_empty() {
            true => self.root.clone(),
            false => self.root.join(inside),
        }
    }

    fn inside_layer(&self, inside: &Path) -> PathBuf {
        match inside.as_os_str().is_empty() {
            true => PathBuf::from(&self.prefix),
            false => Path::new(&self.prefix).join(inside),
        }
    }

    /// By kind, size, permissions and time: what `cp -a` preserves.
    fn is_unchanged(&self, inside: &Path, found: &Metadata) -> bool {
        let Some(base) = &self.changed_from else { return false };
        std::fs::symlink_metadata(base.join(inside)).is_ok_and(|before| {
            before.file_type() == found.file_type()
                && before.len() == found.len()
                && before.mode() == found.mode()
                && (before.mtime(), before.mtime_nsec()) == (found.mtime(), found.mtime_nsec())
        })
    }
}

pub(crate) fn header(kind: EntryType, mode: u32, time: u64) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_mtime(time);
    header.set_uid(0);
    header.set_gid(0);
    header
}
