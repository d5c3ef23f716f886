//! What leaves the store: blobs that nobody needs, once they are old enough not to be somebody's next step.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use types::Digest;

use super::oci::{Descriptor, Index};
use super::{ArtifactStore, StoreError};
use crate::blocking::blocking;

/// What a collection removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Collected {
    pub blobs: u64,
    pub bytes: u64,
}

/// What the store holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    pub blobs: u64,
    pub bytes: u64,
}

impl ArtifactStore {
    /// Removes every blob that no image manifest in `keep` leads to and that nobody has written or used for `grace`.
    /// `grace` has to be longer than a build takes. Removes nothing at all when one of `keep` cannot be read,
    /// because then nobody knows what it needs.
    pub async fn collect(
        self: &Arc<Self>,
        keep: &[Digest],
        grace: Duration,
    ) -> Result<Collected, StoreError> {
        let (store, keep) = (Arc::clone(self), keep.to_vec());
        blocking(move || store.collect_blocking(&keep, grace)).await
    }

    /// Blobs in the store and their bytes, as stored.
    pub async fn usage(self: &Arc<Self>) -> Result<Usage, StoreError> {
        let store = Arc::clone(self);
        blocking(move || {
            let mut usage = Usage::default();
            store.each_file("blobs/sha256", |_, found| {
                usage.blobs += 1;
                usage.bytes += found.len();
                Ok(())
            })?;
            Ok(usage)
        })
        .await
    }

    fn collect_blocking(&self, keep: &[Digest], grace: Duration) -> Result<Collected, StoreError> {
        let mut needed = BTreeSet::new();
        for digest in keep {
            let image = self.read_image(digest)?;
            needed.insert(digest.hex().to_owned());
            needed.insert(image.config.digest.hex().to_owned());
            needed.extend(image.layers.iter().map(|layer| layer.digest.hex().to_owned()));
        }
        let oldest = self.now().checked_sub(grace).unwrap_or(SystemTime::UNIX_EPOCH);
        let mut collected = Collected::default();
        self.each_file("blobs/sha256", |path, _| {
            let name = path.file_name().and_then(OsStr::to_str).unwrap_or_default();
            if !needed.contains(name)
                && let Some(bytes) = self.remove_if_older(path, oldest)?
            {
                collected.blobs += 1;
                collected.bytes += bytes;
            }
            Ok(())
        })?;
        self.each_file("ingest", |path, _| self.remove_if_older(path, oldest).map(drop))?;
        self.unlist_missing()?;
        Ok(collected)
    }

    /// Its size, if it was removed.
    fn remove_if_older(&self, path: &Path, oldest: SystemTime) -> Result<Option<u64>, StoreError> {
        let _alone = self.removal.write();
        let Ok(found) = std::fs::symlink_metadata(path) else { return Ok(None) };
        if found.modified().is_ok_and(|modified| modified >= oldest) {
            return Ok(None);
        }
        std::fs::remove_file(path).map_err(StoreError::io("remove", path))?;
        Ok(Some(found.len()))
    }

    fn each_file(
        &self,
        part: &str,
        mut visit: impl FnMut(&Path, &std::fs::Metadata) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let directory = self.directory.join(part);
        let entries = std::fs::read_dir(&directory).map_err(StoreError::io("list", &directory))?;
        for entry in entries {
            let entry = entry.map_err(StoreError::io("list", &directory))?;
            // One that has gone since it was listed is nobody's concern.
            if let Ok(found) = entry.metadata() {
                visit(&entry.path(), &found)?;
            }
        }
        Ok(())
    }

    /// Names an image in `index.json`, where tools that read image layouts look first.
    pub(super) fn list(&self, entry: Descriptor) -> Result<(), StoreError> {
        let _alone = self.removal.write();
        let mut index = self.read_index();
        if index.manifests.iter().any(|listed| listed.digest == entry.digest) {
            return Ok(());
        }
        index.manifests.push(entry);
        self.write_index(&index)
    }

    fn unlist_missing(&self) -> Result<(), StoreError> {
        let _alone = self.removal.write();
        let mut index = self.read_index();
        let before = index.manifests.len();
        index.manifests.retain(|entry| self.path(&entry.digest).exists());
        if index.manifests.len() == before { Ok(()) } else { self.write_index(&index) }
    }

    /// The index is for other tools: nothing here depends on it, and one that a crash has damaged starts anew.
    fn read_index(&self) -> Index {
        std::fs::read(self.directory.join("index.json"))
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default()
    }

    pub(super) fn write_index(&self, index: &Index) -> Result<(), StoreError> {
        let path = self.directory.join("index.json");
        let json = serde_json::to_vec(index).expect("an index always serialises");
        let temporary = self.directory.join("ingest/index.json");
        std::fs::write(&temporary, json)
            .and_then(|()| std::fs::rename(&temporary, &path))
            .map_err(StoreError::io("write", &path))
    }
}
