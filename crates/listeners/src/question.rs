//! The question and its answer as the kernel writes them: `struct nlmsghdr` (netlink(7)) around `struct inet_diag_req_v2` and
//! `struct inet_diag_msg` (sock_diag(7)). Numbers are in the machine's byte order, ports and addresses in the network's.

use std::io;
use std::net::{IpAddr, SocketAddr};

use super::Listener;

const HEADER: usize = 16;
const QUESTION: usize = HEADER + 56;
const MESSAGE: usize = 72;

/// A header and a message; an error comes with the question.
pub(super) const LONGEST_ANSWER: usize = 512;

const NLM_F_REQUEST: u16 = 1;
const NLMSG_ERROR: u16 = 2;
const SOCK_DIAG_BY_FAMILY: u16 = 20;

const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;
const IPPROTO_TCP: u8 = 6;
const TCP_LISTEN: u8 = 10;

/// Asks for one socket by its two ends. No connection has a port 0 at its other end, so that it can only be one that
/// listens.
pub(super) fn ask(address: SocketAddr) -> Vec<u8> {
    let (family, ip) = match address.ip() {
        IpAddr::V4(ip) => (AF_INET, ip.octets().to_vec()),
        IpAddr::V6(ip) => (AF_INET6, ip.octets().to_vec()),
    };
    let mut ip = ip;
    ip.resize(16, 0);
    let mut bytes = Vec::with_capacity(QUESTION);
    bytes.extend(u32::to_ne_bytes(QUESTION as u32));
    bytes.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    bytes.extend(NLM_F_REQUEST.to_ne_bytes());
    // Sequence number and sender.
    bytes.extend([0; 8]);
    // No extensions, and a byte of padding; then sockets of any state.
    bytes.extend([family, IPPROTO_TCP, 0, 0]);
    bytes.extend(u32::MAX.to_ne_bytes());
    bytes.extend(address.port().to_be_bytes());
    bytes.extend(0_u16.to_be_bytes());
    bytes.extend(&ip);
    bytes.extend(&ip);
    // Any interface, any cookie.
    bytes.extend(0_u32.to_ne_bytes());
    bytes.extend([0xff; 8]);
    bytes
}

pub(super) fn understand(answer: &[u8]) -> io::Result<Option<Listener>> {
    let kind = u16::from_ne_bytes(part(answer, 4)?);
    match kind {
        NLMSG_ERROR => match i32::from_ne_bytes(part(answer, HEADER)?).wrapping_neg() {
            code if code == rustix::io::Errno::NOENT.raw_os_error() => Ok(None),
            code => Err(io::Error::from_raw_os_error(code)),
        },
        SOCK_DIAG_BY_FAMILY if answer.len() >= HEADER + MESSAGE => {
            let message = &answer[HEADER..];
            let listens = message[1] == TCP_LISTEN;
            let cookie = u64::from_ne_bytes(part(message, 44)?);
            let uid = u32::from_ne_bytes(part(message, 64)?);
            Ok(listens.then_some(Listener { uid, cookie }))
        }
        _ => Err(misunderstood()),
    }
}

fn part<const N: usize>(bytes: &[u8], at: usize) -> io::Result<[u8; N]> {
    let part = bytes.get(at..at + N).and_then(|part| part.try_into().ok());
    part.ok_or_else(misunderstood)
}

fn misunderstood() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the kernel's answer about a socket makes no sense")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_as_long_as_it_says() {
        for address in ["127.0.0.1:8080", "[::1]:8080"] {
            let bytes = ask(address.parse().unwrap());
            assert_eq!(bytes.len(), QUESTION);
            assert_eq!(bytes[24..26], [0x1f, 0x90]);
        }
    }

    #[test]
    fn an_answer_that_is_cut_off_is_an_error() {
        assert!(understand(&[]).is_err());
        let mut cut = vec![0; HEADER + MESSAGE - 1];
        cut[4..6].copy_from_slice(&SOCK_DIAG_BY_FAMILY.to_ne_bytes());
        assert!(understand(&cut).is_err());
    }

    #[test]
    fn an_error_of_the_kernel_is_told() {
        let mut answer = vec![0; HEADER + 4];
        answer[4..6].copy_from_slice(&NLMSG_ERROR.to_ne_bytes());
        answer[HEADER..].copy_from_slice(&(-13_i32).to_ne_bytes());
        assert_eq!(understand(&answer).unwrap_err().raw_os_error(), Some(13));
        answer[HEADER..].copy_from_slice(&(-2_i32).to_ne_bytes());
        assert_eq!(understand(&answer).unwrap(), None);
    }
}
