//! Finds a port of the loopback address that nobody else has, and keeps other shims off it.
//!
//! A port is reserved by a lock on a file named after it, in a directory that no app enters. The kernel gives the lock back
//! when the shim dies, however it does; the file stays, because removing one that somebody else has just opened would let
//! two of them lock the same port.
//!
//! A reservation holds among shims alone: the network is the machine's, and an app can bind any port that is free at the
//! moment. [`Reservation::is_free`] sees that.

mod former;

use std::fs::{self, OpenOptions};
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::ops::Range;
use std::os::fd::AsFd as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::FlockOperation;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, sockopt};

/// Below are ports that people know by heart.
const LOWEST: u16 = 10_240;

/// A port that is ours while this lives.
#[derive(Debug)]
pub(super) struct Reservation {
    pub(super) address: SocketAddr,
    _lock: fs::File,
}

/// Whose sockets may be in the way of a process that is to listen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum InTheWay {
    /// Any, also what is left of connections that have ended. Such a port can be had by every program.
    Any,
    /// Those of others: connections that have ended are in nobody's way who sets `SO_REUSEADDR`, as servers do.
    Others,
}

impl Reservation {
    /// Whether a process could listen there now. It may be another matter when it comes to do so.
    pub(super) fn is_free(&self, but_for: InTheWay) -> bool {
        is_free(self.address.port(), but_for)
    }
}

/// Reserves a port: `wanted` if it is to be had, else any that connections going out are not given.
pub(super) fn reserve(directory: &Path, wanted: Option<SocketAddr>) -> io::Result<Reservation> {
    let ephemeral = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range");
    let range = candidates(&ephemeral.unwrap_or_default());
    let length = usize::from(range.end - range.start);
    let start = usize::from(rand::random::<u16>()) % length;
    let others = range.clone().cycle_from(start);
    let wanted = wanted.map(|address| (address.port(), InTheWay::Others));
    for (port, but_for) in wanted.into_iter().chain(others.map(|port| (port, InTheWay::Any))) {
        if let Some(reservation) = try_port(directory, port, but_for)? {
            return Ok(reservation);
        }
    }
    let message = format!("no port of {} to {} is free", range.start, range.end - 1);
    Err(io::Error::new(io::ErrorKind::AddrInUse, message))
}

fn try_port(directory: &Path, port: u16, but_for: InTheWay) -> io::Result<Option<Reservation>> {
    let Some(lock) = lock(directory, port)? else { return Ok(None) };
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    if former::reserves(port) || !is_free(port, but_for) {
        return Ok(None);
    }
    Ok(Some(Reservation { address, _lock: lock }))
}

/// The lock of a port, unless another shim has it.
fn lock(directory: &Path, port: u16) -> io::Result<Option<fs::File>> {
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(directory.join(port.to_string()))?;
    match rustix::fs::flock(file.as_fd(), FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(file)),
        Err(Errno::WOULDBLOCK) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Binds the port on every address, as a process might that is to listen, and lets go of it.
fn is_free(port: u16, but_for: InTheWay) -> bool {
    let any =
        [SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)), (Ipv4Addr::UNSPECIFIED, port).into()];
    let bound = any.map(|address| match bind(address, but_for) {
        // A machine without IPv6.
        Err(Errno::AFNOSUPPORT | Errno::ADDRNOTAVAIL) => Ok(()),
        bound => bound,
    });
    bound.iter().all(Result::is_ok)
}

fn bind(address: SocketAddr, but_for: InTheWay) -> rustix::io::Result<()> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let socket = rustix::net::socket_with(family, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    sockopt::set_socket_reuseaddr(&socket, but_for == InTheWay::Others)?;
    if address.is_ipv6() {
        sockopt::set_ipv6_v6only(&socket, true)?;
    }
    rustix::net::bind(&socket, &address)
}

/// The larger of what lies below and above the ports that the kernel hands out by itself.
fn candidates(ephemeral: &str) -> Range<u16> {
    let mut ends = ephemeral.split_whitespace().map(str::parse::<u16>);
    let (low, high) = match (ends.next(), ends.next()) {
        (Some(Ok(low)), Some(Ok(high))) => (low, high),
        _ => (32_768, 60_999),
    };
    let below = LOWEST..low.max(LOWEST);
    let above = high.saturating_add(1).max(LOWEST)..u16::MAX;
    let larger = if below.len() >= above.len() { below } else { above };
    // A machine that hands out everything leaves nothing to choose from.
    if larger.is_empty() { LOWEST..u16::MAX } else { larger }
}

trait CycleFrom {
    fn cycle_from(self, start: usize) -> impl Iterator<Item = u16>;
}

impl CycleFrom for Range<u16> {
    fn cycle_from(self, start: usize) -> impl Iterator<Item = u16> {
        let length = self.len();
        self.cycle().skip(start).take(length)
    }
}

#[cfg(test)]
mod tests;
