//! The entries of an archive, checked and written on.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use tar::{Entry, EntryType};

use super::{Found, ImportError};
use crate::layer::{Links, NO_TIME, header};
use crate::manifest::{APP_JSON, PROCFILE, SOLUM_YAML};
use crate::store::{ArtifactStore, BlobWriter, Staged};

/// More entries are not taken.
const MAX_ENTRIES: usize = 200_000;
/// All names together; they are kept in memory while the archive is read.
const MAX_NAME_BYTES: usize = 64 << 20;
/// Names longer than the system takes cannot be unpacked.
const MAX_NAME: usize = 4096;
/// Directories inside directories.
const MAX_DEPTH: usize = 64;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Directory,
    File,
    Link,
}

pub(super) struct Checked {
    tar: tar::Builder<BlobWriter>,
    /// What stands where, below `app`.
    seen: BTreeMap<PathBuf, Kind>,
    count: usize,
    name_bytes: usize,
    found: Found,
}

impl Checked {
    pub(super) fn new(store: &ArtifactStore) -> Result<Self, ImportError> {
        let mut checked = Self {
            tar: tar::Builder::new(store.writer()?),
            seen: BTreeMap::new(),
            count: 0,
            name_bytes: 0,
            found: Found::default(),
        };
        checked.directory(Path::new(""))?;
        Ok(checked)
    }

    pub(super) fn count(&self) -> usize {
        self.count
    }

    pub(super) fn damaged(&self, source: io::Error) -> ImportError {
        ImportError::Damaged { entries: self.count, source }
    }

    pub(super) fn take<R: Read>(&mut self, entry: Entry<'_, R>) -> Result<(), ImportError> {
        self.count += 1;
        if self.count > MAX_ENTRIES {
            let reason = format!("it has more than {MAX_ENTRIES} entries");
            return Err(ImportError::TooLarge { reason });
        }
        let kind = entry.header().entry_type();
        if kind == EntryType::XGlobalHeader {
            return Ok(());
        }
        let name = entry.path().map_err(|source| self.damaged(source))?.into_owned();
        let path = inside(&name)?;
        self.name_bytes += path.as_os_str().len();
        if self.name_bytes > MAX_NAME_BYTES {
            let reason = "its names are longer than 64 MiB together".to_owned();
            return Err(ImportError::TooLarge { reason });
        }
        match kind {
            EntryType::Directory => self.directory(&path),
            EntryType::Regular | EntryType::Continuous => self.file(&path, entry),
            EntryType::Symlink => self.symlink(&path, &entry),
            EntryType::Link => self.hard_link(&path, &entry),
            EntryType::Char | EntryType::Block | EntryType::Fifo => {
                Err(hostile(&name, "a bundle holds no devices and no pipes"))
            }
            // A few bytes of it may stand for terabytes.
            EntryType::GNUSparse => Err(hostile(&name, "it is sparse; pack without --sparse")),
            _ => Err(hostile(&name, "its kind is not known")),
        }
    }

    /// With every directory above it. One that is there is left as it is.
    fn directory(&mut self, path: &Path) -> Result<(), ImportError> {
        let mut above: Vec<_> = path.ancestors().collect();
        above.reverse();
        for directory in above {
            match self.seen.get(directory) {
                Some(Kind::Directory) => {}
                Some(Kind::File | Kind::Link) => {
                    return Err(hostile(path, "it stands below a name that is no directory"));
                }
                None => {
                    self.seen.insert(directory.to_owned(), Kind::Directory);
                    let mut header = header(EntryType::Directory, 0o755, NO_TIME);
                    header.set_size(0);
                    let name = Path::new("app").join(directory).join("");
                    let written = self.tar.append_data(&mut header, name, io::empty());
                    written.map_err(|source| io_error(path, source))?;
                    self.note_programs(directory);
                }
            }
        }
        Ok(())
    }

    fn note_programs(&mut self, directory: &Path) {
        let known = [".venv/bin", "node_modules/.bin"];
        let found = known.into_iter().find(|known| Path::new(known) == directory);
        self.found.program_directories.extend(found);
    }

    /// A tree is easily packed with the directory around it.
    fn note_wrapping(&mut self, path: &Path) {
        let says_what_runs = path.ends_with(PROCFILE) || path.ends_with(SOLUM_YAML);
        if let (true, Some(directory)) = (says_what_runs, path.parent())
            && directory.components().count() == 1
        {
            self.found.inside = Some(directory.display().to_string());
        }
    }

    /// A new name, with its directory there.
    fn claim(&mut self, path: &Path, kind: Kind) -> Result<(), ImportError> {
        if path.as_os_str().is_empty() {
            return Err(hostile(Path::new("."), "the root of the tree has to be a directory"));
        }
        self.directory(path.parent().unwrap_or(Path::new("")))?;
        match self.seen.insert(path.to_owned(), kind) {
            None => Ok(()),
            Some(_) => Err(hostile(path, "it is there a second time")),
        }
    }

    fn file<R: Read>(&mut self, path: &Path, mut entry: Entry<'_, R>) -> Result<(), ImportError> {
        self.claim(path, Kind::File)?;
        self.note_wrapping(path);
        let size = entry.size();
        let mode = entry.header().mode().unwrap_or(0o644);
        let mode = if mode & 0o111 == 0 { 0o644 } else { 0o755 };
        let time = entry.header().mtime().unwrap_or(NO_TIME);
        let mut header = header(EntryType::Regular, mode, time);
        header.set_size(size);
        let name = Path::new("app").join(path);
        if let Some(kept) = self.declaration(path) {
            let mut text = Vec::new();
            let limit = document::MAX_BYTES as u64 + 1;
            let read = (&mut entry).take(limit).read_to_end(&mut text);
            read.map_err(|source| self.damaged(source))?;
            if size >= limit {
                return Err(hostile(path, "it is larger than 256 KiB"));
            }
            *kept(&mut self.found) = Some(
                String::from_utf8(text.clone())
                    .map_err(|_| hostile(path, "it is not text in UTF-8"))?,
            );
            let written = self.tar.append_data(&mut header, name, text.as_slice());
            return written.map_err(|source| io_error(path, source));
        }
        let mut watched = Watched { entry: &mut entry, left: size, broken: false };
        let written = self.tar.append_data(&mut header, name, &mut watched);
        let broken = watched.broken;
        written.map_err(|source| match broken {
            true => self.damaged(source),
            false => io_error(path, source),
        })
    }

    /// Where the text of one of the files goes in which the app says what it is.
    fn declaration(&self, path: &Path) -> Option<fn(&mut Found) -> &mut Option<String>> {
        match path.to_str()? {
            SOLUM_YAML => Some(|found| &mut found.manifest.solum_yaml),
            PROCFILE => Some(|found| &mut found.manifest.procfile),
            APP_JSON => Some(|found| &mut found.manifest.app_json),
            _ => None,
        }
    }

    fn symlink<R: Read>(&mut self, path: &Path, entry: &Entry<'_, R>) -> Result<(), ImportError> {
        self.claim(path, Kind::Link)?;
        let target = self.target(path, entry)?;
        let name = Path::new("app").join(path);
        Links::Inside.check(&name, &target)?;
        let mut header = header(EntryType::Symlink, 0o777, NO_TIME);
        header.set_size(0);
        let written = self.tar.append_link(&mut header, name, target);
        written.map_err(|source| io_error(path, source))
    }

    /// A second name for a file that came before.
    fn hard_link<R: Read>(&mut self, path: &Path, entry: &Entry<'_, R>) -> Result<(), ImportError> {
        let target = inside(&self.target(path, entry)?)?;
        if self.seen.get(&target) != Some(&Kind::File) {
            return Err(hostile(path, "it is a hard link to something that is no file before it"));
        }
        self.claim(path, Kind::File)?;
        let mut header = header(EntryType::Link, 0o644, NO_TIME);
        header.set_size(0);
        let app = Path::new("app");
        let written = self.tar.append_link(&mut header, app.join(path), app.join(target));
        written.map_err(|source| io_error(path, source))
    }

    fn target<R: Read>(&self, path: &Path, entry: &Entry<'_, R>) -> Result<PathBuf, ImportError> {
        let target = entry.link_name().map_err(|source| self.damaged(source))?;
        let target = target.ok_or_else(|| hostile(path, "it is a link to nothing"))?;
        Ok(target.into_owned())
    }

    pub(super) fn finish(self) -> Result<(Staged, Found), ImportError> {
        let Self { mut tar, found, .. } = self;
        let finish = |tar: &mut tar::Builder<BlobWriter>| tar.finish();
        finish(&mut tar)
            .and_then(|()| tar.into_inner())
            .and_then(BlobWriter::finish)
            .map(|staged| (staged, found))
            .map_err(|source| io_error(Path::new("the layer"), source))
    }
}

/// Tells an archive that cannot be read from a disk that cannot be written.
struct Watched<'a, R> {
    entry: &'a mut R,
    left: u64,
    broken: bool,
}

impl<R: Read> Read for Watched<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.entry.read(buffer);
        match read {
            Ok(0) if self.left > 0 && !buffer.is_empty() => {
                self.broken = true;
                Err(io::ErrorKind::UnexpectedEof.into())
            }
            Ok(count) => {
                self.left -= count as u64;
                Ok(count)
            }
            Err(error) => {
                self.broken = true;
                Err(error)
            }
        }
    }
}

fn io_error(path: &Path, source: io::Error) -> ImportError {
    ImportError::Io { path: path.to_owned(), source }
}

fn hostile(name: &Path, reason: &str) -> ImportError {
    let name: String = name.display().to_string().chars().take(200).collect();
    ImportError::Hostile { name, reason: reason.to_owned() }
}

/// The entry's place below the root: without `./`, and never above it.
fn inside(name: &Path) -> Result<PathBuf, ImportError> {
    let mut path = PathBuf::new();
    for component in name.components() {
        match component {
            Component::CurDir => {}
            Component::Normal(part) => path.push(part),
            Component::ParentDir => return Err(hostile(name, "it has '..' in its name")),
            Component::RootDir | Component::Prefix(_) => {
                return Err(hostile(name, "its name is absolute"));
            }
        }
    }
    let depth = path.components().count();
    if path.as_os_str().len() > MAX_NAME || depth > MAX_DEPTH {
        return Err(hostile(name, "its name is too long or too deep"));
    }
    let whiteout =
        path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".wh."));
    if whiteout {
        return Err(hostile(name, "names that begin with .wh. delete files of other layers"));
    }
    Ok(path)
}
