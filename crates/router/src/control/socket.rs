//! The files of the control sockets. They are bound and reached through a descriptor of their
//! directory, because a socket's path must fit into 108 bytes and data directories lie deep.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

const PREFIX: &str = "generation-";
const SUFFIX: &str = ".sock";

/// The directory of a router, held open.
#[derive(Debug)]
pub(crate) struct Directory {
    path: PathBuf,
    handle: File,
}

impl Directory {
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::DIRECTORY | OFlags::RDONLY | OFlags::CLOEXEC;
        let handle = File::from(rustix::fs::open(path, flags, Mode::empty())?);
        Ok(Self { path: path.to_owned(), handle })
    }

    /// A name for `socket` that is short however deep the directory lies.
    fn short(&self, socket: &str) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}/{socket}", self.handle.as_raw_fd()))
    }

    /// The numbers of all generations that left a socket, the newest first.
    pub(crate) fn generations(&self) -> io::Result<Vec<u64>> {
        let mut numbers: Vec<u64> = fs::read_dir(&self.path)?
            .filter_map(|entry| number_of(entry.ok()?.file_name().to_str()?))
            .collect();
        numbers.sort_unstable_by(|a, b| b.cmp(a));
        Ok(numbers)
    }

    pub(crate) fn bind(&self, generation: u64) -> io::Result<UnixListener> {
        UnixListener::bind(self.short(&socket_name(generation)))
    }

    pub(crate) fn connect(&self, generation: u64) -> io::Result<UnixStream> {
        UnixStream::connect(self.short(&socket_name(generation)))
    }

    pub(crate) fn remove(&self, generation: u64) -> io::Result<()> {
        fs::remove_file(self.path.join(socket_name(generation)))
    }
}

pub(crate) fn socket_name(generation: u64) -> String {
    format!("{PREFIX}{generation}{SUFFIX}")
}

fn number_of(name: &str) -> Option<u64> {
    name.strip_prefix(PREFIX)?.strip_suffix(SUFFIX)?.parse().ok()
}

/// Whether an error of `connect` means that nobody listens, now or ever again.
pub(crate) fn nobody_there(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::ConnectionRefused | io::ErrorKind::NotFound)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_works_in_a_directory_deeper_than_a_socket_path_may_be() {
        let root = tempfile::tempdir().unwrap();
        let deep = root.path().join("d".repeat(100)).join("e".repeat(100));
        fs::create_dir_all(&deep).unwrap();
        let directory = Directory::open(&deep).unwrap();
        let listener = directory.bind(3).unwrap();
        directory.connect(3).unwrap();
        assert_eq!(directory.generations().unwrap(), [3]);
        drop(listener);
        assert!(nobody_there(&directory.connect(3).unwrap_err()));
        directory.remove(3).unwrap();
        assert!(nobody_there(&directory.connect(3).unwrap_err()));
    }

    #[test]
    fn other_files_are_no_generations() {
        for name in ["table.json", "generation-.sock", "generation-x.sock", "generation-1"] {
            assert_eq!(number_of(name), None, "{name}");
        }
        assert_eq!(number_of(&socket_name(12)), Some(12));
    }
}
