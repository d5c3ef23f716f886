//! Cuts output into lines of bounded length.

/// The longest line, in bytes; what is longer goes on in the next line.
pub(crate) const LONGEST: usize = 16 * 1024;

/// Bytes in, lines out. Holds back an unfinished line, never more than [`LONGEST`].
#[derive(Debug, Default)]
pub(crate) struct Lines {
    rest: Vec<u8>,
}

impl Lines {
    /// Takes bytes in and hands each line that they finish to `each`, without its newline.
    pub(crate) fn push(&mut self, bytes: &[u8], mut each: impl FnMut(&str)) {
        self.push_pieces(bytes, |line, _| each(line));
    }

    /// The same, and tells whether the line ends here or goes on in the next piece.
    pub(crate) fn push_pieces(&mut self, mut bytes: &[u8], mut each: impl FnMut(&str, bool)) {
        while let Some(end) = memchr::memchr(b'\n', bytes) {
            self.append(&bytes[..end], &mut each);
            self.finish_line(|line| each(line, true));
            bytes = &bytes[end + 1..];
        }
        self.append(bytes, &mut each);
    }

    /// How many bytes of an unfinished line it has.
    pub(crate) fn held_back(&self) -> usize {
        self.rest.len()
    }

    /// What came after the last newline, if anything did.
    pub(crate) fn finish(&mut self, mut each: impl FnMut(&str)) {
        if !self.rest.is_empty() {
            self.finish_line(&mut each);
        }
    }

    fn append(&mut self, mut bytes: &[u8], each: &mut impl FnMut(&str, bool)) {
        while self.rest.len() + bytes.len() > LONGEST {
            let (now, later) = bytes.split_at(LONGEST - self.rest.len());
            self.rest.extend_from_slice(now);
            let begun = begun_character(&self.rest);
            let begun = self.rest.split_off(self.rest.len() - begun);
            each(&String::from_utf8_lossy(&self.rest), false);
            self.rest = begun;
            bytes = later;
        }
        self.rest.extend_from_slice(bytes);
    }

    fn finish_line(&mut self, mut each: impl FnMut(&str)) {
        let line = self.rest.strip_suffix(b"\r").unwrap_or(&self.rest);
        each(&String::from_utf8_lossy(line));
        self.rest.clear();
    }
}

/// How many bytes at the end are the beginning of a UTF-8 character whose end has not come.
fn begun_character(bytes: &[u8]) -> usize {
    let tail = &bytes[bytes.len().saturating_sub(3)..];
    let Some(back) = tail.iter().rev().position(|byte| byte & 0b1100_0000 != 0b1000_0000) else {
        return 0;
    };
    let length = match tail[tail.len() - 1 - back] {
        0b1100_0000..=0b1101_1111 => 2,
        0b1110_0000..=0b1110_1111 => 3,
        0b1111_0000..=0b1111_0111 => 4,
        _ => 1,
    };
    if length > back + 1 { back + 1 } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(chunks: &[&[u8]]) -> Vec<String> {
        let mut lines = Lines::default();
        let mut out = Vec::new();
        for chunk in chunks {
            lines.push(chunk, |line| out.push(line.to_owned()));
        }
        lines.finish(|line| out.push(line.to_owned()));
        out
    }

    #[test]
    fn a_line_may_come_in_pieces() {
        assert_eq!(split(&[b"on", b"e\ntwo\r\n\nth", b"ree"]), ["one", "two", "", "three"]);
    }

    #[test]
    fn a_long_line_goes_on_in_the_next_and_no_character_is_cut() {
        let long = format!("{}äöü", "x".repeat(LONGEST - 1));
        let lines = split(&[long.as_bytes()]);
        assert_eq!(lines, ["x".repeat(LONGEST - 1), "äöü".to_owned()]);
    }

    #[test]
    fn a_piece_tells_whether_its_line_goes_on() {
        let mut lines = Lines::default();
        let mut pieces = Vec::new();
        let long = [&b"x".repeat(LONGEST + 1)[..], b"\n\n"].concat();
        lines.push_pieces(&long, |piece, ends| pieces.push((piece.len(), ends)));
        assert_eq!(pieces, [(LONGEST, false), (1, true), (0, true)]);
    }

    #[test]
    fn what_is_not_text_still_comes_through() {
        assert_eq!(split(&[b"a\xffb\n"]), ["a\u{fffd}b"]);
    }

    #[test]
    fn a_flood_without_newlines_is_held_back_only_up_to_the_bound() {
        let mut lines = Lines::default();
        let mut bytes = 0;
        for _ in 0..100 {
            lines.push(&[0x80; 5000], |line| bytes += line.chars().count());
            assert!(lines.rest.len() <= LONGEST);
        }
        lines.finish(|line| bytes += line.chars().count());
        assert_eq!(bytes, 500_000);
    }
}
