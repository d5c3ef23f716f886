//! How bytes come in: hashed while they are written, synced, then renamed to their digest.

use std::io::{self, BufWriter, Write};

use sha2::{Digest as _, Sha256};
use tempfile::{NamedTempFile, TempPath};
use types::Digest;

use super::{ArtifactStore, StoreError};

/// A blob being written. Dropped before [`ArtifactStore::commit`], it leaves nothing.
#[derive(Debug)]
pub(crate) struct BlobWriter {
    sink: BufWriter<Hashing>,
}

#[derive(Debug)]
struct Hashing {
    file: NamedTempFile,
    hasher: Sha256,
    size: u64,
}

/// A blob that is written but not yet in the store.
#[derive(Debug)]
pub(crate) struct Staged {
    file: std::fs::File,
    temporary: TempPath,
    pub(crate) digest: Digest,
    pub(crate) size: u64,
}

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.file.write(bytes)?;
        self.hasher.update(&bytes[..count]);
        self.size += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Write for BlobWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.sink.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sink.flush()
    }
}

impl BlobWriter {
    /// The whole blob, written but not yet durable.
    pub(crate) fn finish(self) -> io::Result<Staged> {
        let Hashing { file, hasher, size } = self.sink.into_inner()?;
        let (file, temporary) = file.into_parts();
        let digest = Digest::from_sha256(hasher.finalize().into());
        Ok(Staged { file, temporary, digest, size })
    }
}

impl ArtifactStore {
    pub(crate) fn writer(&self) -> Result<BlobWriter, StoreError> {
        let directory = self.directory.join("ingest");
        let file = NamedTempFile::new_in(&directory)
            .map_err(StoreError::io("create a file in", &directory))?;
        let sink = Hashing { file, hasher: Sha256::new(), size: 0 };
        Ok(BlobWriter { sink: BufWriter::with_capacity(256 << 10, sink) })
    }

    /// Puts the blobs into the store. When this returns they will be there after a power failure too. One that is
    /// already there is left as it is, and its age begins anew.
    pub(crate) fn commit(&self, staged: Vec<Staged>) -> Result<(), StoreError> {
        let (known, new): (Vec<_>, Vec<_>) =
            staged.into_iter().partition(|blob| self.is_known(&blob.digest, blob.size));
        drop(known);
        if new.is_empty() {
            return Ok(());
        }
        self.sync(&new)?;
        for blob in new {
            let path = self.path(&blob.digest);
            let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o644);
            blob.file
                .set_permissions(permissions)
                .and_then(|()| blob.file.set_modified(self.now()))
                .map_err(StoreError::io("write", &path))?;
            blob.temporary
                .persist(&path)
                .map_err(|error| StoreError::io("create", &path)(error.error))?;
        }
        let directory = self.directory.join("blobs/sha256");
        std::fs::File::open(&directory)
            .and_then(|directory| directory.sync_all())
            .map_err(StoreError::io("sync", &directory))
    }

    /// At the same time, so that the disk's journal can take them in one go.
    fn sync(&self, blobs: &[Staged]) -> Result<(), StoreError> {
        std::thread::scope(|scope| {
            let syncs: Vec<_> =
                blobs.iter().map(|blob| scope.spawn(|| blob.file.sync_data())).collect();
            syncs.into_iter().try_for_each(|sync| {
                sync.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
            })
        })
        .map_err(StoreError::io("sync", &self.directory.join("ingest")))
    }

    fn is_known(&self, digest: &Digest, size: u64) -> bool {
        let _present = self.removal.read();
        std::fs::File::open(self.path(digest)).is_ok_and(|file| {
            file.metadata().is_ok_and(|found| found.len() == size)
                && file.set_modified(self.now()).is_ok()
        })
    }
}
