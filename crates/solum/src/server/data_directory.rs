//! The directory that holds everything, and the lock that keeps it to one server.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use rustix::fs::{FlockOperation, flock};
use rustix::process::Pid;

#[derive(Debug, Clone)]
pub(crate) struct DataDirectory {
    path: PathBuf,
}

/// Held as long as a server works in the directory; the kernel takes it back when the process ends.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl DataDirectory {
    /// Makes the directory if it is not there, readable for its owner only.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .with_context(|| format!("cannot make the data directory {}", path.display()))?;
        let path = path.canonicalize().context("cannot resolve the data directory's path")?;
        Ok(Self { path })
    }

    /// Closes it to others, also where it was there before: a mounted disk is open to all as it comes. `passable` lets
    /// those walk through who know where to. What is not ours, or holds something else, is refused and left as it is.
    pub(crate) fn make_private(&self, passable: bool) -> Result<()> {
        let shown = self.path.display();
        let found = std::fs::metadata(&self.path).context("cannot look at the data directory")?;
        let us = rustix::process::geteuid().as_raw();
        if found.uid() != us {
            let owner = found.uid();
            bail!(
                "{shown} belongs to user {owner}, who could read what is kept there, and not to the server's user \
                 {us}; give it to the server with `chown {us} {shown}`, or choose another directory with --data-dir"
            );
        }
        let mode = if passable { 0o711 } else { 0o700 };
        if found.mode() & 0o7777 == mode {
            return Ok(());
        }
        if let Some(foreign) = self.foreign()? {
            bail!(
                "{shown} is open to other users, and holds `{foreign}`, which is not Solum's: it is not closed to them. \
                 Choose a directory of the server's own with --data-dir, or close it with `chmod 700 {shown}`"
            );
        }
        std::fs::set_permissions(&self.path, Permissions::from_mode(mode))
            .with_context(|| format!("cannot close {shown} to other users"))?;
        tracing::info!(data = %shown, mode = format_args!("{mode:o}"), "the data directory is closed to other users");
        Ok(())
    }

    /// Something in a directory that no server has used yet.
    fn foreign(&self) -> Result<Option<String>> {
        if self.file("solum.db").exists() {
            return Ok(None);
        }
        let entries = std::fs::read_dir(&self.path).context("cannot read the data directory")?;
        let mut names = entries
            .filter_map(|entry| Some(entry.ok()?.file_name().to_string_lossy().into_owned()));
        // What file systems have at their root, and what a start that came no further leaves.
        let ours = ["lost+found", "server.lock", "addresses.json"];
        Ok(names.find(|name| !ours.contains(&name.as_str())))
    }

    /// Where it is without being told: the system's place for root, the user's own for others.
    pub(crate) fn default_path() -> PathBuf {
        if rustix::process::geteuid().is_root() {
            return PathBuf::from("/var/lib/solum");
        }
        let share = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from);
        let home = || std::env::var_os("HOME").map(|home| Path::new(&home).join(".local/share"));
        share.or_else(home).unwrap_or_else(|| PathBuf::from(".")).join("solum")
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Takes the lock, and leaves this process's id in it.
    pub(crate) fn lock(&self) -> Result<Lock> {
        let mut file = self.lock_file()?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            let holder = self.holder().map_or_else(String::new, |pid| format!(" (process {pid})"));
            bail!(
                "another server works in {}{holder}; stop it first: solum server stop --data-dir {}",
                self.path.display(),
                self.path.display()
            );
        }
        // In place, and of one length: on a full disk too.
        file.rewind()?;
        writeln!(file, "{:<10}", std::process::id())?;
        file.set_len(11)?;
        Ok(Lock { _file: file })
    }

    /// Waits until no server holds the directory, and takes it.
    pub(crate) fn wait_for_lock(&self) -> Result<Lock> {
        let file = self.lock_file()?;
        flock(&file, FlockOperation::LockExclusive).context("cannot wait for the server to end")?;
        Ok(Lock { _file: file })
    }

    /// The server that works in the directory, if there is one.
    pub(crate) fn server(&self) -> Result<Option<Pid>> {
        let file = self.lock_file()?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_ok() {
            return Ok(None);
        }
        Ok(self.holder().and_then(Pid::from_raw))
    }

    fn lock_file(&self) -> Result<File> {
        let path = self.file("server.lock");
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        options.open(&path).with_context(|| format!("cannot open {}", path.display()))
    }

    fn holder(&self) -> Option<i32> {
        let mut text = String::new();
        File::open(self.file("server.lock")).ok()?.take(32).read_to_string(&mut text).ok()?;
        text.trim().parse().ok()
    }

    /// Replaces a small file whole, or not at all. In the room of one that was [`withdraw`](Self::withdraw)n it finds room on
    /// a full disk, too.
    pub(crate) fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.file(name);
        let temporary = self.file(&format!("{name}.new"));
        let written = (|| {
            let mut options = OpenOptions::new();
            let mut file =
                options.write(true).create(true).truncate(false).mode(0o600).open(&temporary)?;
            file.write_all(text.as_bytes())?;
            file.set_len(text.len() as u64)?;
            file.sync_all()?;
            std::fs::rename(&temporary, &path)
        })();
        written.with_context(|| format!("cannot write {}", path.display()))
    }

    /// Takes a file away, and keeps its room for the next [`write`](Self::write). Absent is fine.
    pub(crate) fn withdraw(&self, name: &str) -> Result<()> {
        let path = self.file(name);
        match std::fs::rename(&path, self.file(&format!("{name}.new"))) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("cannot remove {}", path.display()))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().mode() & 0o777
    }

    fn opened(mode: u32) -> (tempfile::TempDir, DataDirectory) {
        let place = tempfile::tempdir().unwrap();
        std::fs::set_permissions(place.path(), Permissions::from_mode(mode)).unwrap();
        let directory = DataDirectory::open(place.path()).unwrap();
        (place, directory)
    }

    #[test]
    fn a_file_that_is_withdrawn_leaves_its_room_to_the_next() {
        let (place, directory) = opened(0o700);
        directory.withdraw("where").unwrap();
        for text in ["a long address", "short"] {
            directory.write("where", text).unwrap();
            let path = place.path().join("where");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
            let inode = std::fs::metadata(&path).unwrap().ino();
            directory.withdraw("where").unwrap();
            assert!(!path.exists());
            assert_eq!(std::fs::metadata(place.path().join("where.new")).unwrap().ino(), inode);
        }
    }

    #[test]
    fn a_directory_that_was_there_is_closed_to_others() {
        let (place, directory) = opened(0o755);
        std::fs::create_dir(place.path().join("lost+found")).unwrap();
        directory.make_private(false).unwrap();
        assert_eq!(mode(place.path()), 0o700);
        directory.write("addresses.json", "{}").unwrap();
        assert_eq!(mode(&place.path().join("addresses.json")), 0o600);
        directory.make_private(true).unwrap();
        assert_eq!(mode(place.path()), 0o711);
    }

    #[test]
    fn a_directory_with_something_else_in_it_is_left_alone() {
        let (place, directory) = opened(0o755);
        std::fs::write(place.path().join("letter"), "dear").unwrap();
        let error = directory.make_private(false).unwrap_err().to_string();
        assert!(error.contains("`letter`") && error.contains("--data-dir"), "{error}");
        assert_eq!(mode(place.path()), 0o755);
        std::fs::write(place.path().join("solum.db"), "").unwrap();
        directory.make_private(false).unwrap();
        assert_eq!(mode(place.path()), 0o700);
    }

    #[test]
    fn a_directory_of_somebody_else_is_refused() {
        if !rustix::process::geteuid().is_root() {
            eprintln!("skipped: only root can give a directory away");
            return;
        }
        let (place, directory) = opened(0o700);
        std::os::unix::fs::chown(place.path(), Some(61_234), None).unwrap();
        let error = directory.make_private(false).unwrap_err().to_string();
        assert!(error.contains("belongs to user 61234") && error.contains("chown 0"), "{error}");
    }
}
