//! How a generation that starts speaks to the one before it: it blocks, since nothing else runs yet.

use std::io::{self, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags};

use super::client::{decode, encode, is_gone};
use super::socket::socket_name;
use super::{Command, MAX_LINE, PROTOCOL, Reply, Request};
use crate::Error;

const ANSWER: Duration = Duration::from_secs(5);
/// Listening sockets that can be handed over at once.
const SOCKETS: usize = 4;
const SPACE: usize = rustix::cmsg_space!(ScmRights(SOCKETS));

pub(super) fn space() -> [MaybeUninit<u8>; SPACE] {
    [MaybeUninit::uninit(); SPACE]
}

/// The generation's answer; none when it died before it gave one.
pub(crate) fn ask(
    stream: UnixStream,
    number: u64,
    command: Command,
) -> Result<Option<Reply>, Error> {
    exchange(stream, number, command).map(|answer| answer.map(|(reply, _)| reply))
}

/// The listening sockets of a generation and where they listen.
pub(crate) fn take_over(
    stream: UnixStream,
    number: u64,
) -> Result<Vec<(SocketAddr, TcpListener)>, Error> {
    match exchange(stream, number, Command::HandOver)? {
        Some((Reply::Listeners(addresses), listeners)) => {
            Ok(addresses.into_iter().zip(listeners).collect())
        }
        Some((Reply::Refused(message), _)) => Err(Error::Refused(message)),
        Some((other, _)) => {
            Err(Error::Garbled { socket: socket_name(number), message: format!("{other:?}") })
        }
        None => Ok(Vec::new()),
    }
}

fn exchange(
    stream: UnixStream,
    number: u64,
    command: Command,
) -> Result<Option<(Reply, Vec<TcpListener>)>, Error> {
    let line = encode(&Request { protocol: PROTOCOL, command })?;
    match send_and_receive(stream, &line) {
        Ok((answer, listeners)) if answer.last() == Some(&b'\n') => {
            Ok(Some((decode(number, &answer)?, listeners)))
        }
        Ok(_) => Ok(None),
        Err(error) if is_gone(&error) => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
            Err(Error::Unresponsive { socket: socket_name(number), seconds: ANSWER.as_secs() })
        }
        Err(source) => Err(Error::System { action: "speak with the running router", source }),
    }
}

fn send_and_receive(
    mut stream: UnixStream,
    line: &[u8],
) -> io::Result<(Vec<u8>, Vec<TcpListener>)> {
    stream.set_read_timeout(Some(ANSWER))?;
    stream.set_write_timeout(Some(ANSWER))?;
    stream.write_all(line)?;
    let mut answer = vec![0; 4096];
    let mut space = space();
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let received = rustix::net::recvmsg(
        &stream,
        &mut [IoSliceMut::new(&mut answer)],
        &mut ancillary,
        RecvFlags::CMSG_CLOEXEC,
    )?;
    answer.truncate(received.bytes);
    let mut listeners = Vec::new();
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(descriptors) = message {
            listeners.extend(descriptors.map(TcpListener::from));
        }
    }
    stream.take(MAX_LINE as u64).read_to_end(&mut answer)?;
    Ok((answer, listeners))
}
