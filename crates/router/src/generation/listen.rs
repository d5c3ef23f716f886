//! The listening socket: taken over from the generation before, or bound anew.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use rustix::net::sockopt;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::control::handover;
use crate::control::socket::{Directory, nobody_there};
use crate::{Config, Error};

/// Connections that wait to be accepted; the kernel bounds it further (net.core.somaxconn).
const BACKLOG: i32 = 4096;
/// Open files that are no connections of clients or to instances.
const OTHER_FILES: usize = 32;
/// After this much silence the kernel asks whether a client is still there.
const KEEPALIVE: Duration = Duration::from_secs(60);

/// The address, the socket to accept on, and whether it was taken over.
pub(super) fn obtain(
    config: &Config,
    directory: &Directory,
    predecessor: Option<u64>,
) -> Result<(SocketAddr, TcpListener, bool), Error> {
    let taken = match predecessor {
        Some(number) => take_over(directory, number)?,
        None => None,
    };
    let (address, listener, took_over) = match taken {
        Some((address, listener)) if is_wanted(config.listen, address) => (address, listener, true),
        other => {
            if let Some((address, _)) = other {
                tracing::warn!(
                    running = %address, configured = %config.listen,
                    "the running router listens elsewhere; binding the configured address"
                );
            }
            let (address, listener) = bind(config.listen)?;
            (address, listener, false)
        }
    };
    prepare(&listener).map_err(Error::system("set up the listening socket"))?;
    Ok((address, listener, took_over))
}

fn is_wanted(wanted: SocketAddr, there: SocketAddr) -> bool {
    wanted.ip() == there.ip() && (wanted.port() == 0 || wanted.port() == there.port())
}

fn take_over(
    directory: &Directory,
    predecessor: u64,
) -> Result<Option<(SocketAddr, TcpListener)>, Error> {
    match directory.connect(predecessor) {
        Ok(stream) => Ok(handover::take_over(stream, predecessor)?.into_iter().next()),
        // It has just died.
        Err(error) if nobody_there(&error) => Ok(None),
        Err(source) => Err(Error::System { action: "reach the running router", source }),
    }
}

fn bind(wanted: SocketAddr) -> Result<(SocketAddr, TcpListener), Error> {
    let refused = |source| Error::Listen { address: wanted, source };
    let listener = TcpListener::bind(wanted).map_err(refused)?;
    let address = listener.local_addr().map_err(refused)?;
    Ok((address, listener))
}

/// Options of the listening socket that accepted ones inherit, so that they cost nothing per connection.
fn prepare(listener: &TcpListener) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    rustix::net::listen(listener, BACKLOG)?;
    sockopt::set_tcp_nodelay(listener, true)?;
    sockopt::set_socket_keepalive(listener, true)?;
    sockopt::set_tcp_keepidle(listener, KEEPALIVE)?;
    Ok(())
}

/// Lets this process have as many open files as it may, and says how many client connections those are good
/// for: each may need one to an instance.
pub(super) fn raise_open_files() -> usize {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let mut files = current;
    if current != maximum {
        match setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
            Ok(()) => files = maximum,
            Err(error) => tracing::warn!(%error, "the limit of open files stays where it is"),
        }
    }
    files.map_or(usize::MAX, |files| {
        let files = usize::try_from(files).unwrap_or(usize::MAX);
        (files.saturating_sub(OTHER_FILES) / 2).max(1)
    })
}
