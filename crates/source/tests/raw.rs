//! A client that says what it is told to, on a bare connection.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

pub(crate) struct Raw {
    pub(crate) stream: TcpStream,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Raw {
    pub(crate) async fn connect(authority: &str) -> Self {
        Self { stream: TcpStream::connect(authority).await.unwrap() }
    }

    pub(crate) async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.unwrap();
    }

    /// The head of a request whose body is to follow.
    pub(crate) async fn post(&mut self, path: &str, headers: &[(&str, &str)]) {
        let mut head = format!("POST {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        self.send(format!("{head}\r\n")).await;
    }

    /// Reads until the server closes.
    pub(crate) async fn answer(mut self) -> Answer {
        let mut bytes = Vec::new();
        let read = self.stream.read_to_end(&mut bytes);
        tokio::time::timeout(Duration::from_secs(20), read).await.expect("an answer").unwrap();
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n").expect("a head");
        let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
        let status = head[9..12].parse().unwrap();
        Answer { status, head, body: bytes.split_off(end + 4) }
    }
}

/// A whole request with a body.
pub(crate) async fn post(
    authority: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Answer {
    let mut raw = Raw::connect(authority).await;
    let length = body.len().to_string();
    let mut headers = headers.to_vec();
    headers.push(("Content-Length", &length));
    raw.post(path, &headers).await;
    raw.send(body).await;
    raw.answer().await
}

pub(crate) async fn request(authority: &str, method: &str, path: &str) -> Answer {
    let mut raw = Raw::connect(authority).await;
    raw.send(format!("{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).await;
    raw.answer().await
}

/// One of git's packets.
pub(crate) fn packet(text: &str) -> Vec<u8> {
    format!("{:04x}{text}", text.len() + 4).into_bytes()
}
