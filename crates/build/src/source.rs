//! Reading a checked-out tree that nobody has vouched for: bounded, and never beyond its root.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{Mode, OFlags, ResolveFlags, openat2};

use crate::plan::PlanError;
use document::MAX_BYTES;

/// A repository's tree. Symbolic links inside it are followed as far as they stay inside.
#[derive(Debug)]
pub(crate) struct Source {
    directory: OwnedFd,
}

impl Source {
    /// More names in one directory are not looked at.
    const MAX_NAMES: usize = 10_000;
    /// Lock files are the largest that are read whole.
    const MAX_TEXT_BYTES: u64 = 64 << 20;

    pub(crate) fn open(root: &Path) -> Result<Self, PlanError> {
        let directory = File::open(root)
            .map_err(|source| PlanError::Unreadable { path: root.to_owned(), source })?;
        Ok(Self { directory: directory.into() })
    }

    /// The text of a file; `None` when there is none.
    pub(crate) fn text(&self, path: &str) -> Result<Option<String>, PlanError> {
        let Some(bytes) = self.bytes(path)? else { return Ok(None) };
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Some(text)),
            Err(_) => Err(PlanError::NotText { path: path.into() }),
        }
    }

    pub(crate) fn bytes(&self, path: &str) -> Result<Option<Vec<u8>>, PlanError> {
        let unreadable = |source| PlanError::Unreadable { path: path.into(), source };
        let Some(file) = self.open_beneath(path)? else { return Ok(None) };
        if !file.metadata().map_err(unreadable)?.is_file() {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        file.take(Self::MAX_TEXT_BYTES + 1).read_to_end(&mut bytes).map_err(unreadable)?;
        if bytes.len() as u64 > Self::MAX_TEXT_BYTES {
            return Err(unreadable(io::Error::other("it is larger than 64 MiB")));
        }
        Ok(Some(bytes))
    }

    /// The text of a file in which a person declares things; it is small.
    pub(crate) fn declaration(&self, path: &str) -> Result<Option<String>, PlanError> {
        match self.text(path)? {
            Some(text) if text.len() > 4 * MAX_BYTES => Err(PlanError::Unreadable {
                path: path.into(),
                source: io::Error::other("it is larger than 1 MiB"),
            }),
            text => Ok(text),
        }
    }

    pub(crate) fn is_file(&self, path: &str) -> bool {
        self.kind(path).is_some_and(|found| found.is_file())
    }

    pub(crate) fn is_dir(&self, path: &str) -> bool {
        self.kind(path).is_some_and(|found| found.is_dir())
    }

    /// The names in a directory, sorted; none when there is no such directory.
    pub(crate) fn names(&self, path: &str) -> Vec<String> {
        let Ok(Some(directory)) = self.open_beneath(path) else { return Vec::new() };
        let Ok(entries) = rustix::fs::Dir::read_from(&directory) else { return Vec::new() };
        let names = entries.filter_map(Result::ok);
        let names =
            names.filter_map(|entry| entry.file_name().to_str().ok().map(ToOwned::to_owned));
        let mut names: Vec<_> =
            names.filter(|name| name != "." && name != "..").take(Self::MAX_NAMES).collect();
        names.sort();
        names
    }

    fn kind(&self, path: &str) -> Option<std::fs::FileType> {
        let file = self.open_beneath(path).ok()??;
        Some(file.metadata().ok()?.file_type())
    }

    fn open_beneath(&self, path: &str) -> Result<Option<File>, PlanError> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_MAGICLINKS;
        match openat2(&self.directory, path, flags, Mode::empty(), resolve) {
            Ok(file) => Ok(Some(file.into())),
            Err(rustix::io::Errno::NOENT | rustix::io::Errno::NOTDIR) => Ok(None),
            Err(rustix::io::Errno::XDEV) => Err(PlanError::PointsOutside { path: path.into() }),
            Err(error) => {
                Err(PlanError::Unreadable { path: path.into(), source: io::Error::from(error) })
            }
        }
    }
}
