//! A small HTTP/1.1 client on a plain socket, so that what is tested is not tested by itself.
//!
//! It sends what it is told and reads answers with a length, in chunks, or up to the end of the
//! connection (RFC 9112, section 6). It never tries a request a second time.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

const LONGEST_LINE: u64 = 64 * 1024;
const LARGEST_BODY: u64 = 64 * 1024 * 1024;
const MOST_HEADERS: usize = 200;

/// One answer, read whole.
#[derive(Debug, Clone)]
pub struct Response {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Response {
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The first header of this name, whatever its case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    fn says(&self, name: &str, word: &str) -> bool {
        self.header(name).is_some_and(|value| {
            value.split(',').any(|part| part.trim().eq_ignore_ascii_case(word))
        })
    }
}

/// What is asked.
#[derive(Debug, Clone, Default)]
pub struct Request<'a> {
    pub method: &'a str,
    pub host: &'a str,
    pub path: &'a str,
    pub headers: Vec<(&'a str, String)>,
    pub body: &'a [u8],
}

impl<'a> Request<'a> {
    #[must_use]
    pub fn get(host: &'a str, path: &'a str) -> Self {
        Self { method: "GET", host, path, ..Self::default() }
    }

    fn write(&self, close: bool) -> Vec<u8> {
        let mut text = format!("{} {} HTTP/1.1\r\nHost: {}\r\n", self.method, self.path, self.host);
        for (name, value) in &self.headers {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        if !self.body.is_empty() || matches!(self.method, "POST" | "PUT" | "PATCH") {
            text.push_str(&format!("Content-Length: {}\r\n", self.body.len()));
        }
        if close {
            text.push_str("Connection: close\r\n");
        }
        text.push_str("\r\n");
        [text.as_bytes(), self.body].concat()
    }
}

/// One connection; it can be kept for many requests.
#[derive(Debug)]
pub struct Connection {
    stream: BufReader<TcpStream>,
    open: bool,
}

impl Connection {
    /// # Errors
    /// When nothing accepts the connection in time.
    pub fn open(address: SocketAddr, within: Duration) -> io::Result<Self> {
        let stream = TcpStream::connect_timeout(&address, within)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(within))?;
        stream.set_write_timeout(Some(within))?;
        Ok(Self { stream: BufReader::new(stream), open: true })
    }

    /// Whether the last answer left the connection open.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Sends one request and reads its answer. With `close` it asks for the connection to end.
    ///
    /// # Errors
    /// Says at which point the connection failed.
    pub fn send(&mut self, request: &Request<'_>, close: bool) -> io::Result<Response> {
        self.open = false;
        let bytes = request.write(close);
        self.stream.get_mut().write_all(&bytes).map_err(|error| at("sending", &error))?;
        let mut response = self.read_head()?;
        while (100..200).contains(&response.status) {
            response = self.read_head()?;
        }
        let bodiless = request.method == "HEAD" || matches!(response.status, 204 | 304);
        let ends_itself = bodiless || self.read_body(&mut response)?;
        self.open = ends_itself && !close && !response.says("Connection", "close");
        Ok(response)
    }

    fn read_head(&mut self) -> io::Result<Response> {
        let start = self.line("before any answer")?;
        let status = start.split(' ').nth(1).and_then(|word| word.parse().ok());
        let status = status
            .filter(|_| start.starts_with("HTTP/1."))
            .ok_or_else(|| invalid(&format!("not a status line: {start:?}")))?;
        let mut headers = Vec::new();
        loop {
            let line = self.line("in the headers")?;
            if line.is_empty() {
                return Ok(Response { status, headers, body: Vec::new() });
            }
            if headers.len() == MOST_HEADERS {
                return Err(invalid("too many headers"));
            }
            let (name, value) =
                line.split_once(':').ok_or_else(|| invalid(&format!("not a header: {line:?}")))?;
            headers.push((name.to_owned(), value.trim().to_owned()));
        }
    }

    /// Reads the body and says whether it had an end of its own.
    fn read_body(&mut self, response: &mut Response) -> io::Result<bool> {
        if response.says("Transfer-Encoding", "chunked") {
            response.body = self.chunks()?;
            return Ok(true);
        }
        if let Some(length) = response.header("Content-Length") {
            let length = length.parse().map_err(|_| invalid("Content-Length is not a number"))?;
            response.body = self.exactly(length)?;
            return Ok(true);
        }
        let mut body = Vec::new();
        let mut rest = self.stream.by_ref().take(LARGEST_BODY);
        rest.read_to_end(&mut body).map_err(|error| at("reading the body", &error))?;
        response.body = body;
        Ok(false)
    }

    fn chunks(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let size = self.line("between two chunks")?;
            let digits = size.split(';').next().unwrap_or_default().trim();
            let size = u64::from_str_radix(digits, 16)
                .map_err(|_| invalid(&format!("not a chunk size: {size:?}")))?;
            if size == 0 {
                while !self.line("in the trailers")?.is_empty() {}
                return Ok(body);
            }
            if body.len() as u64 + size > LARGEST_BODY {
                return Err(invalid("the body is too large"));
            }
            body.extend(self.exactly(size)?);
            self.line("after a chunk")?;
        }
    }

    fn exactly(&mut self, length: u64) -> io::Result<Vec<u8>> {
        if length > LARGEST_BODY {
            return Err(invalid("the body is too large"));
        }
        let mut bytes = Vec::new();
        let mut part = self.stream.by_ref().take(length);
        part.read_to_end(&mut bytes).map_err(|error| at("reading the body", &error))?;
        if (bytes.len() as u64) < length {
            let got = bytes.len();
            return Err(cut(&format!("in the body, after {got} of {length} bytes")));
        }
        Ok(bytes)
    }

    fn line(&mut self, place: &str) -> io::Result<String> {
        let mut bytes = Vec::new();
        let mut limited = self.stream.by_ref().take(LONGEST_LINE);
        limited.read_until(b'\n', &mut bytes).map_err(|error| at(place, &error))?;
        if bytes.pop() != Some(b'\n') {
            return Err(cut(place));
        }
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
        String::from_utf8(bytes).map_err(|_| invalid("a line of the head is not UTF-8"))
    }
}

/// One request on a connection of its own.
///
/// # Errors
/// As [`Connection::send`].
pub fn send(address: SocketAddr, request: &Request<'_>, within: Duration) -> io::Result<Response> {
    Connection::open(address, within)?.send(request, true)
}

fn at(place: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{place}: {error}"))
}

fn cut(place: &str) -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, format!("the connection was closed {place}"))
}

fn invalid(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what.to_owned())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread::JoinHandle;

    use super::*;

    const SOON: Duration = Duration::from_secs(10);

    /// Answers each connection with the next of `answers`, whatever was asked.
    fn serve(answers: &'static [&'static str]) -> (SocketAddr, JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked = std::thread::spawn(move || {
            let mut asked = Vec::new();
            for answer in answers {
                let (stream, _) = listener.accept().unwrap();
                let mut stream = BufReader::new(stream);
                let mut head = String::new();
                while !head.ends_with("\r\n\r\n") {
                    assert_ne!(stream.read_line(&mut head).unwrap(), 0);
                }
                stream.get_mut().write_all(answer.as_bytes()).unwrap();
                asked.push(head);
            }
            asked
        });
        (address, asked)
    }

    #[test]
    fn the_three_ways_to_end_a_body_are_read() {
        let (address, _) = serve(&[
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;x=y\r\no\r\n1\r\nk\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\n\r\nok",
        ]);
        for keeps in [true, true, false] {
            let mut connection = Connection::open(address, SOON).unwrap();
            let response = connection.send(&Request::get("a.localhost", "/"), false).unwrap();
            assert_eq!((response.status, response.text().as_str()), (200, "ok"));
            assert_eq!(connection.is_open(), keeps);
        }
    }

    #[test]
    fn an_answer_that_is_cut_is_an_error_that_says_where() {
        let (address, _) = serve(&[
            "",
            "HTTP/1.1 200 OK\r\nCont",
            "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok",
        ]);
        for place in ["before any answer", "in the headers", "in the body, after 2 of 9 bytes"] {
            let error = send(address, &Request::get("a", "/"), SOON).unwrap_err();
            assert_eq!(error.to_string(), format!("the connection was closed {place}"));
        }
    }

    #[test]
    fn the_host_and_the_wish_to_close_are_sent() {
        let (address, asked) = serve(&["HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"]);
        send(address, &Request::get("shop.localhost", "/cart"), SOON).unwrap();
        let asked = asked.join().unwrap();
        let expected = "GET /cart HTTP/1.1\r\nHost: shop.localhost\r\nConnection: close\r\n\r\n";
        assert_eq!(asked, [expected]);
    }
}
