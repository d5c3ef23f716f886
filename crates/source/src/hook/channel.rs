//! The hook's end of the server's socket.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use super::protocol::{Call, LINE_BOUND, Reply, Request, VERSION};
use super::socket::Address;
use super::{PUSH_VARIABLE, SOCKET_VARIABLE};

/// The server says something at least every fifteen seconds.
const SILENCE: Duration = Duration::from_secs(90);

pub(super) struct Channel {
    replies: BufReader<UnixStream>,
}

/// Why there is nobody to ask.
pub(super) enum Unreachable {
    /// Git was not started by the server.
    NotOurs,
    /// The push names more, or longer, refs than the server reads.
    TooLarge,
    /// The server does not answer.
    Gone(io::Error),
}

impl From<io::Error> for Unreachable {
    fn from(error: io::Error) -> Self {
        Self::Gone(error)
    }
}

impl Channel {
    /// Connects and makes the one request.
    pub(super) fn open(call: Call) -> Result<Self, Unreachable> {
        let socket = std::env::var_os(SOCKET_VARIABLE).ok_or(Unreachable::NotOurs)?;
        let push = std::env::var(PUSH_VARIABLE).map_err(|_| Unreachable::NotOurs)?;
        let address = Address::of(Path::new(&socket))?;
        let mut stream = UnixStream::connect(address.path())?;
        stream.set_read_timeout(Some(SILENCE))?;
        stream.set_write_timeout(Some(SILENCE))?;
        let mut request = serde_json::to_vec(&Request { version: VERSION, push, call })
            .map_err(io::Error::from)?;
        request.push(b'\n');
        if request.len() as u64 > LINE_BOUND {
            return Err(Unreachable::TooLarge);
        }
        stream.write_all(&request)?;
        Ok(Self { replies: BufReader::new(stream) })
    }

    pub(super) fn reply(&mut self) -> io::Result<Reply> {
        let mut line = Vec::new();
        self.replies.by_ref().take(LINE_BOUND).read_until(b'\n', &mut line)?;
        if line.last() != Some(&b'\n') {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        serde_json::from_slice(&line).map_err(io::Error::from)
    }
}
