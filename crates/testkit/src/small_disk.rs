use std::ffi::CString;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

use anyhow::{Context, Result};
use rustix::mount::{MountFlags, UnmountFlags, mount, unmount};
use tempfile::TempDir;

/// A file system in memory that is soon full. Unmounted when it is dropped.
#[derive(Debug)]
pub struct SmallDisk {
    directory: TempDir,
}

impl SmallDisk {
    /// `None`, and a line that says so, where this process may not mount.
    ///
    /// # Errors
    /// When mounting fails for another reason.
    #[expect(clippy::print_stderr, reason = "a test that was skipped says why")]
    pub fn mount(bytes: u64) -> Result<Option<Self>> {
        let directory = tempfile::Builder::new().prefix("solum-disk-").tempdir()?;
        let options = CString::new(format!("size={bytes}"))?;
        let flags = MountFlags::NODEV | MountFlags::NOSUID;
        match mount("tmpfs", directory.path(), "tmpfs", flags, Some(options.as_c_str())) {
            Ok(()) => Ok(Some(Self { directory })),
            Err(rustix::io::Errno::PERM | rustix::io::Errno::ACCESS) => {
                eprintln!("skipped: a small disk cannot be mounted without the right to mount");
                Ok(None)
            }
            Err(error) => Err(error).context("cannot mount a small disk"),
        }
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// # Errors
    /// When the kernel does not tell.
    pub fn free_bytes(&self) -> Result<u64> {
        let disk = rustix::fs::statvfs(self.path())?;
        Ok(disk.f_bavail * disk.f_frsize)
    }

    /// Writes a file `name` until nothing more goes onto the disk.
    ///
    /// # Errors
    /// When something else than a full disk ends it.
    pub fn fill(&self, name: &str) -> Result<()> {
        let mut file = File::options().create(true).append(true).open(self.path().join(name))?;
        let chunk = vec![0x55; 1 << 20];
        loop {
            match file.write_all(&chunk) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::StorageFull => return Ok(()),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Boxes may hold it a moment longer; it goes with the last of them.
        let unmounted = unmount(self.directory.path(), UnmountFlags::DETACH);
        if !std::thread::panicking() {
            unmounted.expect("what was mounted can be unmounted");
        }
    }
}
