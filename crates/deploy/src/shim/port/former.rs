//! How former versions reserved ports: by the name `solum-port-N` among the machine's abstract socket names, which belong
//! to whoever comes first. A port whose name a shim of that time still has is not given out again; that an app has taken
//! such a name means nothing.

use std::fs;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::SocketAddr;
use std::path::Path;

use rustix::net::{AddressFamily, SocketFlags, SocketType, sockopt};

/// Whether a shim of a former version has the port.
pub(super) fn reserves(port: u16) -> bool {
    holder(port).is_some_and(is_ours)
}

/// Who listens under the port's name. A holder that never listened, or whose queue is full, was no shim at work, or is
/// being hidden by somebody: the port itself is looked at as well, so at worst a process has to choose another one later.
fn holder(port: u16) -> Option<rustix::net::UCred> {
    let name = SocketAddr::from_abstract_name(format!("solum-port-{port}")).ok()?;
    let name = rustix::net::SocketAddrUnix::new_abstract_name(name.as_abstract_name()?).ok()?;
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket =
        rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None).ok()?;
    rustix::net::connect(&socket, &name).ok()?;
    sockopt::socket_peercred(&socket).ok()
}

/// A shim runs as the server's user, and in no box.
fn is_ours(holder: rustix::net::UCred) -> bool {
    let processes = |of: &str| fs::read_link(Path::new("/proc").join(of).join("ns/pid")).ok();
    holder.uid == rustix::process::geteuid()
        && processes(&holder.pid.as_raw_nonzero().to_string()) == processes("self")
}
