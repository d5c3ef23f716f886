//! What a step writes, as its shim keeps it: one file of lines with their times, up to a bound.
//!
//! One line of the file: `2026-01-31T12:00:00.000001Z . text`. The mark says what it is: `.` a line, or the end of one;
//! `+` a piece of a line that goes on in the next; `!` a note of the shim's own. The beginning is kept, not the end: a
//! reader's offset always stands for the same line. What does not fit any more, or cannot be written, is counted. The step never
//! waits for more than the disk takes to take it.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use serde::{Deserialize, Serialize};
use types::Timestamp;

use crate::lines::Lines;

pub(super) const FILE: &str = "output";

pub(super) const LINE: char = '.';
pub(super) const PIECE: char = '+';
pub(super) const NOTE: char = '!';

/// What is gathered before it is written, at most.
const GATHERED: usize = 256 * 1024;

/// What the file may be larger than its bound: one line, and the notes.
pub const RESERVE: u64 = 64 * 1024;
const _: () = assert!(RESERVE > 3 * crate::lines::LONGEST as u64 + 1024);

/// How much a step wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct OutputSummary {
    /// That the command wrote.
    pub bytes: u64,
    /// Of those, that were not kept.
    pub dropped_bytes: u64,
    pub dropped_lines: u64,
}

#[derive(Debug)]
pub(super) struct OutputWriter {
    file: File,
    limit: u64,
    /// Of the file, as far as it is whole.
    length: u64,
    pending: Vec<u8>,
    lines: Lines,
    full: bool,
    /// Lines that should have been kept and could not be.
    lost: u64,
    summary: OutputSummary,
}

impl OutputWriter {
    pub(super) fn create(directory: &Path, limit: u64) -> io::Result<Self> {
        let path = directory.join(FILE);
        let file =
            OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        Ok(Self {
            file,
            limit,
            length: 0,
            pending: Vec::new(),
            lines: Lines::default(),
            full: false,
            lost: 0,
            summary: OutputSummary::default(),
        })
    }

    /// Takes output in; [`flush`](Self::flush) puts the lines where readers see them.
    pub(super) fn take(&mut self, at: Timestamp, bytes: &[u8]) {
        self.summary.bytes += bytes.len() as u64;
        if self.full {
            self.summary.dropped_bytes += bytes.len() as u64;
            self.summary.dropped_lines += newlines(bytes);
            return;
        }
        let pending = &mut self.pending;
        let stamp = format!("{at:.6}");
        self.lines.push_pieces(bytes, |text, ends| {
            append(pending, &stamp, if ends { LINE } else { PIECE }, text);
        });
        if self.length + self.pending.len() as u64 > self.limit {
            self.cut(&stamp);
        }
        if self.pending.len() > GATHERED {
            self.flush();
        }
    }

    /// Lets go of the lines that do not fit, and of everything from now on.
    fn cut(&mut self, stamp: &str) {
        let room = usize::try_from(self.limit.saturating_sub(self.length)).unwrap_or(usize::MAX);
        let kept = self.pending[..room.min(self.pending.len())].iter().rposition(|it| *it == b'\n');
        let over = self.pending.split_off(kept.map_or(0, |end| end + 1));
        self.count_dropped(&over);
        self.summary.dropped_bytes += self.lines.held_back() as u64;
        self.lines = Lines::default();
        self.full = true;
        let note =
            format!("the output is longer than the {} bytes that are kept of it", self.limit);
        append(&mut self.pending, stamp, NOTE, &note);
        self.flush();
    }

    /// Says how many lines end in it.
    fn count_dropped(&mut self, records: &[u8]) -> u64 {
        let mut lines = 0;
        for record in records.split_inclusive(|byte| *byte == b'\n') {
            let mut parts = record.splitn(3, |byte| *byte == b' ').skip(1);
            let ends = parts.next() == Some(&[LINE as u8]);
            let text = parts.next().map_or(0, <[u8]>::len) - usize::from(!ends);
            self.summary.dropped_bytes += text as u64;
            lines += u64::from(ends);
        }
        self.summary.dropped_lines += lines;
        lines
    }

    pub(super) fn flush(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        let mut pending = std::mem::take(&mut self.pending);
        if self.file.write_all(&pending).is_ok() {
            self.length += pending.len() as u64;
        } else {
            // No half lines: a reader takes up what stands there.
            let _ = self.file.set_len(self.length);
            let _ = self.file.seek(SeekFrom::Start(self.length));
            self.lost += self.count_dropped(&pending);
        }
        pending.clear();
        pending.shrink_to(GATHERED);
        self.pending = pending;
    }

    /// The command has ended: what it wrote last is a line, with or without a newline. Everything is on disk after this,
    /// as far as it could be written.
    pub(super) fn finish(&mut self, at: Timestamp) -> OutputSummary {
        let stamp = format!("{at:.6}");
        let pending = &mut self.pending;
        self.lines.finish(|text| append(pending, &stamp, LINE, text));
        self.flush();
        let OutputSummary { dropped_bytes, dropped_lines, .. } = self.summary;
        if self.full {
            let note = format!("{dropped_lines} lines ({dropped_bytes} bytes) were left out");
            append(&mut self.pending, &stamp, NOTE, &note);
        } else if self.lost > 0 {
            let note = format!("{} lines were lost: they could not be written", self.lost);
            append(&mut self.pending, &stamp, NOTE, &note);
        }
        self.flush();
        let _ = self.file.sync_data();
        self.summary
    }

    /// A line of the shim's own.
    pub(super) fn note(&mut self, at: Timestamp, text: &str) {
        append(&mut self.pending, &format!("{at:.6}"), NOTE, text);
        self.flush();
    }
}

fn newlines(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).count() as u64
}

fn append(pending: &mut Vec<u8>, stamp: &str, mark: char, text: &str) {
    let _ = writeln!(pending, "{stamp} {mark} {text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at() -> Timestamp {
        "2026-01-31T12:00:00.000001Z".parse().unwrap()
    }

    fn text(directory: &tempfile::TempDir) -> String {
        std::fs::read_to_string(directory.path().join(FILE)).unwrap()
    }

    #[test]
    fn a_line_is_kept_with_its_time() {
        let directory = tempfile::tempdir().unwrap();
        let mut output = OutputWriter::create(directory.path(), 1000).unwrap();
        output.take(at(), b"hello\nwor");
        output.take(at(), b"ld\nend");
        let summary = output.finish(at());
        let stamp = "2026-01-31T12:00:00.000001Z";
        assert_eq!(text(&directory), format!("{stamp} . hello\n{stamp} . world\n{stamp} . end\n"));
        assert_eq!(summary, OutputSummary { bytes: 15, dropped_bytes: 0, dropped_lines: 0 });
    }

    #[test]
    fn what_does_not_fit_is_counted_and_said() {
        let directory = tempfile::tempdir().unwrap();
        let mut output = OutputWriter::create(directory.path(), 10_000).unwrap();
        let mut written = 0;
        for number in 0..100_000 {
            let line = format!("line {number:06} {}\n", "x".repeat(60));
            written += line.len() as u64;
            output.take(at(), line.as_bytes());
        }
        let summary = output.finish(at());
        let text = text(&directory);
        assert!(text.len() as u64 <= 10_000 + RESERVE, "{}", text.len());
        let kept = text.lines().filter(|line| line.contains(" . line ")).count() as u64;
        assert_eq!(summary.bytes, written);
        assert_eq!(kept + summary.dropped_lines, 100_000);
        assert_eq!(summary.dropped_bytes, written / 100_000 * summary.dropped_lines);
        let last = text.lines().last().unwrap();
        assert!(last.contains(&format!(" ! {} lines (", summary.dropped_lines)), "{last}");
        assert!(text.contains(" ! the output is longer than the 10000 bytes"), "{text}");
    }

    #[test]
    fn a_long_line_comes_in_pieces() {
        let directory = tempfile::tempdir().unwrap();
        let mut output = OutputWriter::create(directory.path(), 1 << 20).unwrap();
        output.take(at(), "x".repeat(crate::lines::LONGEST + 1).as_bytes());
        output.finish(at());
        let marks: Vec<_> = text(&directory)
            .lines()
            .map(|line| line.split(' ').nth(1).unwrap().to_owned())
            .collect();
        assert_eq!(marks, ["+", "."]);
    }
}
