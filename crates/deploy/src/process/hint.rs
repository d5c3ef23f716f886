//! Guesses why nothing answers on the port that an app was given: from the sockets it does listen on.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use rustix::process::Pid;

use crate::boxes::processes;

/// What is wrong, and its mend, if the processes of the box of `pid` listen anywhere else than at `wanted`.
pub(super) fn wrong_port(pid: u32, wanted: SocketAddr) -> Option<String> {
    let pid = Pid::from_raw(pid.cast_signed())?;
    let mut all = processes::in_namespace_of(pid);
    if all.is_empty() {
        all = processes::descendants(pid);
        all.push(pid);
    }
    let listening = listening_sockets();
    let ports: BTreeSet<u16> = all
        .into_iter()
        .flat_map(processes::open_files)
        .filter_map(|file| {
            let inode = file.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?;
            listening.get(&inode.parse().ok()?).copied()
        })
        .collect();
    let wanted = wanted.port();
    if ports.is_empty() {
        None
    } else if ports.contains(&wanted) {
        Some(format!("the app listens on port {wanted}, but not on 127.0.0.1"))
    } else {
        let ports: Vec<String> = ports.iter().map(u16::to_string).collect();
        Some(format!(
            "the app listens on {}; it has to listen on $PORT ({wanted})",
            ports.join(" and ")
        ))
    }
}

/// Inode to port, of all TCP sockets of our network that listen.
fn listening_sockets() -> BTreeMap<u64, u16> {
    ["/proc/self/net/tcp", "/proc/self/net/tcp6"]
        .into_iter()
        .filter_map(|path| std::fs::read_to_string(path).ok())
        .flat_map(|table| table.lines().filter_map(listening_socket).collect::<Vec<_>>())
        .collect()
}

/// One line of `/proc/net/tcp` (proc_net(5)); state `0A` is LISTEN.
fn listening_socket(line: &str) -> Option<(u64, u16)> {
    let mut fields = line.split_whitespace().skip(1);
    let (_, port) = fields.next()?.rsplit_once(':')?;
    let state = fields.nth(1)?;
    let inode = fields.nth(5)?.parse().ok()?;
    let port = u16::from_str_radix(port, 16).ok()?;
    (state == "0A").then_some((inode, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listening_socket_is_read_from_the_kernels_table() {
        let line = "   0: 0100007F:0BB8 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 31337 1 0 100 0 0 10 0";
        assert_eq!(listening_socket(line), Some((31337, 3000)));
        assert_eq!(listening_socket(&line.replace(" 0A ", " 01 ")), None);
        assert_eq!(listening_socket("  sl  local_address rem_address   st"), None);
    }
}
