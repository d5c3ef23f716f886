//! Those who are connected to a shim's socket.

use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::net::{UnixListener, UnixStream};

use super::directory::InstanceDirectory;
use super::protocol::{LONGEST_LINE, Request, Update, VERSION};
use super::state::State;

/// More than a server ever opens at a time; what comes on top is turned away.
const MOST: usize = 64;

#[derive(Debug)]
pub(super) struct Clients {
    listener: UnixListener,
    connected: Vec<Client>,
}

#[derive(Debug)]
struct Client {
    stream: UnixStream,
    begun: Vec<u8>,
}

impl Clients {
    /// Only the holder of the directory's lock may.
    pub(super) fn listen(directory: &InstanceDirectory) -> io::Result<Self> {
        Ok(Self { listener: directory.listen()?, connected: Vec::new() })
    }

    /// What to wait on, each for reading.
    pub(super) fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let streams = self.connected.iter().map(|client| client.stream.as_fd());
        std::iter::once(self.listener.as_fd()).chain(streams)
    }

    /// Greets those who are new, and takes in what anybody asks for.
    pub(super) fn advance(&mut self, state: &State) -> Vec<Request> {
        while let Ok((stream, _)) = self.listener.accept() {
            let mut client = Client { stream, begun: Vec::new() };
            if self.connected.len() < MOST && client.tell(&line(state)).is_ok() {
                self.connected.push(client);
            }
        }
        let mut requests = Vec::new();
        self.connected.retain_mut(|client| client.read(&mut requests));
        requests
    }

    /// Tells everybody where the instance stands. Those who do not read are let go: they have to connect again anyway
    /// to learn what they missed.
    pub(super) fn tell(&mut self, state: &State) {
        let line = line(state);
        self.connected.retain_mut(|client| client.tell(&line).is_ok());
    }
}

impl Client {
    fn tell(&mut self, line: &[u8]) -> io::Result<()> {
        self.stream.set_nonblocking(true)?;
        self.stream.write_all(line)
    }

    /// Says whether to keep it.
    fn read(&mut self, requests: &mut Vec<Request>) -> bool {
        let mut buffer = [0; 1024];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return false,
                Ok(length) => self.begun.extend_from_slice(&buffer[..length]),
                Err(error) => return error.kind() == io::ErrorKind::WouldBlock,
            }
            while let Some(end) = self.begun.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.begun.drain(..=end).collect();
                match serde_json::from_slice(&line) {
                    Ok(request) => requests.push(request),
                    Err(_) => return false,
                }
            }
            if self.begun.len() > LONGEST_LINE {
                return false;
            }
        }
    }
}

fn line(state: &State) -> Vec<u8> {
    let update = Update { protocol: VERSION, state: state.clone() };
    let mut line = serde_json::to_vec(&update).unwrap_or_default();
    line.push(b'\n');
    line
}
