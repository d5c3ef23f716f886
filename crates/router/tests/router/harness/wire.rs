//! A client that sends exactly the bytes it is told to and reads answers strictly.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::{HOST, SOON};

pub(crate) struct Wire {
    pub(crate) stream: TcpStream,
    ahead: Vec<u8>,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn closes(&self) -> bool {
        self.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"))
    }
}

impl Wire {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, ahead: Vec::new() }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: {HOST}\r\n\r\n")).await;
        self.answer().await
    }

    /// A request whose head is `lines` after the request line and `Host`.
    pub(crate) async fn request(&mut self, line: &str, lines: &[&str], body: &[u8]) -> Answer {
        self.send_request(line, lines, body).await;
        self.answer().await
    }

    pub(crate) async fn send_request(&mut self, line: &str, lines: &[&str], body: &[u8]) {
        let mut request = format!("{line} HTTP/1.1\r\nHost: {HOST}\r\n");
        for line in lines {
            request.push_str(line);
            request.push_str("\r\n");
        }
        request.push_str("\r\n");
        let mut request = request.into_bytes();
        request.extend_from_slice(body);
        self.send(request).await;
    }

    /// A whole answer to something other than HEAD.
    pub(crate) async fn answer(&mut self) -> Answer {
        self.try_answer().await.expect("an answer comes")
    }

    pub(crate) async fn try_answer(&mut self) -> std::io::Result<Answer> {
        let head = self.try_head().await?;
        let mut answer = Answer { status: status_of(&head), head, body: Vec::new() };
        answer.body = if matches!(answer.status, 204 | 304 | 101) {
            Vec::new()
        } else if let Some(length) = answer.header("content-length") {
            let length = length.parse().unwrap();
            self.exactly(length).await?
        } else if answer.header("transfer-encoding") == Some("chunked") {
            self.chunks().await?
        } else {
            self.rest().await?
        };
        Ok(answer)
    }

    /// The head of an answer.
    pub(crate) async fn head(&mut self) -> Answer {
        let head = self.try_head().await.expect("the head of an answer comes");
        Answer { status: status_of(&head), head, body: Vec::new() }
    }

    async fn try_head(&mut self) -> std::io::Result<String> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.extend(self.exactly(1).await?);
        }
        Ok(String::from_utf8(head).unwrap())
    }

    /// The status that is there before the connection ends, if one arrived.
    pub(crate) async fn try_head_of_408(&mut self) -> Option<u16> {
        self.try_head().await.ok().map(|head| status_of(&head))
    }

    async fn chunks(&mut self) -> std::io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let chunk = self.chunk().await?;
            if chunk.is_empty() {
                return Ok(body);
            }
            body.extend(chunk);
        }
    }

    /// The next chunk of a chunked body; the last is empty.
    pub(crate) async fn chunk(&mut self) -> std::io::Result<Vec<u8>> {
        let mut line = Vec::new();
        while !line.ends_with(b"\r\n") {
            line.extend(self.exactly(1).await?);
        }
        let line = String::from_utf8(line).unwrap();
        let length = usize::from_str_radix(line.trim_end(), 16).unwrap();
        let chunk = self.exactly(length).await?;
        assert_eq!(self.exactly(2).await?, b"\r\n");
        Ok(chunk)
    }

    pub(crate) async fn exactly(&mut self, length: usize) -> std::io::Result<Vec<u8>> {
        while self.ahead.len() < length {
            let read = timeout(SOON, self.stream.read_buf(&mut self.ahead));
            if read.await.expect("something comes, or the connection ends")? == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
        }
        let rest = self.ahead.split_off(length);
        Ok(std::mem::replace(&mut self.ahead, rest))
    }

    /// Everything until the connection ends.
    pub(crate) async fn rest(&mut self) -> std::io::Result<Vec<u8>> {
        let read = self.stream.read_to_end(&mut self.ahead);
        timeout(SOON, read).await.expect("the connection ends")?;
        Ok(std::mem::take(&mut self.ahead))
    }

    /// Checks that the connection ends in order, without another byte.
    pub(crate) async fn ends(&mut self) {
        assert_eq!(self.rest().await.unwrap(), b"");
    }
}

fn status_of(head: &str) -> u16 {
    assert!(head.starts_with("HTTP/1."), "{head}");
    head[9..12].parse().unwrap()
}

/// One request on a connection of its own.
pub(crate) async fn get(address: SocketAddr, path: &str) -> Answer {
    Wire::connect(address).await.get(path).await
}
