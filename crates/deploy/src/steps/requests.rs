//! Those who come to a step's socket with a request.

use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::net::{UnixListener, UnixStream};

use super::protocol::{Answer, LONGEST_LINE, Request, VERSION};
use crate::shim::directory::InstanceDirectory;

/// More than a server ever opens at a time; what comes on top is turned away.
const MOST: usize = 64;

#[derive(Debug)]
pub(super) struct Requests {
    listener: UnixListener,
    begun: Vec<Connection>,
}

#[derive(Debug)]
struct Connection {
    stream: UnixStream,
    text: Vec<u8>,
}

impl Requests {
    /// Only the holder of the directory's lock may.
    pub(super) fn listen(directory: &InstanceDirectory) -> io::Result<Self> {
        Ok(Self { listener: directory.listen()?, begun: Vec::new() })
    }

    /// What to wait on, each for reading.
    pub(super) fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let begun = self.begun.iter().map(|connection| connection.stream.as_fd());
        std::iter::once(self.listener.as_fd()).chain(begun)
    }

    /// Takes in what anybody asks for, and answers it.
    pub(super) fn advance(&mut self, mut answer: impl FnMut(&Request) -> Answer) {
        while let Ok((stream, _)) = self.listener.accept() {
            if self.begun.len() < MOST && stream.set_nonblocking(true).is_ok() {
                self.begun.push(Connection { stream, text: Vec::new() });
            }
        }
        self.begun.retain_mut(|connection| match connection.read() {
            Read::NotYet => true,
            Read::Broken => false,
            Read::Request(request) => {
                let answer = match request.protocol {
                    VERSION => answer(&request),
                    _ => Answer::Protocol(VERSION),
                };
                connection.answer(answer);
                false
            }
        });
    }
}

enum Read {
    NotYet,
    Request(Request),
    Broken,
}

impl Connection {
    fn read(&mut self) -> Read {
        let mut buffer = [0; 1024];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return Read::Broken,
                Ok(length) => self.text.extend_from_slice(&buffer[..length]),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Read::NotYet,
                Err(_) => return Read::Broken,
            }
            if self.text.ends_with(b"\n") {
                return serde_json::from_slice(&self.text).map_or(Read::Broken, Read::Request);
            }
            if self.text.len() > LONGEST_LINE {
                return Read::Broken;
            }
        }
    }

    /// Into an empty buffer, which takes it; who does not listen any more does not matter.
    fn answer(&mut self, answer: Answer) {
        if let Ok(mut line) = serde_json::to_vec(&answer) {
            line.push(b'\n');
            let _ = self.stream.write_all(&line);
        }
    }
}
