//! The content-addressed store: an OCI image layout (image spec v1.1, `image-layout.md`) in one directory.
//!
//! It holds bytes named by their SHA-256 digest. Which of them are worth keeping is told from outside
//! ([`ArtifactStore::collect`]); it knows nothing of releases.
//!
//! The invariant: a name under `blobs/sha256` exists only once all its bytes are on the disk. They are written
//! to `ingest/`, synced, then renamed. A crash leaves at most a file in `ingest/`, which the next collection
//! removes. What a document says is believed only after its digest was compared.

mod collect;
mod ingest;
mod oci;
mod seal;

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use parking_lot::RwLock;
use sha2::{Digest as _, Sha256};
use types::{Bundle, Clock, Digest, Layer};

pub use collect::{Collected, Usage};
pub(crate) use ingest::{BlobWriter, Staged};
pub(crate) use seal::Contents;

use crate::blocking::blocking;

/// See the module's documentation. Made once per directory and shared.
#[derive(Debug)]
pub struct ArtifactStore {
    directory: PathBuf,
    clock: Arc<dyn Clock>,
    /// Held for reading while a blob is found and its age renewed, for writing while one is removed.
    removal: RwLock<()>,
}

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("cannot {action} {}", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{0} is not in the artifact store")]
    Missing(Digest),
    /// The bytes under a name are not those the name was given for. The artifact has to be built again.
    #[error("{digest} is damaged: its bytes have the digest {found}")]
    Damaged { digest: Digest, found: Digest },
    #[error("{digest} is not a bundle that Solum can read: {reason}")]
    NotABundle { digest: Digest, reason: String },
}

impl StoreError {
    pub(crate) fn io<'a>(
        action: &'static str,
        path: &'a Path,
    ) -> impl FnOnce(io::Error) -> Self + 'a {
        move |source| Self::Io { action, path: path.to_owned(), source }
    }
}

impl ArtifactStore {
    /// Documents larger than this are not read: OCI registries refuse them too (4 MiB).
    const MAX_DOCUMENT_BYTES: u64 = 4 << 20;

    /// Opens the store in `directory`, making what is missing.
    pub fn open(directory: impl Into<PathBuf>, clock: Arc<dyn Clock>) -> Result<Self, StoreError> {
        let directory = directory.into();
        for part in ["blobs/sha256", "ingest"] {
            let path = directory.join(part);
            std::fs::create_dir_all(&path).map_err(StoreError::io("create", &path))?;
        }
        let marker = directory.join("oci-layout");
        if !marker.exists() {
            std::fs::write(&marker, br#"{"imageLayoutVersion":"1.0.0"}"#)
                .map_err(StoreError::io("write", &marker))?;
        }
        let store = Self { directory, clock, removal: RwLock::new(()) };
        if !store.directory.join("index.json").exists() {
            store.write_index(&oci::Index::default())?;
        }
        Ok(store)
    }

    /// Where the bytes of a blob are, or would be.
    #[must_use]
    pub fn path(&self, digest: &Digest) -> PathBuf {
        self.directory.join("blobs/sha256").join(digest.hex())
    }

    /// Reads the bundle whose image manifest has this digest. Manifest and config are verified, layers only
    /// looked for: see [`ArtifactStore::verify`].
    pub async fn bundle(self: &Arc<Self>, digest: &Digest) -> Result<Bundle, StoreError> {
        let (store, digest) = (Arc::clone(self), digest.clone());
        blocking(move || {
            let bundle = store.read_bundle(&digest)?;
            match bundle.layers.iter().find(|layer| !store.path(&layer.digest).exists()) {
                Some(layer) => Err(StoreError::Missing(layer.digest.clone())),
                None => Ok(bundle),
            }
        })
        .await
    }

    /// Reads all bytes of the blob and compares their digest. For what is about to be unpacked.
    pub async fn verify(self: &Arc<Self>, digest: &Digest) -> Result<(), StoreError> {
        let (store, digest) = (Arc::clone(self), digest.clone());
        blocking(move || store.verify_blocking(&digest)).await
    }

    fn verify_blocking(&self, digest: &Digest) -> Result<(), StoreError> {
        let path = self.path(digest);
        let mut file = self.open_blob(digest)?;
        let mut hasher = Sha256::new();
        let mut chunk = vec![0; 256 << 10];
        loop {
            match file.read(&mut chunk).map_err(StoreError::io("read", &path))? {
                0 => break,
                count => hasher.update(&chunk[..count]),
            }
        }
        Self::compare(digest, hasher)
    }

    fn compare(digest: &Digest, hasher: Sha256) -> Result<(), StoreError> {
        let found = Digest::from_sha256(hasher.finalize().into());
        if found == *digest {
            Ok(())
        } else {
            Err(StoreError::Damaged { digest: digest.clone(), found })
        }
    }

    fn open_blob(&self, digest: &Digest) -> Result<std::fs::File, StoreError> {
        let path = self.path(digest);
        std::fs::File::open(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => StoreError::Missing(digest.clone()),
            _ => StoreError::io("open", &path)(error),
        })
    }

    /// The verified bytes of a small blob.
    fn read_document(&self, digest: &Digest) -> Result<Vec<u8>, StoreError> {
        let mut bytes = Vec::new();
        let path = self.path(digest);
        self.open_blob(digest)?
            .take(Self::MAX_DOCUMENT_BYTES + 1)
            .read_to_end(&mut bytes)
            .map_err(StoreError::io("read", &path))?;
        if bytes.len() as u64 > Self::MAX_DOCUMENT_BYTES {
            let reason = "its documents are larger than 4 MiB".to_owned();
            return Err(StoreError::NotABundle { digest: digest.clone(), reason });
        }
        Self::compare(digest, Sha256::new_with_prefix(&bytes))?;
        Ok(bytes)
    }

    /// Whether all of the layer is here. Its age begins anew, so that a collection leaves it for whoever is about
    /// to use it.
    pub(crate) fn renew(&self, layer: &Layer) -> bool {
        let _present = self.removal.read();
        let path = self.path(&layer.digest);
        let Ok(file) = std::fs::File::open(&path) else { return false };
        file.metadata().is_ok_and(|found| found.len() == layer.size)
            && file.set_modified(self.now()).is_ok()
    }

    fn now(&self) -> SystemTime {
        self.clock.now().into()
    }
}
