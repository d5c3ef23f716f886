use std::io::{self, BufRead, BufReader, Read as _};

use ureq::BodyReader;

/// The longest line that is taken of an answer that comes line by line.
const MAX_LINE_BYTES: u64 = 1 << 20;

/// An answer that comes line by line.
pub(super) struct Lines {
    reader: BufReader<BodyReader<'static>>,
}

impl std::fmt::Debug for Lines {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Lines")
    }
}

impl Lines {
    pub(super) fn new(body: ureq::Body) -> Self {
        // The default limit is meant for answers that are kept; this one is used up line by line.
        let reader = body.into_with_config().limit(u64::MAX).reader();
        Self { reader: BufReader::new(reader) }
    }

    /// The next line without its end; `None` when the answer is over.
    pub(super) fn next(&mut self) -> io::Result<Option<String>> {
        let mut line = Vec::new();
        self.reader.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Ok(None);
        }
        if line.pop_if(|byte| *byte == b'\n').is_some() {
            let _ = line.pop_if(|byte| *byte == b'\r');
        } else if line.len() as u64 == MAX_LINE_BYTES {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a line is too long"));
        }
        Ok(Some(String::from_utf8_lossy(&line).into_owned()))
    }
}
