//! What builders leave behind, and how it goes.

use std::path::Path;

use types::AppId;

use super::{BuildError, Builder};
use crate::blocking::blocking;

impl Builder {
    /// Removes everything of an app. Waits for a call for that app to end.
    pub async fn forget(&self, app: AppId) -> Result<(), BuildError> {
        self.rooms.clear(app).await
    }

    /// Takes away what calls of a former process were working on when that was killed. For the start, before any call.
    pub async fn sweep(&self) -> Result<(), BuildError> {
        let (abandoned, space) = (self.rooms.abandoned(), self.space.clone());
        blocking(move || {
            for room in abandoned {
                room.clear_work()?;
                // It may be what filled the disk: by its caches too.
                if space.is_short() { room.clear() } else { room.leave() }?;
            }
            Ok(())
        })
        .await
    }

    /// Bytes on the disk, by app.
    pub async fn usage(&self) -> Result<Vec<(AppId, u64)>, BuildError> {
        let directory = self.rooms.directory().to_owned();
        blocking(move || {
            let entries = match std::fs::read_dir(&directory) {
                Ok(entries) => entries,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
                Err(error) => return Err(BuildError::io("list", &directory)(error)),
            };
            let apps = entries.filter_map(Result::ok).filter_map(|entry| {
                let app = entry.file_name().to_str()?.parse().ok()?;
                Some((app, bytes_below(&entry.path())))
            });
            Ok(apps.collect())
        })
        .await
    }

    /// Removes the caches and trees of every app that has more than `limit` bytes of them: its next build starts from
    /// nothing. Returns which.
    pub async fn trim(&self, limit: u64) -> Result<Vec<AppId>, BuildError> {
        let mut trimmed = Vec::new();
        for (app, bytes) in self.usage().await? {
            if bytes > limit {
                self.forget(app).await?;
                trimmed.push(app);
            }
        }
        Ok(trimmed)
    }
}

/// Allocated, as du(1) counts. What cannot be read counts as nothing.
fn bytes_below(path: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    let Ok(found) = std::fs::symlink_metadata(path) else { return 0 };
    let own = found.blocks() * 512;
    if !found.is_dir() {
        return own;
    }
    let entries = std::fs::read_dir(path).into_iter().flatten().filter_map(Result::ok);
    own + entries.map(|entry| bytes_below(&entry.path())).sum::<u64>()
}
