//! The directory that holds everything, and the lock that keeps it to one server.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
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

    /// Takes from others what they may do in a directory that was made beforehand. Passwords and code of apps are in it.
    fn close_to_others(&self) -> Result<()> {
        let found = std::fs::metadata(&self.path).context("cannot look at the data directory")?;
        if found.permissions().mode() & 0o077 == 0 {
            return Ok(());
        }
        std::fs::set_permissions(&self.path, Permissions::from_mode(0o700)).with_context(|| {
            format!(
                "other users may look into the data directory {}, and that cannot be changed: it has to belong to this user",
                self.path.display()
            )
        })?;
        tracing::warn!(data = %self.path.display(), "other users could look into the data directory; they cannot any more");
        Ok(())
    }

    /// Takes the lock, closes the directory to others, and leaves this process's id in it.
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
        self.close_to_others()?;
        file.set_len(0)?;
        file.rewind()?;
        writeln!(file, "{}", std::process::id())?;
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

    /// Replaces a small file whole, or not at all.
    pub(crate) fn write(&self, name: &str, text: &str) -> Result<()> {
        let path = self.file(name);
        let temporary = self.file(&format!("{name}.new"));
        let written = (|| {
            let mut options = OpenOptions::new();
            let mut file =
                options.write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            std::fs::rename(&temporary, &path)
        })();
        written.with_context(|| format!("cannot write {}", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_that_was_made_beforehand_is_closed_to_others() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("data");
        std::fs::create_dir(&path).unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        let directory = DataDirectory::open(&path).unwrap();
        let _lock = directory.lock().unwrap();
        directory.write("a.json", "{}").unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o700);
        assert_eq!(mode(&path.join("a.json")), 0o600);
    }
}
