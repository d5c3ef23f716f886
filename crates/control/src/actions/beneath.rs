//! A directory that belongs to untrusted code, handled so that nothing leads out of it.
//!
//! Each path is resolved by the kernel below the directory that was opened (openat2(2), `RESOLVE_BENEATH`): neither `..`
//! nor a symbolic link gets outside, whoever changes the tree meanwhile. Only plain files are read, and a pipe or a device
//! keeps nobody waiting. What is made belongs to the job's user.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{
    AtFlags, CWD, Dir, FileType, Gid, Mode, OFlags, ResolveFlags, Uid, chownat, fchown, fstat,
    mkdirat, openat, openat2, readlinkat, renameat, statat, symlinkat, unlinkat,
};

/// How deep a tree may be that is walked or removed.
const DEEPEST: usize = 256;

/// A directory, open.
#[derive(Debug)]
pub struct Beneath {
    root: OwnedFd,
    /// Who gets what is made; nobody where the server is not root.
    owner: Option<u32>,
}

/// One thing in a tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// From the opened directory on.
    pub path: PathBuf,
    pub kind: Kind,
    /// The permissions of a file, without the bits that lend somebody's rights.
    pub mode: u32,
    pub bytes: u64,
    /// In seconds since the epoch.
    pub modified: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    File,
    Directory,
    /// And where it leads, which nobody has followed.
    Link(PathBuf),
    /// A pipe, a socket, a device.
    Other,
}

impl Beneath {
    /// Opens a directory by a path of the server's own. `owner` is the job's user, where it is another than the server's.
    pub fn open(path: &Path, owner: Option<u32>) -> io::Result<Self> {
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let root = openat(CWD, path, flags | OFlags::RDONLY, Mode::empty())?;
        let owner = owner.filter(|_| rustix::process::geteuid().is_root());
        Ok(Self { root, owner })
    }

    /// The same for a directory in it.
    pub fn open_directory(&self, path: &Path) -> io::Result<Self> {
        Ok(Self { root: self.directory(path)?, owner: self.owner })
    }

    /// A plain file, for reading. Nothing else is opened, and nothing is waited for.
    pub fn file(&self, path: &Path) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::NOCTTY;
        // Opening a device may do something; looking at it does not.
        let seen = self.resolve(path, OFlags::PATH | OFlags::NOFOLLOW)?;
        check_plain(&seen)?;
        let file = self.resolve(path, flags)?;
        check_plain(&file)?;
        Ok(File::from(file))
    }

    /// The content of a plain file, as much as one byte more than `limit`; `None` where there is nothing.
    pub fn read(&self, path: &Path, limit: u64) -> io::Result<Option<Vec<u8>>> {
        let file = match self.file(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let mut bytes = Vec::new();
        file.take(limit + 1).read_to_end(&mut bytes)?;
        Ok(Some(bytes))
    }

    /// A new, empty file, in place of whatever file or link is there. The directories above it are made.
    pub fn create(&self, path: &Path, mode: u32) -> io::Result<File> {
        let (parent, name) = self.parent_of(path)?;
        remove_at(&parent, name)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW;
        let file = openat(&parent, name, flags | OFlags::CLOEXEC, Mode::from_raw_mode(0o600))?;
        self.give(&file)?;
        // After the owner: that takes bits away.
        rustix::fs::fchmod(&file, Mode::from_raw_mode(mode & 0o777))?;
        Ok(File::from(file))
    }

    pub fn write(&self, path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
        self.create(path, mode)?.write_all(content)
    }

    /// A symbolic link, in place of whatever file or link is there. Nobody follows it here.
    pub fn link(&self, path: &Path, target: &Path) -> io::Result<()> {
        let (parent, name) = self.parent_of(path)?;
        remove_at(&parent, name)?;
        symlinkat(target, &parent, name)?;
        if let Some(owner) = self.owner {
            let (uid, gid) = (Uid::from_raw(owner), Gid::from_raw(owner));
            chownat(&parent, name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)?;
        }
        Ok(())
    }

    /// Makes a directory and those above it, unless they are there.
    pub fn make_directories(&self, path: &Path) -> io::Result<()> {
        let mut so_far = PathBuf::new();
        for component in plain_components(path)? {
            so_far.push(component);
            let (parent, name) = self.open_parent_of(&so_far)?;
            match mkdirat(&parent, name, Mode::from_raw_mode(0o755)) {
                Ok(()) | Err(rustix::io::Errno::EXIST) => {}
                Err(error) => return Err(error.into()),
            }
            let directory = self.directory(&so_far)?;
            // Also one that a server made which was killed before it gave it away.
            if fstat(&directory)?.st_uid == rustix::process::geteuid().as_raw() {
                self.give(&directory)?;
            }
        }
        // What is there may be no directory, or a link out.
        self.directory(path).map(drop)
    }

    /// Removes whatever is there, and all that is in it. Absent is fine. A link is removed, not what it leads to.
    pub fn remove(&self, path: &Path) -> io::Result<()> {
        let (parent, name) = match self.open_parent_of(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            found => found?,
        };
        remove_tree_at(&parent, name, 0)
    }

    /// Removes everything in it.
    pub fn clear(&self) -> io::Result<()> {
        for name in names(&self.root)? {
            remove_tree_at(&self.root, &name, 0)?;
        }
        Ok(())
    }

    /// What is there, no link followed at the end of the path; `None` for nothing.
    pub fn entry(&self, path: &Path) -> io::Result<Option<Entry>> {
        if path.as_os_str().is_empty() {
            return Ok(Some(look(&self.root, OsStr::new("."), path.to_owned())?));
        }
        let (parent, name) = match self.open_parent_of(path) {
            Err(error) if is_nothing(&error) => return Ok(None),
            found => found?,
        };
        match look(&parent, name, path.to_owned()) {
            Err(error) if is_nothing(&error) => Ok(None),
            found => found.map(Some),
        }
    }

    /// Everything at a path and below it, the directories before what is in them, in the order of the names. No link is
    /// followed on the way down. `each` says whether to go into a directory.
    pub fn walk(
        &self,
        path: &Path,
        each: &mut dyn FnMut(&Entry) -> io::Result<bool>,
    ) -> io::Result<()> {
        let Some(top) = self.entry(path)? else { return Ok(()) };
        let mut ahead = vec![top];
        while let Some(entry) = ahead.pop() {
            if !each(&entry)? || entry.kind != Kind::Directory {
                continue;
            }
            if entry.path.components().count() > DEEPEST {
                return Err(io::Error::other(format!(
                    "{} lies more than {DEEPEST} directories deep",
                    entry.path.display()
                )));
            }
            let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW;
            let directory = match self.resolve(&or_dot(&entry.path), flags) {
                // It went away, or became something else, in between.
                Err(error) if is_nothing(&error) => continue,
                directory => directory?,
            };
            let mut names = names(&directory)?;
            names.sort_unstable();
            for name in names.iter().rev() {
                match look(&directory, name, entry.path.join(name)) {
                    Err(error) if is_nothing(&error) => {}
                    found => ahead.push(found?),
                }
            }
        }
        Ok(())
    }

    /// Gives everything in it to the job's user, links themselves and not what they lead to.
    pub fn give_away(&self) -> io::Result<()> {
        let Some(owner) = self.owner else { return Ok(()) };
        let (uid, gid) = (Uid::from_raw(owner), Gid::from_raw(owner));
        self.give(&self.root)?;
        self.walk(Path::new(""), &mut |entry| {
            if !entry.path.as_os_str().is_empty() {
                let (parent, name) = self.open_parent_of(&entry.path)?;
                chownat(&parent, name, Some(uid), Some(gid), AtFlags::SYMLINK_NOFOLLOW)?;
            }
            Ok(true)
        })
    }

    /// Moves everything out of another directory of the same file system into this one. Directories that are in both become
    /// one; what else is in the way goes.
    pub fn take_all(&self, from: &Self) -> io::Result<()> {
        for name in names(&from.root)? {
            take(&from.root, &self.root, &name, 0)?;
        }
        Ok(())
    }

    fn give(&self, file: &OwnedFd) -> io::Result<()> {
        if let Some(owner) = self.owner {
            fchown(file, Some(Uid::from_raw(owner)), Some(Gid::from_raw(owner)))?;
        }
        Ok(())
    }

    fn directory(&self, path: &Path) -> io::Result<OwnedFd> {
        self.resolve(&or_dot(path), OFlags::RDONLY | OFlags::DIRECTORY)
    }

    fn resolve(&self, path: &Path, flags: OFlags) -> io::Result<OwnedFd> {
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        let opened = rustix::io::retry_on_intr(|| {
            openat2(&self.root, path, flags | OFlags::CLOEXEC, Mode::empty(), resolve)
        });
        opened.map_err(|error| match error {
            rustix::io::Errno::XDEV => {
                io::Error::other(format!("{} leads out of the job's directories", path.display()))
            }
            other => other.into(),
        })
    }

    fn parent_of<'a>(&self, path: &'a Path) -> io::Result<(OwnedFd, &'a OsStr)> {
        if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            self.make_directories(parent)?;
        }
        self.open_parent_of(path)
    }

    fn open_parent_of<'a>(&self, path: &'a Path) -> io::Result<(OwnedFd, &'a OsStr)> {
        let mut components = plain_components(path)?;
        let name = components.pop().ok_or(io::ErrorKind::InvalidInput)?;
        let parent: PathBuf = components.into_iter().collect();
        Ok((self.directory(&parent)?, name))
    }
}

/// The names of a relative path. Others are refused: what is meant by them was to be found out before.
fn plain_components(path: &Path) -> io::Result<Vec<&OsStr>> {
    let names = path.components().map(|component| match component {
        Component::Normal(name) => Ok(name),
        _ => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("{} is no path inside of a directory", path.display()),
        )),
    });
    names.collect()
}

fn or_dot(path: &Path) -> PathBuf {
    if path.as_os_str().is_empty() { PathBuf::from(".") } else { path.to_owned() }
}

fn check_plain(file: &OwnedFd) -> io::Result<()> {
    match FileType::from_raw_mode(fstat(file)?.st_mode) {
        FileType::RegularFile => Ok(()),
        _ => Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no plain file")),
    }
}

fn is_nothing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
        || error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error())
}

fn look(parent: &OwnedFd, name: &OsStr, path: PathBuf) -> io::Result<Entry> {
    let stat = statat(parent, name, AtFlags::SYMLINK_NOFOLLOW)?;
    let kind = match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Kind::File,
        FileType::Directory => Kind::Directory,
        FileType::Symlink => {
            use std::os::unix::ffi::OsStringExt as _;
            let target = readlinkat(parent, name, Vec::new())?;
            Kind::Link(std::ffi::OsString::from_vec(target.into_bytes()).into())
        }
        _ => Kind::Other,
    };
    let bytes = u64::try_from(stat.st_size).unwrap_or(0);
    Ok(Entry { path, kind, mode: stat.st_mode & 0o777, bytes, modified: stat.st_mtime })
}

fn names(directory: &OwnedFd) -> io::Result<Vec<std::ffi::OsString>> {
    use std::os::unix::ffi::OsStrExt as _;
    let mut names = Vec::new();
    for entry in Dir::read_from(directory.as_fd())? {
        let name = OsStr::from_bytes(entry?.file_name().to_bytes()).to_owned();
        if name != "." && name != ".." {
            names.push(name);
        }
    }
    Ok(names)
}

/// A file or link; a directory stays, and is an error for whoever wants its name.
fn remove_at(parent: &OwnedFd, name: &OsStr) -> io::Result<()> {
    match unlinkat(parent, name, AtFlags::empty()) {
        Ok(()) | Err(rustix::io::Errno::NOENT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn take(from: &OwnedFd, to: &OwnedFd, name: &OsStr, depth: usize) -> io::Result<()> {
    use rustix::io::Errno;
    match renameat(from, name, to, name) {
        Ok(()) => return Ok(()),
        Err(Errno::EXIST | Errno::NOTEMPTY | Errno::ISDIR | Errno::NOTDIR) if depth <= DEEPEST => {}
        Err(error) => return Err(error.into()),
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let open = |parent: &OwnedFd| openat(parent, name, flags, Mode::empty());
    if let (Ok(from), Ok(to)) = (open(from), open(to)) {
        for name in names(&from)? {
            take(&from, &to, &name, depth + 1)?;
        }
        return Ok(());
    }
    remove_tree_at(to, name, depth)?;
    Ok(renameat(from, name, to, name)?)
}

fn remove_tree_at(parent: &OwnedFd, name: &OsStr, depth: usize) -> io::Result<()> {
    match unlinkat(parent, name, AtFlags::empty()) {
        Ok(()) | Err(rustix::io::Errno::NOENT) => return Ok(()),
        Err(rustix::io::Errno::ISDIR | rustix::io::Errno::PERM) => {}
        Err(error) => return Err(error.into()),
    }
    if depth > DEEPEST {
        return Err(io::Error::other(format!("it lies more than {DEEPEST} directories deep")));
    }
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let directory = openat(parent, name, flags, Mode::empty())?;
    for name in names(&directory)? {
        remove_tree_at(&directory, &name, depth + 1)?;
    }
    drop(directory);
    match unlinkat(parent, name, AtFlags::REMOVEDIR) {
        Ok(()) | Err(rustix::io::Errno::NOENT) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests;
