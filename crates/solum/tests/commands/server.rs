//! A server that answers from a table.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// One after the other, the last one again and again.
#[derive(Debug, Clone)]
pub(crate) struct Answer(Vec<Part>);

#[derive(Debug, Clone)]
enum Part {
    Whole {
        status: u16,
        content_type: &'static str,
        body: String,
    },
    /// This line over and over, until the client has enough.
    Endless(String),
}

impl Answer {
    pub(crate) fn json(status: u16, body: impl Into<String>) -> Self {
        Self(vec![Part::Whole { status, content_type: "application/json", body: body.into() }])
    }

    pub(crate) fn problem(status: u16, code: &str, detail: &str) -> Self {
        let body = format!(
            r#"{{"type":"urn:solum:problem:{code}","title":"t","status":{status},"detail":"{detail}","code":"{code}"}}"#
        );
        Self(vec![Part::Whole { status, content_type: "application/problem+json", body }])
    }

    pub(crate) fn feed(events: impl Into<String>) -> Self {
        let body = events.into();
        Self(vec![Part::Whole { status: 200, content_type: "text/event-stream", body }])
    }

    pub(crate) fn endless_feed(event: impl Into<String>) -> Self {
        Self(vec![Part::Endless(event.into())])
    }

    pub(crate) fn then(mut self, next: Self) -> Self {
        self.0.extend(next.0);
        self
    }
}

/// A request line and its body.
pub(crate) type Asked = (String, String);

pub(crate) struct Server {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    serving: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn start(answers: &[(&str, Answer)]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let mut table: BTreeMap<String, Vec<Part>> = answers
            .iter()
            .map(|(request, answer)| {
                ((*request).to_owned(), answer.0.iter().rev().cloned().collect())
            })
            .collect();
        let log = Arc::clone(&asked);
        let serving = std::thread::spawn(move || {
            loop {
                let (stream, _) = listener.accept().unwrap();
                let Some(asked) = read(&stream).unwrap() else { return };
                let parts = table.get_mut(&asked.0);
                let part = parts.and_then(|parts| match parts.len() {
                    0 | 1 => parts.last().cloned(),
                    _ => parts.pop(),
                });
                log.lock().unwrap().push(asked);
                // The client may hang up whenever it likes.
                let _ = answer(stream, part);
            }
        });
        Self { address, asked, serving: Some(serving) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // A connection without a request is the sign to stop.
        drop(TcpStream::connect(self.address));
        if let Some(serving) = self.serving.take() {
            let _ = serving.join();
        }
    }
}

fn read(stream: &TcpStream) -> io::Result<Option<Asked>> {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Ok(None);
        }
    }
    let header = |name: &str| {
        head.lines().filter_map(|line| line.split_once(": ")).find(|(key, _)| *key == name)
    };
    let length = header("content-length").map_or(0, |(_, value)| value.parse().unwrap());
    if header("expect").is_some() {
        (&*stream).write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
    }
    let mut body = Vec::new();
    reader.take(length).read_to_end(&mut body)?;
    let line = head.lines().next().unwrap_or_default().trim_end_matches(" HTTP/1.1").to_owned();
    assert_eq!(
        header("authorization").map(|(_, value)| value),
        Some("Bearer solum_token"),
        "{head}"
    );
    Ok(Some((line, String::from_utf8_lossy(&body).into_owned())))
}

fn answer(mut stream: TcpStream, part: Option<Part>) -> io::Result<()> {
    let missing = "there is nothing in the table for this".to_owned();
    let (status, content_type, body) = match part {
        Some(Part::Whole { status, content_type, body }) => (status, content_type, body),
        Some(Part::Endless(event)) => {
            stream.write_all(
                b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n",
            )?;
            loop {
                stream.write_all(event.as_bytes())?;
            }
        }
        None => (404, "text/plain", missing),
    };
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status} Status\r\ncontent-type: {content_type}\r\ncontent-length: {length}\r\n\
         connection: close\r\n\r\n{body}"
    )
}
