//! Reads the log that a shim keeps, and waits for more where that is wanted.
//!
//! The shim plays no part in it: the kernel tells when a file has grown (inotify(7)), and also when the shim is gone.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use tokio::net::unix::pipe;
use types::Timestamp;

use super::blocking;
use crate::lines;
use crate::logs::file_numbers;
use crate::shim::directory::{InstanceDirectory, make_private};
use crate::shim::log_file_path;
use crate::{Error, LogLine, LogPosition, LogReader, LogStart, OutputStream};

/// How much is read at a time: a whole line and more.
const CHUNK: usize = 64 * 1024;
const _: () = assert!(CHUNK > 3 * lines::LONGEST + 64);

/// How soon the end of a shim that was killed is noticed at the latest.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Reader {
    directory: InstanceDirectory,
    position: LogPosition,
    ahead: VecDeque<LogLine>,
    /// With `follow`: what tells of news.
    news: Option<pipe::Receiver>,
}

/// What was found at a position.
struct Piece {
    lines: VecDeque<LogLine>,
    position: LogPosition,
}

impl Reader {
    pub(super) async fn open(
        directory: InstanceDirectory,
        from: LogStart,
        follow: bool,
    ) -> Result<Self, Error> {
        let logs = directory.logs();
        let failed = |error: io::Error| Error::io("watch", &logs)(error);
        // First the watch, then the first look: nothing falls between them.
        let news = if follow {
            // Between the birth of an instance and its first word there is no log yet.
            let _ = make_private(&logs);
            Some(watch(&directory).map_err(failed)?)
        } else {
            None
        };
        let position = match from {
            LogStart::After(position) => position,
            LogStart::Last(count) => {
                let logs = logs.clone();
                blocking(move || before_last(&logs, count)).await.map_err(failed)?
            }
        };
        Ok(Self { directory, position, ahead: VecDeque::new(), news })
    }

    /// Whether nothing more can be written.
    fn is_over(&self) -> bool {
        self.directory.state().is_some_and(|state| state.is_final()) || !self.directory.is_locked()
    }
}

#[async_trait]
impl LogReader for Reader {
    async fn next(&mut self) -> Result<Option<LogLine>, Error> {
        let mut over = false;
        loop {
            if let Some(line) = self.ahead.pop_front() {
                return Ok(Some(line));
            }
            let (logs, position) = (self.directory.logs(), self.position);
            let piece = blocking(move || read_on(&logs, position)).await;
            let piece = piece.map_err(Error::io("read", &self.directory.logs()))?;
            let moved = piece.position != self.position;
            self.position = piece.position;
            self.ahead = piece.lines;
            if !self.ahead.is_empty() || moved {
                continue;
            }
            let Some(news) = self.news.as_ref().filter(|_| !over) else { return Ok(None) };
            if self.is_over() {
                // What it wrote last may have come after our last look.
                over = true;
                continue;
            }
            // The kernel tells of a file's closing just before it lets go of the lock on it.
            if let Ok(ready) = tokio::time::timeout(LOOK_AGAIN, news.readable()).await {
                ready.map_err(Error::io("watch", self.directory.path()))?;
                // What the news are does not matter: a look tells more.
                while news.try_read(&mut [0; 4096]).is_ok() {}
            }
        }
    }
}

/// What can be read from when something happens: to tokio that is like a pipe.
fn watch(directory: &InstanceDirectory) -> io::Result<pipe::Receiver> {
    let watch = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
    let grown = WatchFlags::MODIFY | WatchFlags::CREATE | WatchFlags::DELETE_SELF;
    inotify::add_watch(&watch, directory.logs(), grown | WatchFlags::CLOSE_WRITE)?;
    // Its state is renamed into place, and its lock is closed when its shim ends, however it ends.
    let ended = WatchFlags::MOVED_TO | WatchFlags::CLOSE_WRITE | WatchFlags::DELETE_SELF;
    inotify::add_watch(&watch, directory.path(), ended)?;
    pipe::Receiver::from_owned_fd_unchecked(watch)
}

/// The place from which so many lines are left.
fn before_last(logs: &Path, count: usize) -> io::Result<LogPosition> {
    let mut wanted = count;
    let mut position = LogPosition::default();
    for (back, file) in file_numbers(logs).into_iter().rev().enumerate() {
        let text = match std::fs::read(log_file_path(logs, file)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => break,
            result => result?,
        };
        let ends: Vec<usize> = text
            .iter()
            .enumerate()
            .filter(|(_, byte)| **byte == b'\n')
            .map(|(at, _)| at + 1)
            .collect();
        if back == 0 {
            position = LogPosition { file, offset: ends.last().copied().unwrap_or(0) as u64 };
        }
        if wanted == 0 {
            break;
        }
        if ends.len() > wanted {
            let offset = ends[ends.len() - 1 - wanted] as u64;
            return Ok(LogPosition { file, offset });
        }
        wanted -= ends.len();
        position = LogPosition { file, offset: 0 };
    }
    Ok(position)
}

/// Reads on at a position: some lines, or the beginning of the next file, or nothing new.
fn read_on(logs: &Path, position: LogPosition) -> io::Result<Piece> {
    let numbers = file_numbers(logs);
    let lines = match File::open(log_file_path(logs, position.file)) {
        Ok(file) => read_lines(file, position)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => VecDeque::new(),
        Err(error) => return Err(error),
    };
    if let Some(last) = lines.back() {
        return Ok(Piece { position: last.position, lines });
    }
    // A file is only grown while it is the newest, and `numbers` was read first: nothing more comes in this one.
    let next = numbers.into_iter().find(|number| *number > position.file);
    let position = next.map_or(position, |file| LogPosition { file, offset: 0 });
    Ok(Piece { position, lines })
}

fn read_lines(mut file: File, from: LogPosition) -> io::Result<VecDeque<LogLine>> {
    file.seek(SeekFrom::Start(from.offset))?;
    let mut text = Vec::with_capacity(CHUNK);
    file.take(CHUNK as u64).read_to_end(&mut text)?;
    let mut lines = VecDeque::new();
    let mut offset = from.offset;
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let Some(line) = line.strip_suffix(b"\n") else { break };
        offset += line.len() as u64 + 1;
        let position = LogPosition { file: from.file, offset };
        lines.push_back(parse(&String::from_utf8_lossy(line), position));
    }
    Ok(lines)
}

/// A line that is damaged, by a full disk, is shown as it is.
fn parse(line: &str, position: LogPosition) -> LogLine {
    let mut parts = line.splitn(3, ' ');
    let at = parts.next().and_then(|at| at.parse::<Timestamp>().ok());
    let stream = match parts.next() {
        Some("o") => Some(OutputStream::Stdout),
        Some("e") => Some(OutputStream::Stderr),
        _ => None,
    };
    match (at, stream, parts.next()) {
        (Some(at), Some(stream), Some(text)) => {
            LogLine { position, at, stream, text: text.to_owned() }
        }
        _ => LogLine {
            position,
            at: Timestamp::UNIX_EPOCH,
            stream: OutputStream::Stderr,
            text: line.to_owned(),
        },
    }
}
