//! Somebody else's build: a `.tar.gz` of the tree that is to run, made into a bundle. Nothing in it is built, tested or
//! unpacked: its entries are checked and written into a layer, one by one.
//!
//! The archive is hostile until its end was read. How many entries, how large and how deep is bounded; a name that
//! leaves the tree, or stands below something that is no directory, a device, a link to elsewhere: each refuses the
//! whole archive, by name.

mod entries;

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use flate2::read::MultiGzDecoder;
use types::{Bundle, Layer, MediaType, Stack, Transcript};

use crate::blocking::blocking;
use crate::builder::{Builder, Space, run_env};
use crate::layer::{MAX_LAYER_BYTES, PackError};
use crate::manifest::{Detected, ManifestFiles};
use crate::store::{ArtifactStore, Contents, Staged, StoreError};
use document::Mistake;
use entries::Checked;

/// Why an archive is no bundle. Nothing of it is left in the store.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error("the file is not a .tar.gz: {reason}")]
    NotAnArchive { reason: String },
    /// It breaks off or is damaged.
    #[error("the archive is damaged after {entries} entries")]
    Damaged {
        entries: usize,
        #[source]
        source: io::Error,
    },
    #[error("the archive's entry '{name}' is refused: {reason}")]
    Hostile { name: String, reason: String },
    #[error("the archive is refused: {reason}")]
    TooLarge { reason: String },
    #[error(
        "the archive has neither a Procfile nor a solum.yaml with processes at its root{}",
        inside.as_ref().map(|inside| format!("; there is one inside {inside}/")).unwrap_or_default()
    )]
    NoProcess {
        /// A directory at the root that has one.
        inside: Option<String>,
    },
    /// In the `solum.yaml`, `Procfile` or `app.json` inside.
    #[error("{}", crate::plan::Lines(.0))]
    Mistakes(Vec<Mistake>),
    /// Less room was left on the disk than has to stay free.
    #[error("the server's disk is nearly full")]
    DiskFull,
    #[error(transparent)]
    Pack(#[from] PackError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("cannot read {}", path.display())]
    Io {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
}

impl ImportError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NotAnArchive { .. } => Some("make it with: tar -czf app.tar.gz -C DIRECTORY ."),
            Self::Damaged { .. } => Some("it may have been cut off on its way; send it again"),
            Self::NoProcess { inside: Some(_) } => {
                Some("pack what is in that directory: tar -czf app.tar.gz -C DIRECTORY .")
            }
            Self::NoProcess { inside: None } => {
                Some("put a Procfile such as 'web: ./server' beside the app's files")
            }
            Self::TooLarge { .. } => Some("leave out what the app does not need to run"),
            Self::DiskFull => Some("ask whoever runs the server to make room, and send it again"),
            Self::Hostile { .. } => {
                Some("pack the directory that the app runs in, and nothing else")
            }
            _ => None,
        }
    }
}

impl Builder {
    /// Makes the archive at `archive` a bundle for this machine.
    pub async fn import(
        &self,
        archive: &Path,
        transcript: &dyn Transcript,
    ) -> Result<Bundle, ImportError> {
        transcript.step("Reading the archive");
        let (store, machine) = (Arc::clone(self.store()), self.machine().clone());
        let path = archive.to_owned();
        let bounds = Bounds::new(self.max_import_bytes(), self.space().clone());
        let work = move || bounds.explain(import(&store, machine, &path, &bounds));
        let (bundle, entries, warnings) = blocking(work).await?;
        for warning in &warnings {
            transcript.warning(warning);
        }
        transcript.line(&format!("{entries} entries: {}", bundle.digest.short()));
        Ok(bundle)
    }
}

fn import(
    store: &ArtifactStore,
    machine: Stack,
    path: &Path,
    bounds: &Bounds,
) -> Result<(Bundle, usize, Vec<String>), ImportError> {
    let unreadable = |source| ImportError::Io { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(unreadable)?;
    check_magic(&mut file).map_err(unreadable)??;
    let file = File::open(path).map_err(unreadable)?;
    let mut archive = tar::Archive::new(Bounded {
        bytes: MultiGzDecoder::new(io::BufReader::with_capacity(256 << 10, file)),
        bounds,
        read: 0,
    });
    let mut checked = Checked::new(store)?;
    for entry in archive.entries().map_err(|source| checked.damaged(source))? {
        let entry = entry.map_err(|source| checked.damaged(source))?;
        checked.take(entry)?;
    }
    // The checksum stands behind the last entry.
    let mut rest = archive.into_inner();
    io::copy(&mut rest, &mut io::sink()).map_err(|source| checked.damaged(source))?;
    let count = checked.count();
    let (staged, files) = checked.finish()?;
    seal(store, machine, staged, &files).map(|(bundle, warnings)| (bundle, count, warnings))
}

fn seal(
    store: &ArtifactStore,
    machine: Stack,
    staged: Staged,
    files: &Found,
) -> Result<(Bundle, Vec<String>), ImportError> {
    let declarations = files.manifest.read().map_err(ImportError::Mistakes)?;
    let manifest = declarations.resolve(&Detected::default()).map_err(ImportError::Mistakes)?;
    if manifest.processes.is_empty() {
        return Err(ImportError::NoProcess { inside: files.inside.clone() });
    }
    let mut env = run_env();
    for directory in &files.program_directories {
        let path = env.entry("PATH".to_owned()).or_default();
        *path = format!("{}/{directory}:{path}", Bundle::APP_DIR);
    }
    let layer =
        Layer { digest: staged.digest.clone(), media_type: MediaType::Tar, size: staged.size };
    // What it leans on beyond the system is not known: it was built elsewhere.
    let stack = Stack { runtimes: [].into(), ..machine };
    let contents = Contents { layers: vec![layer], env, manifest, stack };
    Ok((store.seal(contents, vec![staged])?, declarations.warnings().to_vec()))
}

/// What the archive says about itself.
#[derive(Debug, Default)]
struct Found {
    manifest: ManifestFiles,
    /// Of a virtual environment and of `node_modules`, where they are.
    program_directories: Vec<&'static str>,
    /// A directory at the root with a Procfile or a solum.yaml of its own.
    inside: Option<String>,
}

fn check_magic(file: &mut File) -> io::Result<Result<(), ImportError>> {
    let mut start = Vec::new();
    file.take(6).read_to_end(&mut start)?;
    let reason = match start.as_slice() {
        [0x1f, 0x8b, ..] => return Ok(Ok(())),
        [] => "it is empty",
        [b'P', b'K', ..] => "it is a zip file",
        [0x28, 0xb5, 0x2f, 0xfd, ..] => "it is compressed with zstd, not gzip",
        [0xfd, b'7', b'z', b'X', ..] => "it is compressed with xz, not gzip",
        [b'B', b'Z', b'h', ..] => "it is compressed with bzip2, not gzip",
        _ => "it does not begin like gzip data",
    };
    Ok(Err(ImportError::NotAnArchive { reason: reason.to_owned() }))
}

/// What an archive must not go beyond while it is read, and which of them it met.
struct Bounds {
    most_bytes: u64,
    space: Space,
    met: Cell<Option<Bound>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Bound {
    Size,
    Disk,
}

impl Bounds {
    /// The disk is looked at after each of these many bytes.
    const LOOK: u64 = 16 << 20;

    fn new(most_bytes: u64, space: Space) -> Self {
        Self { most_bytes: most_bytes.min(MAX_LAYER_BYTES), space, met: Cell::new(None) }
    }

    fn check(&self, before: u64, after: u64) -> io::Result<()> {
        let met = if after > self.most_bytes {
            Some(Bound::Size)
        } else {
            let is_due = before == 0 || before / Self::LOOK != after / Self::LOOK;
            (is_due && self.space.is_short()).then_some(Bound::Disk)
        };
        self.met.set(met);
        met.map_or(Ok(()), |_| Err(io::Error::other("a bound was met")))
    }

    /// An archive that was cut off at a bound looks damaged; this says what it was.
    fn explain<T>(&self, result: Result<T, ImportError>) -> Result<T, ImportError> {
        result.map_err(|error| match self.met.get() {
            Some(Bound::Size) => {
                let most = self.most_bytes >> 20;
                ImportError::TooLarge { reason: format!("it expands to more than {most} MiB") }
            }
            Some(Bound::Disk) => ImportError::DiskFull,
            None => error,
        })
    }
}

/// Ends with an error instead of expanding without end.
struct Bounded<'b, R> {
    bytes: R,
    bounds: &'b Bounds,
    read: u64,
}

impl<R: io::Read> io::Read for Bounded<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.bytes.read(buffer)?;
        let after = self.read + count as u64;
        self.bounds.check(self.read, after)?;
        self.read = after;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endless(most_bytes: u64, min_free_bytes: u64) -> (Bounds, Option<Bound>) {
        let space = Space { directory: std::env::temp_dir(), min_free_bytes };
        let bounds = Bounds::new(most_bytes, space);
        let mut endless = Bounded { bytes: io::repeat(0), bounds: &bounds, read: 0 };
        io::copy(&mut endless, &mut io::sink()).unwrap_err();
        let met = bounds.met.get();
        (bounds, met)
    }

    #[test]
    fn what_expands_without_end_is_ended_by_name() {
        let (bounds, met) = endless(3 << 20, 0);
        assert_eq!(met, Some(Bound::Size));
        let damaged = ImportError::Damaged { entries: 1, source: io::ErrorKind::Other.into() };
        let error = bounds.explain::<()>(Err(damaged)).unwrap_err();
        let expected = "the archive is refused: it expands to more than 3 MiB";
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn a_disk_that_runs_full_ends_it_too() {
        assert_eq!(endless(u64::MAX, u64::MAX).1, Some(Bound::Disk));
    }
}
