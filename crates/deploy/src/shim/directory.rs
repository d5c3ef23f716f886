//! What an instance keeps where, below its own directory.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;

use super::protocol::Report;
use super::state::State;

/// The longest path that a Unix socket's address holds, its closing NUL apart (unix(7): 108 bytes).
const LONGEST_SOCKET_PATH: usize = 107;

#[derive(Debug, Clone)]
pub(crate) struct InstanceDirectory {
    path: PathBuf,
}

/// Held by the one shim of a directory, for as long as it lives.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl InstanceDirectory {
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn spec(&self) -> PathBuf {
        self.path.join("spec.json")
    }

    pub(crate) fn logs(&self) -> PathBuf {
        self.path.join("log")
    }

    /// The assembled tree, from the layers up.
    pub(super) fn root(&self) -> PathBuf {
        self.path.join("root")
    }

    /// Where what the shim itself has to complain of goes.
    pub(crate) fn complaints(&self) -> PathBuf {
        self.path.join("shim.log")
    }

    /// What it last said of itself, if it has said anything.
    pub(crate) fn state(&self) -> Option<State> {
        serde_json::from_slice(&fs::read(self.path.join("state.json")).ok()?).ok()
    }

    pub(crate) fn write_state(&self, state: &State, lasting: bool) -> io::Result<()> {
        self.write("state.json", &serde_json::to_vec(state)?, lasting)
    }

    pub(crate) fn report(&self) -> Option<Report> {
        serde_json::from_slice(&fs::read(self.path.join("report.json")).ok()?).ok()
    }

    pub(super) fn write_report(&self, report: &Report) {
        let _ = serde_json::to_vec(report)
            .map_err(io::Error::from)
            .and_then(|bytes| self.write("report.json", &bytes, false));
    }

    /// Whole or not at all, and readable for nobody else.
    pub(crate) fn write(&self, name: &str, bytes: &[u8], lasting: bool) -> io::Result<()> {
        let new = self.path.join(format!("{name}.{:08x}", rand::random::<u32>()));
        let mut file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
        file.write_all(bytes)?;
        if lasting {
            file.sync_data()?;
        }
        fs::rename(new, self.path.join(name))
    }

    /// Takes the lock, or says that another shim has it.
    pub(crate) fn lock(&self) -> io::Result<Option<Lock>> {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(self.path.join("lock"))?;
        match rustix::fs::flock(file.as_fd(), FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Lock { _file: file })),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Whether a shim has the lock. Leaves no trace in the directory that a watch over it would see.
    pub(crate) fn is_locked(&self) -> bool {
        File::open(self.path.join("lock")).is_ok_and(|file| {
            rustix::fs::flock(file.as_fd(), FlockOperation::NonBlockingLockShared).is_err()
        })
    }

    /// Opens the socket. Only the holder of the lock may: whatever is there is a dead shim's.
    pub(crate) fn listen(&self) -> io::Result<UnixListener> {
        let socket = self.socket()?;
        match fs::remove_file(&socket.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(&socket.path)?;
        fs::set_permissions(&socket.path, fs::Permissions::from_mode(0o600))?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    }

    /// A path at which its socket can be bound and connected to, however deep the directory lies. It holds while `keep`
    /// does.
    pub(crate) fn socket(&self) -> io::Result<SocketPath> {
        let path = self.path.join("shim.sock");
        if path.as_os_str().len() <= LONGEST_SOCKET_PATH {
            return Ok(SocketPath { path, _keep: None });
        }
        use std::os::fd::AsRawFd as _;
        let directory = File::open(&self.path)?;
        let path = format!("/proc/self/fd/{}/shim.sock", directory.as_raw_fd()).into();
        Ok(SocketPath { path, _keep: Some(directory) })
    }
}

#[derive(Debug)]
pub(crate) struct SocketPath {
    pub(crate) path: PathBuf,
    _keep: Option<File>,
}

/// Makes a directory that nobody but us looks into, unless it is there.
pub(crate) fn make_private(path: &Path) -> io::Result<()> {
    match fs::create_dir(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    fs::set_permissions(path, fs::Permissions::from_mode(0o700))
}

/// Lets others pass through a directory and not look around.
pub(crate) fn open_to_walk(path: &Path) -> io::Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(0o711))
}

/// Removes a tree, whatever an app without privileges did to it. Absent is fine.
pub(crate) fn remove_tree(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            open_up(path)?;
            fs::remove_dir_all(path)
        }
        result => result,
    }
}

/// Gives us, who own it and are not root, access to every directory of a tree.
fn open_up(directory: &Path) -> io::Result<()> {
    fs::set_permissions(directory, fs::Permissions::from_mode(0o700))?;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            open_up(&entry.path())?;
        }
    }
    Ok(())
}
