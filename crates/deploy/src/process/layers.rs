//! Layers, laid out: unpacked once per app and digest, and shared by all instances of the app.
//!
//! A layer is unpacked beside its place and renamed into it. Nothing is flushed to disk on the way, because a deployment
//! waits for it: until [`Layers::collect`] has flushed it, a layer carries the name of the boot that it was unpacked in, and
//! after a crash of the machine it does not count and is unpacked again.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use types::{Digest, Layer, Timestamp};

use super::{instances, unpack};
use crate::shim::directory::open_to_walk;
use crate::{Collected, Error, Owner, PrepareError};

/// A layer that was asked for this recently may be about to be used.
const GRACE: Duration = Duration::from_secs(3600);

/// Says when a layer was last asked for: its modification time.
const USED: &str = "used";

/// In a layer that may not have reached the disk: the boot that it was unpacked in.
const UNFLUSHED: &str = "unflushed";

const TREE: &str = "tree";

#[derive(Debug)]
pub(super) struct Layers {
    directory: PathBuf,
    /// Whether we are root and can give files away.
    give_away: bool,
    boot: String,
}

impl Layers {
    pub(super) fn new(directory: PathBuf, give_away: bool) -> Self {
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        Self { directory, give_away, boot }
    }

    /// The tree of a layer that is laid out.
    pub(super) fn find(&self, owner: &Owner, digest: &Digest) -> Option<PathBuf> {
        let place = self.place(owner, digest);
        self.is_whole(&place).then(|| place.join(TREE))
    }

    pub(super) fn lay_out(
        &self,
        owner: &Owner,
        layer: &Layer,
        blob: &Path,
        now: Timestamp,
    ) -> Result<(), PrepareError> {
        let place = self.place(owner, &layer.digest);
        if self.is_whole(&place) {
            return touch(&place.join(USED), now).map_err(PrepareError::io("touch", &place));
        }
        let app = self.directory.join(owner.app.to_string());
        make(&app).map_err(PrepareError::io("make", &app))?;
        let new = app.join(format!("new-{:016x}", rand::random::<u64>()));
        let result = self.unpack(owner, layer, blob, &new, now).and_then(|()| {
            if place.exists() && !self.is_whole(&place) {
                // Of a boot that ended before it was flushed.
                instances::discard(&place, &new.with_extension("old"))
                    .map_err(|_| io::Error::other("what a crash left behind cannot be removed"))
                    .map_err(PrepareError::io("replace", &place))?;
            }
            match fs::rename(&new, &place) {
                // Somebody else was quicker, and theirs is the same.
                Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {
                    let _ = fs::remove_dir_all(&new);
                    Ok(())
                }
                result => result.map_err(PrepareError::io("put in place", &place)),
            }
        });
        if result.is_err() {
            let _ = fs::remove_dir_all(&new);
        }
        result
    }

    fn unpack(
        &self,
        owner: &Owner,
        layer: &Layer,
        blob: &Path,
        new: &Path,
        now: Timestamp,
    ) -> Result<(), PrepareError> {
        let tree = new.join(TREE);
        make(new).and_then(|()| make(&tree)).map_err(PrepareError::io("make", &tree))?;
        let file = fs::File::open(blob).map_err(PrepareError::io("open", blob))?;
        let uid = self.give_away.then_some(owner.uid);
        unpack::unpack(file, layer.media_type, &tree, uid).map_err(|error| match error {
            unpack::UnpackError::Refused(reason) => {
                PrepareError::Layer { layer: layer.digest.clone(), reason }
            }
            unpack::UnpackError::Io { path, source } => {
                PrepareError::Io { action: "unpack", path: tree.join(path), source }
            }
        })?;
        fs::write(new.join(UNFLUSHED), &self.boot)
            .and_then(|()| touch(&new.join(USED), now))
            .map_err(PrepareError::io("mark", new))
    }

    fn is_whole(&self, place: &Path) -> bool {
        match fs::read_to_string(place.join(UNFLUSHED)) {
            Ok(boot) => boot == self.boot,
            Err(error) => error.kind() == io::ErrorKind::NotFound && place.join(TREE).is_dir(),
        }
    }

    fn place(&self, owner: &Owner, digest: &Digest) -> PathBuf {
        self.directory.join(owner.app.to_string()).join(digest.hex())
    }

    /// Drops the layers whose names are not in `keep` and that nobody asked for lately; flushes the others.
    pub(super) fn collect(
        &self,
        keep: &BTreeSet<PathBuf>,
        trash: &Path,
        now: Timestamp,
    ) -> Result<Collected, Error> {
        let mut collected = Collected::default();
        let mut unflushed = Vec::new();
        for app in entries(&self.directory)? {
            for place in entries(&app)? {
                let name = Path::new(place.file_name().unwrap_or_default());
                if keep.contains(name) || is_recent(&place, now) {
                    collected.kept += 1;
                    unflushed.extend(Some(place.join(UNFLUSHED)).filter(|mark| mark.exists()));
                } else {
                    let name = format!("{:032x}", rand::random::<u128>());
                    instances::discard(&place, &trash.join(name))?;
                    collected.layers += 1;
                }
            }
        }
        if !unflushed.is_empty() {
            let directory =
                fs::File::open(&self.directory).map_err(Error::io("open", &self.directory))?;
            rustix::fs::syncfs(&directory)
                .map_err(|error| Error::io("flush", &self.directory)(error.into()))?;
            for mark in unflushed {
                let _ = fs::remove_file(mark);
            }
        }
        Ok(collected)
    }
}

fn make(path: &Path) -> io::Result<()> {
    match fs::create_dir(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => open_to_walk(path),
    }
}

fn touch(path: &Path, now: Timestamp) -> io::Result<()> {
    let file = fs::File::options().create(true).append(true).open(path)?;
    file.set_modified(std::time::SystemTime::from(now))
}

/// A layer that is just being unpacked, `new-…`, is recent too: until it has its mark, by the time of its directory.
fn is_recent(place: &Path, now: Timestamp) -> bool {
    let at = fs::metadata(place.join(USED)).or_else(|_| fs::metadata(place));
    let Ok(at) = at.and_then(|metadata| metadata.modified()) else { return true };
    std::time::SystemTime::from(now).duration_since(at).is_ok_and(|age| age < GRACE)
        || at > std::time::SystemTime::from(now)
}

fn entries(directory: &Path) -> Result<Vec<PathBuf>, Error> {
    let entries = fs::read_dir(directory).map_err(Error::io("read", directory))?;
    Ok(entries.filter_map(|entry| Some(entry.ok()?.path())).collect())
}
