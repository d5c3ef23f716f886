//! The layer that static sites carry: our own program. It is packed once and found again while the program's file stays
//! the same.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;

use parking_lot::Mutex;
use types::Layer;

use super::BuildError;
use crate::languages::STATIC_SERVER;
use crate::layer::{self, Links, NO_TIME, Part};
use crate::store::ArtifactStore;

#[derive(Debug, Clone, Default)]
pub(super) struct Program {
    packed: Arc<Mutex<Option<(Identity, Layer)>>>,
}

/// Device, inode, size, change time.
type Identity = (u64, u64, u64, i64, i64);

impl Program {
    /// In the store.
    pub(super) fn layer(&self, store: &ArtifactStore, path: &Path) -> Result<Layer, BuildError> {
        let found = std::fs::metadata(path).map_err(BuildError::io("read", path))?;
        let changed = (found.ctime(), found.ctime_nsec());
        let identity = (found.dev(), found.ino(), found.len(), changed.0, changed.1);
        let mut known = self.packed.lock();
        if let Some((of, layer)) = &*known
            && *of == identity
            && store.renew(layer)
        {
            return Ok(layer.clone());
        }
        let packed = layer::pack(
            store,
            &[Part {
                root: path.to_owned(),
                prefix: STATIC_SERVER.trim_start_matches('/').to_owned(),
                without: Vec::new(),
                changed_from: None,
                time: NO_TIME,
                links: Links::Trusted,
            }],
        )?;
        store.commit(vec![packed.staged])?;
        *known = Some((identity, packed.layer.clone()));
        Ok(packed.layer)
    }
}
