//! A second pair of eyes on the bytes of an HTTP/1 client: where each message begins and ends, and
//! whether its head leaves any doubt about that (RFC 9112, section 6.3).
//!
//! hyper settles a request with both `Content-Length` and `Transfer-Encoding` silently, in favour of the latter,
//! and drops a repeated `Content-Length`. That is within the RFC, but whoever sends such a request means to be
//! understood differently by two readers, so it is refused here. What this is not: a parser. Everything
//! else that is wrong with a head is left for hyper to find.
//!
//! Invariant: a head with doubtful framing is known as such before hyper has parsed it, because this sees
//! the bytes first. When the two would disagree about where a message ends, the connection is not used further.

use memchr::memchr;

/// Enough of a line to tell what it is. A `Content-Length` that does not fit is refused.
const LINE: usize = 128;

#[derive(Debug, Default)]
pub(crate) struct Framing {
    state: State,
    /// The beginning of a line whose end has not come yet.
    line: Vec<u8>,
    head: Head,
    heads: u64,
    doubtful: Option<u64>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Between messages.
    #[default]
    Start,
    RequestLine,
    Headers,
    Body {
        left: u64,
    },
    ChunkSize,
    /// The data and the line break after it.
    ChunkData {
        left: u64,
    },
    ChunkEnd,
    Trailers,
    /// No longer HTTP/1, or not to be trusted any more.
    Off,
}

#[derive(Debug, Default)]
struct Head {
    content_length: Option<u64>,
    chunked: bool,
    doubtful: bool,
}

/// What a client is in the middle of sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sending {
    Nothing,
    Head,
    Body,
}

impl Framing {
    /// Whether the framing of the `index`th request (from 0) of the connection leaves a doubt, or that of
    /// one before it.
    pub(crate) fn is_doubtful(&self, index: u64) -> bool {
        self.doubtful.is_some_and(|first| index >= first)
    }

    /// How many heads have been read whole.
    pub(crate) fn heads(&self) -> u64 {
        self.heads
    }

    /// A message has ended, and no byte of the next has come.
    pub(crate) fn is_between_messages(&self) -> bool {
        self.state == State::Start
    }

    pub(crate) fn sending(&self) -> Sending {
        match self.state {
            State::Start | State::Off => Sending::Nothing,
            State::RequestLine | State::Headers => Sending::Head,
            _ => Sending::Body,
        }
    }

    /// The connection speaks something else from here on.
    pub(crate) fn switch_off(&mut self) {
        self.state = State::Off;
        self.line = Vec::new();
    }

    /// Takes note of bytes that were read, in their order.
    pub(crate) fn read(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() && self.state != State::Off {
            bytes = self.step(bytes);
        }
    }

    fn step<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        match self.state {
            State::Start => {
                // Empty lines before a request are ignored (RFC 9112, section 2.2).
                let start = bytes.iter().position(|byte| !matches!(byte, b'\r' | b'\n'));
                self.state = start.map_or(State::Start, |_| State::RequestLine);
                &bytes[start.unwrap_or(bytes.len())..]
            }
            State::Body { left } => {
                let (left, rest) = skip(left, bytes);
                self.state = if left == 0 { State::Start } else { State::Body { left } };
                rest
            }
            State::ChunkData { left } => {
                let (left, rest) = skip(left, bytes);
                self.state = if left == 0 { State::ChunkEnd } else { State::ChunkData { left } };
                rest
            }
            State::Off => &[],
            State::RequestLine
            | State::Headers
            | State::ChunkSize
            | State::ChunkEnd
            | State::Trailers => self.take_line(bytes),
        }
    }

    /// Handles the line that `bytes` completes, or keeps what there is of it.
    fn take_line<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let Some(end) = memchr(b'\n', bytes) else {
            self.keep(bytes);
            return &[];
        };
        let (line, rest) = (&bytes[..end], &bytes[end + 1..]);
        if self.line.is_empty() {
            self.line_ends(line);
        } else {
            self.keep(line);
            let kept = std::mem::take(&mut self.line);
            self.line_ends(&kept);
            self.line = kept;
            self.line.clear();
        }
        rest
    }

    fn keep(&mut self, bytes: &[u8]) {
        // One byte more than counts as whole, so that a line that is too long shows.
        let room = (LINE + 1).saturating_sub(self.line.len());
        self.line.extend_from_slice(&bytes[..bytes.len().min(room)]);
    }

    fn line_ends(&mut self, line: &[u8]) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        match self.state {
            State::RequestLine => self.state = State::Headers,
            State::Headers if line.is_empty() => self.head_ends(),
            State::Headers => self.head.header(line),
            State::ChunkSize => match chunk_size(line) {
                Some(0) => self.state = State::Trailers,
                Some(left) => self.state = State::ChunkData { left },
                None => self.doubt(self.heads),
            },
            State::ChunkEnd if line.is_empty() => self.state = State::ChunkSize,
            State::ChunkEnd => self.doubt(self.heads),
            State::Trailers if line.is_empty() => self.state = State::Start,
            State::Trailers => {}
            State::Start | State::Body { .. } | State::ChunkData { .. } | State::Off => {}
        }
    }

    fn head_ends(&mut self) {
        let head = std::mem::take(&mut self.head);
        let index = self.heads;
        self.heads += 1;
        if head.doubtful || (head.chunked && head.content_length.is_some()) {
            self.doubt(index);
            return;
        }
        self.state = match head.content_length {
            _ if head.chunked => State::ChunkSize,
            Some(left @ 1..) => State::Body { left },
            Some(0) | None => State::Start,
        };
    }

    fn doubt(&mut self, index: u64) {
        self.doubtful.get_or_insert(index);
        self.state = State::Off;
    }
}

impl Head {
    fn header(&mut self, line: &[u8]) {
        if !matches!(line.first(), Some(b'c' | b'C' | b't' | b'T')) {
            return;
        }
        let Some(colon) = memchr(b':', line) else { return };
        let name = line[..colon].trim_ascii_end();
        let value = line[colon + 1..].trim_ascii();
        if name.eq_ignore_ascii_case(b"content-length") {
            let length = digits(value, 10).filter(|_| line.len() <= LINE);
            self.doubtful |= self.content_length.is_some() || length.is_none();
            self.content_length = Some(length.unwrap_or(0));
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            // Another coding than chunked would have to be undone, which nothing here does.
            self.doubtful |= self.chunked || !value.eq_ignore_ascii_case(b"chunked");
            self.chunked = true;
        }
    }
}

fn skip(left: u64, bytes: &[u8]) -> (u64, &[u8]) {
    let here = usize::try_from(left).unwrap_or(usize::MAX).min(bytes.len());
    (left - here as u64, &bytes[here..])
}

/// The size in a chunk's first line; extensions after it are ignored.
fn chunk_size(line: &[u8]) -> Option<u64> {
    let size = line.split(|byte| *byte == b';').next()?;
    digits(size.trim_ascii(), 16)
}

fn digits(text: &[u8], radix: u32) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_u64, |value, byte| {
        let digit = char::from(*byte).to_digit(radix)?;
        value.checked_mul(u64::from(radix))?.checked_add(u64::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The framing after `text`, read whole, and again byte by byte; both must agree.
    fn read(text: &str) -> Framing {
        let (mut whole, mut bytewise) = (Framing::default(), Framing::default());
        whole.read(text.as_bytes());
        text.as_bytes().chunks(1).for_each(|byte| bytewise.read(byte));
        assert_eq!(
            (whole.state, whole.heads, whole.doubtful),
            (bytewise.state, bytewise.heads, bytewise.doubtful)
        );
        whole
    }

    #[test]
    fn messages_follow_each_other() {
        let framing = read(concat!(
            "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "POST / HTTP/1.1\r\ncontent-length: 5\r\n\r\nGET /",
            "POST / HTTP/1.1\r\nTransfer-Encoding: Chunked\r\n\r\n",
            "a;x=y\r\n0\r\n\r\n12345\r\n0\r\nTrailer: x\r\n\r\n",
            "GET / HTTP/1.1\r\nTE: trailers\r\nCookie: c\r\n\r\n",
        ));
        assert_eq!((framing.heads, framing.doubtful), (4, None));
        assert_eq!(framing.sending(), Sending::Nothing);
    }

    #[test]
    fn what_is_under_way_is_known() {
        assert_eq!(read("GET / HT").sending(), Sending::Head);
        assert_eq!(read("GET / HTTP/1.1\r\nHost").sending(), Sending::Head);
        assert_eq!(read("PUT / HTTP/1.1\r\nContent-Length: 2\r\n\r\n1").sending(), Sending::Body);
        assert_eq!(
            read("PUT / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n").sending(),
            Sending::Body
        );
        assert_eq!(read("\r\n").sending(), Sending::Nothing);
    }

    #[test]
    fn two_ways_to_tell_the_length_are_doubtful() {
        for headers in [
            "Content-Length: 5\r\nTransfer-Encoding: chunked",
            "Transfer-Encoding: chunked\r\nContent-Length: 5",
            "Transfer-Encoding: chunked\r\nContent-Length: x",
            "Content-Length: 5\r\nContent-Length: 5",
            "Content-Length: 5\r\nContent-Length: 6",
            "Content-Length: 5, 5",
            "Content-Length: +5",
            "Content-Length: -5",
            "Content-Length: 0x5",
            "Content-Length:",
            "Content-Length : 5\r\nTransfer-Encoding: chunked",
            "Content-Length: 99999999999999999999",
            "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
            "Transfer-Encoding: gzip, chunked",
            "Transfer-Encoding: xchunked",
            "transfer-encoding:\tchunked\r\nCONTENT-LENGTH: 0",
        ] {
            let framing = read(&format!("POST / HTTP/1.1\r\nHost: a\r\n{headers}\r\n\r\n"));
            assert!(framing.is_doubtful(0), "{headers}");
        }
    }

    #[test]
    fn a_length_behind_a_wall_of_spaces_is_doubtful() {
        let spaces = " ".repeat(2 * LINE);
        assert!(
            read(&format!("POST / HTTP/1.1\r\nContent-Length:{spaces}5\r\n\r\n")).is_doubtful(0)
        );
    }

    #[test]
    fn doubt_begins_with_the_head_that_raised_it() {
        let framing = read(concat!(
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        ));
        assert!(!framing.is_doubtful(0));
        assert!(framing.is_doubtful(1) && framing.is_doubtful(2));
    }

    #[test]
    fn a_broken_chunk_spoils_what_comes_after_it() {
        for chunk in ["x\r\n", "\r\n", "3\r\nabcd\r\n", "fffffffffffffffff\r\n"] {
            let framing =
                read(&format!("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}"));
            assert!(!framing.is_doubtful(0) && framing.is_doubtful(1), "{chunk:?}");
        }
    }

    #[test]
    fn other_headers_raise_no_doubt() {
        let framing = read(
            "GET / HTTP/1.1\r\nX-Content-Length: 5\r\nContent-Type: a\r\nTe: b\r\nTransfer: c\r\n\r\n",
        );
        assert_eq!((framing.heads, framing.doubtful), (1, None));
    }
}
