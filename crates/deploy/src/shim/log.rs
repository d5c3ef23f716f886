//! Keeps what an instance writes: lines with their time and stream, in files of bounded size and number.
//!
//! One line of a file: `2026-01-31T12:00:00.000001Z o text`, with `e` for standard error. A line is written whole; when
//! the disk is full, lines are dropped, and the number of them is noted as soon as there is room again. The
//! instance never waits for its log.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use types::Timestamp;

use crate::OutputStream;
use crate::lines::Lines;
use crate::logs::file_numbers;

/// At most so many files of so many bytes, and a line more.
const FILES: usize = 4;
const FILE_BYTES: u64 = 1024 * 1024;

#[derive(Debug)]
pub(super) struct LogWriter {
    directory: PathBuf,
    number: u64,
    file: Option<File>,
    length: u64,
    pending: Vec<u8>,
    dropped: u64,
    stdout: Lines,
    stderr: Lines,
}

impl LogWriter {
    /// Goes on behind what an earlier shim of the instance wrote, if there was one.
    pub(super) fn open(directory: &Path) -> Self {
        let _ = super::directory::make_private(directory);
        let number = file_numbers(directory).last().map_or(1, |last| last + 1);
        Self {
            directory: directory.to_owned(),
            number,
            file: None,
            length: 0,
            pending: Vec::new(),
            dropped: 0,
            stdout: Lines::default(),
            stderr: Lines::default(),
        }
    }

    /// Takes output in; [`flush`](Self::flush) puts the lines where readers see them.
    pub(super) fn take(&mut self, at: Timestamp, stream: OutputStream, bytes: &[u8]) {
        let (lines, pending) = match stream {
            OutputStream::Stdout => (&mut self.stdout, &mut self.pending),
            OutputStream::Stderr => (&mut self.stderr, &mut self.pending),
        };
        lines.push(bytes, |line| append(pending, at, stream, line));
        if self.pending.len() as u64 > FILE_BYTES / 4 {
            self.flush();
        }
    }

    /// The process has ended: what it wrote last is a line, with or without a newline.
    pub(super) fn end_of_process(&mut self, at: Timestamp) {
        let pending = &mut self.pending;
        self.stdout.finish(|line| append(pending, at, OutputStream::Stdout, line));
        self.stderr.finish(|line| append(pending, at, OutputStream::Stderr, line));
        self.flush();
    }

    /// A line of the shim's own.
    pub(super) fn note(&mut self, at: Timestamp, text: &str) {
        append(&mut self.pending, at, OutputStream::Stderr, &format!("solum: {text}"));
        self.flush();
    }

    pub(super) fn flush(&mut self) {
        if self.pending.is_empty() {
            return;
        }
        let lines = std::mem::take(&mut self.pending);
        if self.write(&lines).is_err() {
            self.dropped += lines.iter().filter(|byte| **byte == b'\n').count() as u64;
            // A new file: the end of this one may hold half a line.
            self.file = None;
            self.number += 1;
        }
        self.pending = lines;
        self.pending.clear();
        self.pending.shrink_to(64 * 1024);
    }

    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        if self.length >= FILE_BYTES {
            self.file = None;
            self.number += 1;
        }
        let mut file = match self.file.take() {
            Some(file) => file,
            None => self.next_file()?,
        };
        if self.dropped > 0 {
            let mut note = Vec::new();
            let at = lines.split(|byte| *byte == b' ').next().unwrap_or_default();
            let (dropped, at) = (self.dropped, String::from_utf8_lossy(at));
            writeln!(note, "{at} e solum: {dropped} lines were lost: they could not be written")?;
            file.write_all(&note)?;
            self.dropped = 0;
        }
        file.write_all(lines)?;
        self.length += lines.len() as u64;
        self.file = Some(file);
        Ok(())
    }

    fn next_file(&mut self) -> io::Result<File> {
        let numbers = file_numbers(&self.directory);
        for old in numbers.iter().rev().skip(FILES - 1) {
            let _ = fs::remove_file(file_path(&self.directory, *old));
        }
        self.length = 0;
        OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(file_path(&self.directory, self.number))
    }
}

fn append(pending: &mut Vec<u8>, at: Timestamp, stream: OutputStream, line: &str) {
    let mark = match stream {
        OutputStream::Stdout => 'o',
        OutputStream::Stderr => 'e',
    };
    let _ = writeln!(pending, "{at:.6} {mark} {line}");
}

pub(crate) fn file_path(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("{number:08}.log"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at() -> Timestamp {
        "2026-01-31T12:00:00.000001Z".parse().unwrap()
    }

    #[test]
    fn a_line_is_kept_with_its_time_and_stream() {
        let directory = tempfile::tempdir().unwrap();
        let mut log = LogWriter::open(directory.path());
        log.take(at(), OutputStream::Stdout, b"hello\nwor");
        log.take(at(), OutputStream::Stderr, b"oops\n");
        log.end_of_process(at());
        assert_eq!(
            fs::read_to_string(file_path(directory.path(), 1)).unwrap(),
            "2026-01-31T12:00:00.000001Z o hello\n2026-01-31T12:00:00.000001Z e oops\n\
             2026-01-31T12:00:00.000001Z o wor\n"
        );
    }

    #[test]
    fn a_flood_takes_bounded_room_and_the_newest_lines_stay() {
        let directory = tempfile::tempdir().unwrap();
        let mut log = LogWriter::open(directory.path());
        for number in 0..200_000 {
            log.take(
                at(),
                OutputStream::Stdout,
                format!("line {number} {}\n", "x".repeat(60)).as_bytes(),
            );
        }
        log.end_of_process(at());
        let files = file_numbers(directory.path());
        assert_eq!(files.len(), FILES);
        let newest =
            fs::read_to_string(file_path(directory.path(), *files.last().unwrap())).unwrap();
        assert!(newest.lines().last().unwrap().contains("line 199999 "));
        let bytes: u64 = files
            .iter()
            .map(|number| fs::metadata(file_path(directory.path(), *number)).unwrap().len())
            .sum();
        assert!(bytes <= (FILE_BYTES + FILE_BYTES / 2) * FILES as u64, "{bytes}");
    }

    #[test]
    fn what_cannot_be_written_is_counted_and_noted_later() {
        let parent = tempfile::tempdir().unwrap();
        let directory = parent.path().join("log");
        let mut log = LogWriter::open(&directory);
        fs::remove_dir(&directory).unwrap();
        log.take(at(), OutputStream::Stdout, b"one\ntwo\n");
        log.flush();
        fs::create_dir(&directory).unwrap();
        log.take(at(), OutputStream::Stdout, b"three\n");
        log.flush();
        let number = *file_numbers(&directory).last().unwrap();
        let text = fs::read_to_string(file_path(&directory, number)).unwrap();
        assert!(text.contains("solum: 2 lines were lost"), "{text}");
        assert!(text.ends_with(" o three\n"), "{text}");
    }
}
