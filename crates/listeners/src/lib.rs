//! Whose program listens at an address of this machine: asked of the kernel (`sock_diag(7)`).
//!
//! Apps share the machine's network, so that any of them can listen where another one ought to. Who is about to trust an
//! address asks here first: the router before it sends a request, the process target before it calls an instance ready.
//!
//! What this is not: it opens no connection and forbids nothing.
//!
//! An answer holds for the moment. Who connects and finds the same [`Listener`] before and after was connected
//! with it, or with another one of the same user: while somebody listens at an address, the kernel lets nobody else listen there
//! but sockets of the same user that all ask for it (`SO_REUSEPORT`, socket(7)).
//!
//! Where the kernel does not answer such questions, [`can_tell`] says so, and [`at`] finds nobody.

mod question;

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, netlink};

/// A socket that listens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listener {
    /// The user of the process that made it.
    pub uid: u32,
    /// The kernel's number for it, which no other socket gets until the machine is started again.
    cookie: u64,
}

/// Who accepts a connection to `address`; nobody is `None`. Does not block. Of several sockets that share an address, the answer is always the
/// same one while their number does not change.
pub fn at(address: SocketAddr) -> io::Result<Option<Listener>> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(
        AddressFamily::NETLINK,
        SocketType::RAW,
        flags,
        Some(netlink::SOCK_DIAG),
    )?;
    rustix::net::send(&socket, &question::ask(address), SendFlags::empty())?;
    // The kernel answers before `send` returns.
    let mut answer = [0; question::LONGEST_ANSWER];
    let (length, _) = rustix::net::recv(&socket, &mut answer[..], RecvFlags::empty())?;
    question::understand(&answer[..length])
}

/// Whether this kernel tells: asks for a socket of our own. Takes some microseconds, and the result does not change.
#[must_use]
pub fn can_tell() -> bool {
    let found = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|ours| at(ours.local_addr()?));
    found.is_ok_and(|found| found.is_some_and(|it| it.uid == rustix::process::geteuid().as_raw()))
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use rustix::net::sockopt;

    use super::*;

    fn us() -> u32 {
        rustix::process::geteuid().as_raw()
    }

    #[test]
    fn who_listens_is_told_with_and_without_connections() {
        assert!(can_tell());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let before = at(address).unwrap().unwrap();
        assert_eq!(before.uid, us());
        let _connection = TcpStream::connect(address).unwrap();
        let _accepted = listener.accept().unwrap();
        assert_eq!(at(address).unwrap(), Some(before));
    }

    #[test]
    fn nobody_listens_where_connections_are_left_over() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let _connection = TcpStream::connect(address).unwrap();
        let _accepted = listener.accept().unwrap();
        drop(listener);
        assert_eq!(at(address).unwrap(), None);
    }

    #[test]
    fn a_listener_on_every_address_is_found() {
        for any in ["0.0.0.0:0", "[::]:0"] {
            let listener = TcpListener::bind(any).unwrap();
            let port = listener.local_addr().unwrap().port();
            let found = at((Ipv4Addr::LOCALHOST, port).into()).unwrap();
            assert_eq!(found.map(|it| it.uid), Some(us()), "{any}");
        }
    }

    #[test]
    fn a_successor_at_the_same_address_is_somebody_else() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let before = at(address).unwrap();
        drop(listener);
        let _listener = TcpListener::bind(address).unwrap();
        let after = at(address).unwrap();
        assert!(after.is_some() && after != before, "{before:?} {after:?}");
    }

    #[test]
    fn sockets_that_share_an_address_are_told_as_one() {
        let shared = |address: SocketAddr| {
            let socket =
                rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
            sockopt::set_socket_reuseport(&socket, true).unwrap();
            rustix::net::bind(&socket, &address).unwrap();
            rustix::net::listen(&socket, 1).unwrap();
            TcpListener::from(socket)
        };
        let first = shared("127.0.0.1:0".parse().unwrap());
        let address = first.local_addr().unwrap();
        let _others: Vec<TcpListener> = (0..3).map(|_| shared(address)).collect();
        let told = at(address).unwrap();
        assert!(told.is_some());
        assert!((0..16).all(|_| at(address).unwrap() == told));
    }
}
