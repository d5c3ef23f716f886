//! Brings the tree that is built in to the state of the source: what differs is written anew, what is not in the source
//! is removed, and what is the same stays as it is. Files keep their times, so that `cargo` and `make` see what changed.
//!
//! The tree was in the hands of untrusted commands. None of them runs any more; they may have left links in the
//! place of files, so nothing is written through what is found: a path is a directory of ours or is removed.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, symlink};
use std::path::Path;

use super::room::{Room, remove};
use super::{BuildError, Job};
use crate::blocking::blocking;

impl Job<'_> {
    pub(super) async fn sync(&self) -> Result<(), BuildError> {
        let (room, source) = (self.room.clone(), self.workspace.source.clone());
        blocking(move || directory(&room, &source, &room.tree(), true)).await
    }
}

/// `to` becomes like `from`, owned by the app's user.
pub(super) fn directory(
    room: &Room,
    from: &Path,
    to: &Path,
    is_root: bool,
) -> Result<(), BuildError> {
    room.create_owned(to)?;
    set_mode(to, 0o755)?;
    let wanted: BTreeSet<OsString> =
        names(from)?.into_iter().filter(|name| !(is_root && name == ".git")).collect();
    for name in names(to)? {
        if !wanted.contains(&name) {
            remove(&to.join(name))?;
        }
    }
    for name in wanted {
        entry(room, &from.join(&name), &to.join(&name))?;
    }
    Ok(())
}

fn names(directory: &Path) -> Result<Vec<OsString>, BuildError> {
    std::fs::read_dir(directory)
        .and_then(|entries| entries.map(|entry| Ok(entry?.file_name())).collect())
        .map_err(BuildError::io("list", directory))
}

fn entry(room: &Room, from: &Path, to: &Path) -> Result<(), BuildError> {
    let found = std::fs::symlink_metadata(from).map_err(BuildError::io("read", from))?;
    let there = std::fs::symlink_metadata(to).ok();
    if found.is_dir() {
        return directory(room, from, to, false);
    }
    if found.is_symlink() {
        let target = std::fs::read_link(from).map_err(BuildError::io("read", from))?;
        if there.is_some() && std::fs::read_link(to).is_ok_and(|old| old == target) {
            return Ok(());
        }
        remove(to)?;
        symlink(target, to).map_err(BuildError::io("create", to))?;
        return room.own(to);
    }
    if !found.is_file() {
        return Ok(());
    }
    let same = match &there {
        Some(there) => is_same(&found, there, from, to).map_err(BuildError::io("compare", to))?,
        None => false,
    };
    if same { Ok(()) } else { write(room, &found, from, to) }
}

fn mode(found: &Metadata) -> u32 {
    if found.mode() & 0o111 == 0 { 0o644 } else { 0o755 }
}

fn is_same(found: &Metadata, there: &Metadata, from: &Path, to: &Path) -> io::Result<bool> {
    // A second name for it may be elsewhere in the tree, and a later command may write through that one.
    let is_alone = there.is_file() && there.nlink() == 1;
    if !is_alone || there.len() != found.len() || there.mode() & 0o7777 != mode(found) {
        return Ok(false);
    }
    let (mut left, mut right) = (open(from)?, open(to)?);
    let (mut ours, mut theirs) = ([0; 16 << 10], [0; 16 << 10]);
    loop {
        let count = left.read(&mut ours)?;
        if count == 0 {
            return Ok(true);
        }
        right.read_exact(&mut theirs[..count])?;
        if ours[..count] != theirs[..count] {
            return Ok(false);
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    let flags =
        i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).expect("open(2) flags fit an int");
    File::options().read(true).custom_flags(flags).open(path)
}

fn write(room: &Room, found: &Metadata, from: &Path, to: &Path) -> Result<(), BuildError> {
    remove(to)?;
    let copy = || -> io::Result<()> {
        let mut target = File::options().write(true).create_new(true).open(to)?;
        io::copy(&mut open(from)?, &mut target)?;
        target.set_permissions(std::fs::Permissions::from_mode(mode(found)))
    };
    copy().map_err(BuildError::io("write", to))?;
    room.own(to)
}

fn set_mode(path: &Path, mode: u32) -> Result<(), BuildError> {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
        .map_err(BuildError::io("change the permissions of", path))
}

/// An empty directory to mount something on, below the tree's root and with every directory above it.
pub(super) fn mount_point(room: &Room, tree: &Path, directory: &str) -> Result<(), BuildError> {
    let mut path = tree.to_owned();
    for part in directory.split('/') {
        path.push(part);
        room.create_owned(&path)?;
    }
    Ok(())
}
