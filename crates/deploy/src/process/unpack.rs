//! Unpacks a layer that anybody may have made, as root, without being led astray.
//!
//! Every path is resolved below the tree with no link followed (openat2(2)), so that nothing is written anywhere else,
//! whatever order the entries come in. Refused: paths that are absolute or climb, links that climb out of the tree, entries behind links,
//! devices and pipes, whiteouts, and anything in the directories that the target brings itself. Dropped without a word:
//! setuid, setgid and sticky bits, owners, extended attributes.
//!
//! Absolute links are fine: they are only ever followed inside a box, where they lead into the box.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use flate2::read::MultiGzDecoder;
use rustix::fs::{
    AtFlags, Gid, Mode, OFlags, ResolveFlags, Timespec, Timestamps, Uid, chownat, fchmod, fchown,
    futimens, linkat, mkdirat, openat2, symlinkat, unlinkat,
};
use rustix::io::Errno;
use tar::{Archive, Entry, EntryType};
use types::MediaType;

/// What a target brings itself; a layer that wants to is for another kind of target.
const OF_THE_MACHINE: &[&str] = &[
    "bin", "boot", "data", "dev", "etc", "lib", "lib32", "lib64", "libx32", "proc", "run", "sbin",
    "sys", "tmp", "usr", "var",
];

const MOST_ENTRIES: u64 = 2_000_000;
const MOST_BYTES: u64 = 32 * 1024 * 1024 * 1024;

/// Of one entry's name and attributes, which are held in memory.
const LONGEST_HEADER: u64 = 1024 * 1024;

#[derive(Debug)]
pub(super) enum UnpackError {
    /// What about it, with the entry's name.
    Refused(String),
    Io {
        path: PathBuf,
        source: io::Error,
    },
}

/// Unpacks into an empty directory that nobody else writes to. With `uid`, everything in it belongs to that user and group.
pub(super) fn unpack(
    blob: File,
    media_type: MediaType,
    tree: &Path,
    uid: Option<u32>,
) -> Result<(), UnpackError> {
    let blob = BufReader::with_capacity(128 * 1024, blob);
    let stream: Box<dyn Read> = match media_type {
        MediaType::Tar => Box::new(blob),
        MediaType::TarGzip => Box::new(MultiGzDecoder::new(blob)),
    };
    let at_root = |source: io::Error| UnpackError::Io { path: PathBuf::new(), source };
    let root = rustix::fs::open(tree, OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
        .map_err(|error| at_root(error.into()))?;
    let owner = uid.map(|uid| (Uid::from_raw(uid), Gid::from_raw(uid)));
    let mut unpacker = Unpacker { root, owner, bytes: 0, parent: None };

    let allowance = Rc::new(Cell::new(LONGEST_HEADER));
    let mut archive = Archive::new(Metered { stream, allowance: Rc::clone(&allowance) });
    let mut entries = archive.entries().map_err(at_root)?;
    let mut count = 0;
    loop {
        allowance.set(LONGEST_HEADER);
        let Some(entry) = entries.next() else { return Ok(()) };
        let mut entry = entry.map_err(|error| {
            UnpackError::Refused(format!("it is no readable tar archive: {error}"))
        })?;
        allowance.set(u64::MAX);
        count += 1;
        if count > MOST_ENTRIES {
            return Err(UnpackError::Refused(format!("it has more than {MOST_ENTRIES} entries")));
        }
        unpacker.entry(&mut entry)?;
        // What is left of its content is read away here, where it does not count as a header.
        io::copy(&mut entry, &mut io::sink()).map_err(at_root)?;
    }
}

/// Stops a header that would fill the memory.
struct Metered {
    stream: Box<dyn Read>,
    allowance: Rc<Cell<u64>>,
}

impl Read for Metered {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.stream.read(buffer)?;
        let left = self.allowance.get().checked_sub(length as u64);
        self.allowance
            .set(left.ok_or_else(|| io::Error::other("the header of an entry is too long"))?);
        Ok(length)
    }
}

struct Unpacker {
    root: OwnedFd,
    owner: Option<(Uid, Gid)>,
    bytes: u64,
    /// The directory that was written to last: entries come in bunches.
    parent: Option<(PathBuf, OwnedFd)>,
}

impl Unpacker {
    fn entry<R: Read>(&mut self, entry: &mut Entry<'_, R>) -> Result<(), UnpackError> {
        let bytes = entry.path_bytes().into_owned();
        let named = Path::new(std::ffi::OsStr::from_bytes(&bytes));
        let refuse =
            |what: &str| Err(UnpackError::Refused(format!("`{}` {what}", named.display())));
        let kind = entry.header().entry_type();
        if matches!(kind, EntryType::XGlobalHeader) {
            return Ok(());
        }
        let path = match inside(named) {
            Ok(path) => path,
            Err(what) => return refuse(what),
        };
        let (Some(name), Some(first)) = (path.file_name(), path.iter().next()) else {
            return Ok(());
        };
        if name.as_bytes().starts_with(b".wh.") {
            return refuse("is a whiteout, and layers are only stacked here, never subtracted");
        }
        if OF_THE_MACHINE.iter().any(|of_the_machine| first == *of_the_machine) {
            return refuse(
                "lies where this target shows the machine's own files; put it under app/",
            );
        }
        let io = |source: Errno| UnpackError::Io { path: path.clone(), source: source.into() };
        let at = path.parent().unwrap_or(Path::new(""));
        self.enter(at)?;
        let Some((_, parent)) = &self.parent else { return Ok(()) };
        let parent = parent.as_fd();
        match kind {
            EntryType::Directory => self.directory(parent, name.as_ref(), mode(entry)),
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                self.bytes = self.bytes.saturating_add(entry.size());
                if self.bytes > MOST_BYTES {
                    return Err(UnpackError::Refused(format!(
                        "it holds more than {MOST_BYTES} bytes"
                    )));
                }
                return self.file(parent, name.as_ref(), entry, &path);
            }
            EntryType::Symlink => {
                let Some(target) = entry.link_name_bytes() else { return refuse("leads nowhere") };
                let target = Path::new(std::ffi::OsStr::from_bytes(&target));
                if at == Path::new("") {
                    return refuse("is a link at the top of the tree");
                }
                if climbs_out(at, target) {
                    return refuse(&format!(
                        "is a link out of the tree, to `{}`",
                        target.display()
                    ));
                }
                self.symlink(parent, name.as_ref(), target)
            }
            EntryType::Link => {
                let Some(target) = entry.link_name_bytes() else { return refuse("leads nowhere") };
                let target = Path::new(std::ffi::OsStr::from_bytes(&target));
                let Ok(target) = inside(target) else { return refuse("is a link out of the tree") };
                match self.hard_link(parent, name.as_ref(), &target) {
                    Err(Errno::NOENT | Errno::LOOP | Errno::NOTDIR | Errno::INVAL) => {
                        return refuse(&format!(
                            "is a link to `{}`, which is no file of the layer",
                            target.display()
                        ));
                    }
                    result => result,
                }
            }
            EntryType::Char | EntryType::Block | EntryType::Fifo => {
                return refuse("is a device or a pipe");
            }
            _ => return refuse("is of a kind that no layer holds"),
        }
        .map_err(io)
    }

    /// Opens the directory that an entry goes into, and makes what is missing on the way.
    fn enter(&mut self, at: &Path) -> Result<(), UnpackError> {
        if self.parent.as_ref().is_some_and(|(path, _)| path == at) {
            return Ok(());
        }
        let io = |source: Errno| UnpackError::Io { path: at.to_owned(), source: source.into() };
        let opened = match self.open_directory(at) {
            Err(Errno::NOENT) => {
                let mut above = PathBuf::new();
                for name in at {
                    let parent = self.open_directory(&above).map_err(io)?;
                    self.directory(parent.as_fd(), name.as_ref(), Mode::from_raw_mode(0o755))
                        .map_err(io)?;
                    above.push(name);
                }
                self.open_directory(at)
            }
            result => result,
        };
        match opened {
            Ok(directory) => {
                self.parent = Some((at.to_owned(), directory));
                Ok(())
            }
            Err(Errno::LOOP | Errno::NOTDIR) => Err(UnpackError::Refused(format!(
                "`{}` is used as a directory and is none",
                at.display()
            ))),
            Err(error) => Err(io(error)),
        }
    }

    fn open_directory(&self, path: &Path) -> Result<OwnedFd, Errno> {
        let path = if path == Path::new("") { Path::new(".") } else { path };
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
        openat2(&self.root, path, flags, Mode::empty(), resolve)
    }

    fn directory(&self, parent: BorrowedFd<'_>, name: &Path, mode: Mode) -> Result<(), Errno> {
        match mkdirat(parent, name, Mode::RWXU) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error),
        }
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let directory = rustix::fs::openat(parent, name, flags, Mode::empty())?;
        self.give_away(&directory)?;
        fchmod(&directory, mode | Mode::RWXU)
    }

    fn file<R: Read>(
        &self,
        parent: BorrowedFd<'_>,
        name: &Path,
        entry: &mut Entry<'_, R>,
        path: &Path,
    ) -> Result<(), UnpackError> {
        let io = |source: io::Error| UnpackError::Io { path: path.to_owned(), source };
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let create = || rustix::fs::openat(parent, name, flags, Mode::RUSR | Mode::WUSR);
        let file = anew(parent, name, create).map_err(|error| io(error.into()))?;
        let mut file = File::from(file);
        io::copy(entry, &mut file).map_err(io)?;
        let at = Timespec { tv_sec: entry.header().mtime().unwrap_or(0).cast_signed(), tv_nsec: 0 };
        self.give_away(&file)
            .and_then(|()| fchmod(&file, mode(entry)))
            .and_then(|()| futimens(&file, &Timestamps { last_access: at, last_modification: at }))
            .map_err(|error| io(error.into()))
    }

    fn symlink(&self, parent: BorrowedFd<'_>, name: &Path, target: &Path) -> Result<(), Errno> {
        anew(parent, name, || symlinkat(target, parent, name))?;
        match self.owner {
            Some((uid, gid)) => {
                chownat(parent, name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)
            }
            None => Ok(()),
        }
    }

    fn hard_link(&self, parent: BorrowedFd<'_>, name: &Path, target: &Path) -> Result<(), Errno> {
        let above = self.open_directory(target.parent().ok_or(Errno::INVAL)?)?;
        let file = Path::new(target.file_name().ok_or(Errno::INVAL)?);
        let found = rustix::fs::statat(&above, file, AtFlags::SYMLINK_NOFOLLOW)?;
        if !rustix::fs::FileType::from_raw_mode(found.st_mode).is_file() {
            return Err(Errno::INVAL);
        }
        anew(parent, name, || linkat(&above, file, parent, name, AtFlags::empty()))
    }

    fn give_away(&self, file: impl AsFd) -> Result<(), Errno> {
        match self.owner {
            Some((uid, gid)) => fchown(file, Some(uid), Some(gid)),
            None => Ok(()),
        }
    }
}

/// A later entry of the same name wins, as tar has it; one that is a directory stays.
fn anew<T>(
    parent: BorrowedFd<'_>,
    name: &Path,
    make: impl Fn() -> Result<T, Errno>,
) -> Result<T, Errno> {
    match make() {
        Err(Errno::EXIST) => {
            unlinkat(parent, name, AtFlags::empty())?;
            make()
        }
        result => result,
    }
}

fn mode<R: Read>(entry: &Entry<'_, R>) -> Mode {
    Mode::from_raw_mode(entry.header().mode().unwrap_or(0o644) & 0o777)
}

/// A path as it is below the tree, or what is wrong with it.
fn inside(path: &Path) -> Result<PathBuf, &'static str> {
    let mut inside = PathBuf::new();
    for component in path.components() {
        match component {
            Component::Normal(name) => inside.push(name),
            Component::CurDir => {}
            Component::ParentDir => return Err("has `..` in its path"),
            Component::RootDir | Component::Prefix(_) => return Err("is an absolute path"),
        }
    }
    Ok(inside)
}

/// Whether a relative link in the directory `at` goes up further than there is.
fn climbs_out(at: &Path, target: &Path) -> bool {
    if target.is_absolute() {
        return false;
    }
    let mut depth = at.iter().count();
    for component in target.components() {
        match component {
            Component::ParentDir if depth == 0 => return true,
            Component::ParentDir => depth -= 1,
            Component::Normal(_) => depth += 1,
            _ => {}
        }
    }
    false
}

#[cfg(test)]
mod tests;
