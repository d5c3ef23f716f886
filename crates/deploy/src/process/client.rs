//! Talks to a shim.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use types::InstanceId;

use crate::Error;
use crate::shim::directory::InstanceDirectory;
use crate::shim::protocol::{LONGEST_LINE, OLDEST, Request, Update, VERSION};
use crate::shim::state::State;

/// A shim greets at once; only a machine on its knees takes longer.
const GREETING_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection to a shim that has greeted.
#[derive(Debug)]
pub(super) struct Connection {
    id: InstanceId,
    stream: BufReader<UnixStream>,
    begun: Vec<u8>,
    pub(super) state: State,
}

impl Connection {
    /// Connects to an instance's shim; `None` when nobody listens.
    pub(super) async fn open(
        id: InstanceId,
        directory: &InstanceDirectory,
    ) -> Result<Option<Self>, Error> {
        match tokio::time::timeout(GREETING_TIMEOUT, Self::greet(id, directory)).await {
            Ok(result) => result,
            Err(_) => Err(Error::Silent { id, after: GREETING_TIMEOUT }),
        }
    }

    async fn greet(id: InstanceId, directory: &InstanceDirectory) -> Result<Option<Self>, Error> {
        let nobody = |error: &io::Error| {
            matches!(
                error.kind(),
                io::ErrorKind::NotFound
                    | io::ErrorKind::ConnectionRefused
                    | io::ErrorKind::ConnectionReset
            )
        };
        let stream = match directory.socket() {
            Ok(socket) => UnixStream::connect(&socket.path).await,
            Err(error) => Err(error),
        };
        let stream = match stream {
            Ok(stream) => BufReader::new(stream),
            Err(error) if nobody(&error) => return Ok(None),
            Err(error) => return Err(Error::io("connect to the shim in", directory.path())(error)),
        };
        let state = State::new(types::Timestamp::UNIX_EPOCH);
        let mut connection = Self { id, stream, begun: Vec::new(), state };
        // One that ends just now hangs up without a word.
        Ok(connection.next().await?.then_some(connection))
    }

    /// Waits for the next state. `false` when the shim has ended. Cancel-safe.
    pub(super) async fn next(&mut self) -> Result<bool, Error> {
        let limit = (LONGEST_LINE - self.begun.len().min(LONGEST_LINE)) as u64;
        let read = (&mut self.stream).take(limit).read_until(b'\n', &mut self.begun).await;
        if !matches!(read, Ok(length) if length > 0) || self.begun.last() != Some(&b'\n') {
            return Ok(false);
        }
        let line = std::mem::take(&mut self.begun);
        let Ok(update) = serde_json::from_slice::<Update>(&line) else {
            let theirs = serde_json::from_slice::<serde_json::Value>(&line)
                .ok()
                .and_then(|line| u32::try_from(line["protocol"].as_u64()?).ok())
                .unwrap_or(0);
            return Err(self.misunderstood(theirs));
        };
        if !(OLDEST..=VERSION).contains(&update.protocol) {
            return Err(self.misunderstood(update.protocol));
        }
        self.state = update.state;
        Ok(true)
    }

    /// Asks for something; what comes of it shows as a change. `false` when the shim has ended.
    pub(super) async fn ask(&mut self, request: Request) -> bool {
        let Ok(mut line) = serde_json::to_vec(&request) else { return false };
        line.push(b'\n');
        self.stream.get_mut().write_all(&line).await.is_ok()
    }

    fn misunderstood(&self, theirs: u32) -> Error {
        Error::Protocol { id: self.id, theirs, oldest: OLDEST, newest: VERSION }
    }
}
