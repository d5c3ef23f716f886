use std::io;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;

use crate::hook::protocol::{LINE_BOUND, Reply, Request};

/// A hook makes its request at once.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// One hook that waits for its verdict.
pub(super) struct Connection {
    stream: BufReader<UnixStream>,
}

impl Connection {
    pub(super) fn new(stream: UnixStream) -> Self {
        Self { stream: BufReader::new(stream) }
    }

    pub(super) async fn request(&mut self) -> io::Result<Request> {
        let mut line = Vec::new();
        let mut bounded = (&mut self.stream).take(LINE_BOUND);
        tokio::time::timeout(REQUEST_TIMEOUT, bounded.read_until(b'\n', &mut line)).await??;
        serde_json::from_slice(&line).map_err(io::Error::from)
    }

    pub(super) async fn send(&mut self, reply: &Reply) -> io::Result<()> {
        let mut line = serde_json::to_vec(reply).map_err(io::Error::from)?;
        line.push(b'\n');
        self.stream.get_mut().write_all(&line).await
    }

    pub(super) async fn reject(&mut self, message: &str) -> io::Result<()> {
        self.send(&Reply::Rejected(message.to_owned())).await
    }

    /// Waits until the hook is gone. It says nothing after its request.
    pub(super) async fn gone(&mut self) {
        let mut byte = [0];
        while let Ok(1..) = self.stream.read(&mut byte).await {}
    }
}
