//! Paths of Unix sockets that are longer than their 108 bytes allow.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};

/// `sun_path` of unix(7), with its terminating zero.
const ADDRESS_BYTES: usize = 108;

/// A path that reaches the same place and fits into a socket address, as long as it is held.
pub(crate) struct Address {
    path: PathBuf,
    _directory: Option<File>,
}

impl Address {
    pub(crate) fn of(path: &Path) -> io::Result<Self> {
        if path.as_os_str().len() < ADDRESS_BYTES {
            return Ok(Self { path: path.to_owned(), _directory: None });
        }
        let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not the path of a file"));
        };
        let directory = File::open(parent)?;
        let path = Path::new("/proc/self/fd").join(directory.as_raw_fd().to_string()).join(name);
        Ok(Self { path, _directory: Some(directory) })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}
