//! Finds a port of the loopback address that nobody else has, and keeps other shims off it.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::ops::Range;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::UnixListener;

/// Below are ports that people know by heart.
const LOWEST: u16 = 10_240;

/// A port that is ours while this lives. The kernel gives the name back when we die, however we do.
#[derive(Debug)]
pub(super) struct Reservation {
    pub(super) address: SocketAddr,
    _name: UnixListener,
}

/// Reserves a port: `wanted` if it is to be had, else any that connections going out are not given.
pub(super) fn reserve(wanted: Option<SocketAddr>) -> io::Result<Reservation> {
    let ephemeral = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range");
    let range = candidates(&ephemeral.unwrap_or_default());
    let length = usize::from(range.end - range.start);
    let start = usize::from(rand::random::<u16>()) % length;
    let others = range.clone().cycle_from(start);
    wanted.map(|address| address.port()).into_iter().chain(others).find_map(try_port).ok_or_else(
        || {
            let message = format!("no port of {} to {} is free", range.start, range.end - 1);
            io::Error::new(io::ErrorKind::AddrInUse, message)
        },
    )
}

fn try_port(port: u16) -> Option<Reservation> {
    let name =
        std::os::unix::net::SocketAddr::from_abstract_name(format!("solum-port-{port}")).ok()?;
    let name = UnixListener::bind_addr(&name).ok()?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    // Whether it can be bound now is all that can be known; the name keeps those off who ask first.
    TcpListener::bind(address).ok()?;
    Some(Reservation { address, _name: name })
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
mod tests {
    use super::*;

    #[test]
    fn ports_lie_outside_of_what_the_kernel_hands_out() {
        assert_eq!(candidates("32768\t60999\n"), 10_240..32_768);
        assert_eq!(candidates("10000\t20000\n"), 20_001..65_535);
        assert_eq!(candidates("1024\t65535\n"), 10_240..65_535);
    }

    #[test]
    fn two_reservations_never_meet() {
        let first = reserve(None).unwrap();
        let second = reserve(Some(first.address)).unwrap();
        assert_ne!(first.address, second.address);
        let port = first.address;
        drop(first);
        assert_eq!(reserve(Some(port)).unwrap().address, port);
    }

    #[test]
    fn a_port_that_somebody_listens_on_is_passed_over() {
        let first = reserve(None).unwrap().address;
        let _taken = TcpListener::bind(first).unwrap();
        assert_ne!(reserve(Some(first)).unwrap().address, first);
    }
}
