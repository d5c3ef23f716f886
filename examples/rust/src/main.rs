//! Answers every request with one line.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

const HELLO: &str = "Hello from rust v1\n";

fn main() -> std::io::Result<()> {
    let port = std::env::var("PORT").expect("PORT says where to listen");
    let listener = TcpListener::bind(format!("127.0.0.1:{port}"))?;
    for stream in listener.incoming() {
        std::thread::spawn(move || serve(stream?));
    }
    Ok(())
}

/// Until the client ends the connection, or asks for that.
fn serve(mut stream: TcpStream) -> std::io::Result<()> {
    let mut received = Vec::new();
    let mut chunk = [0; 4096];
    loop {
        let count = stream.read(&mut chunk)?;
        if count == 0 || received.len() > 64 << 10 {
            return Ok(());
        }
        received.extend_from_slice(&chunk[..count]);
        while let Some(head) = head(&received) {
            received.drain(..head.length);
            stream.write_all(response().as_bytes())?;
            if head.close {
                return Ok(());
            }
        }
    }
}

#[derive(Debug, PartialEq)]
struct Head {
    length: usize,
    /// Whether the client wants the connection to end with the answer.
    close: bool,
}

/// The request's head, once all of it is there.
fn head(received: &[u8]) -> Option<Head> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut request = httparse::Request::new(&mut headers);
    let Ok(httparse::Status::Complete(length)) = request.parse(received) else { return None };
    let close = request.headers.iter().any(|header| {
        header.name.eq_ignore_ascii_case("connection")
            && header.value.eq_ignore_ascii_case(b"close")
    });
    Some(Head { length, close })
}

fn response() -> String {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n{HELLO}",
        HELLO.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_taken_whole_or_not_at_all() {
        let whole = head(b"GET / HTTP/1.1\r\nConnection: Close\r\n\r\nrest");
        assert_eq!(whole, Some(Head { length: 37, close: true }));
        assert_eq!(head(b"GET / HTTP/1.1\r\nHo"), None);
    }
}
