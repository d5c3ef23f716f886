//! Reads what a step writes, and waits for more where that is wanted.
//!
//! The shim plays no part in it: the kernel tells when the file has grown (inotify(7)), and when the shim has ended (pidfd).

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;

use rustix::fs::inotify::{self, CreateFlags, WatchFlags};
use tokio::net::unix::pipe;
use types::Timestamp;

use super::attend::{state, watch};
use super::output::{FILE, NOTE, PIECE};
use super::{StepError, StepKey};
use crate::lines;
use crate::process::blocking;
use crate::shim::directory::InstanceDirectory;

/// How much is read at a time: some lines, and at least one.
const CHUNK: usize = 256 * 1024;
const _: () = assert!(CHUNK > 3 * lines::LONGEST + 64);

/// What a line of a step's output is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutputKind {
    /// A line, or the last piece of one.
    Line,
    /// A piece of a long line, which goes on in the next.
    Piece,
    /// Not the step's: what its shim has to say of the output.
    Note,
}

/// One line that a step wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutputLine {
    /// Just behind this line: where to go on reading.
    pub end: u64,
    /// When it was read from the process.
    pub at: Timestamp,
    pub kind: OutputKind,
    /// Without its newline, at most 16 KiB that the step wrote, with what is not UTF-8 replaced.
    pub text: String,
}

/// Reads the lines that a step writes, one by one. Belongs to the tokio runtime that it was made in.
#[derive(Debug)]
pub struct OutputReader {
    key: StepKey,
    directory: InstanceDirectory,
    offset: u64,
    ahead: VecDeque<OutputLine>,
    news: Option<News>,
}

/// With `follow`.
#[derive(Debug)]
struct News {
    grown: pipe::Receiver,
    /// `None` once it has ended.
    shim: Option<pipe::Receiver>,
}

impl OutputReader {
    pub(super) async fn open(
        key: StepKey,
        directory: InstanceDirectory,
        offset: u64,
        follow: bool,
    ) -> Result<Self, StepError> {
        let failed = StepError::io("watch", directory.path());
        // First the watch, then the first look: nothing falls between them.
        let news = if follow { News::open(&directory).map_err(failed)? } else { None };
        Ok(Self { key, directory, offset, ahead: VecDeque::new(), news })
    }

    /// Whose output this is.
    #[must_use]
    pub fn key(&self) -> &StepKey {
        &self.key
    }

    /// The next line, or `None` at the end. Cancel-safe: a dropped call loses no line.
    pub async fn next(&mut self) -> Result<Option<OutputLine>, StepError> {
        loop {
            if let Some(line) = self.ahead.pop_front() {
                return Ok(Some(line));
            }
            // What it wrote last may have come after our last look, so the shim is looked at first.
            let over = self.news.as_ref().is_none_or(|news| news.shim.is_none());
            let (path, offset) = (self.directory.path().join(FILE), self.offset);
            let lines = blocking(move || read_on(&path, offset)).await;
            self.ahead = lines.map_err(StepError::io("read", self.directory.path()))?;
            if let Some(last) = self.ahead.back() {
                self.offset = last.end;
                continue;
            }
            let Some(news) = self.news.as_mut().filter(|_| !over) else { return Ok(None) };
            news.wait().await.map_err(StepError::io("watch", self.directory.path()))?;
        }
    }
}

impl News {
    /// `None` when there is no output yet: the step was not begun.
    fn open(directory: &InstanceDirectory) -> io::Result<Option<Self>> {
        let Some(state) = state(directory) else { return Ok(None) };
        let grown = inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
        inotify::add_watch(&grown, directory.path().join(FILE), WatchFlags::MODIFY)?;
        let grown = pipe::Receiver::from_owned_fd_unchecked(grown)?;
        Ok(Some(Self { grown, shim: watch(state.shim)? }))
    }

    async fn wait(&mut self) -> io::Result<()> {
        let Some(shim) = &self.shim else { return Ok(()) };
        let ended = tokio::select! {
            grown = self.grown.readable() => grown.map(|()| false)?,
            ended = shim.readable() => ended.map(|()| true)?,
        };
        // What the news are does not matter: a look tells more.
        while self.grown.try_read(&mut [0; 4096]).is_ok() {}
        if ended {
            self.shim = None;
        }
        Ok(())
    }
}

/// The whole lines that stand at an offset, as many as are read at a time.
fn read_on(path: &Path, offset: u64) -> io::Result<VecDeque<OutputLine>> {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(VecDeque::new()),
        file => file?,
    };
    file.seek(SeekFrom::Start(offset))?;
    let mut text = Vec::with_capacity(CHUNK);
    file.take(CHUNK as u64).read_to_end(&mut text)?;
    let mut lines = VecDeque::new();
    let mut end = offset;
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let Some(line) = line.strip_suffix(b"\n") else { break };
        end += line.len() as u64 + 1;
        lines.push_back(parse(&String::from_utf8_lossy(line), end));
    }
    Ok(lines)
}

/// A line that is damaged, by a machine that went down, is shown as it is.
fn parse(line: &str, end: u64) -> OutputLine {
    let mut parts = line.splitn(3, ' ');
    let at = parts.next().and_then(|at| at.parse::<Timestamp>().ok());
    let mark = parts.next().and_then(|mark| mark.chars().next());
    match (at, mark, parts.next()) {
        (Some(at), Some(mark), Some(text)) => {
            let kind = match mark {
                PIECE => OutputKind::Piece,
                NOTE => OutputKind::Note,
                _ => OutputKind::Line,
            };
            OutputLine { end, at, kind, text: text.to_owned() }
        }
        _ => {
            let at = Timestamp::UNIX_EPOCH;
            OutputLine { end, at, kind: OutputKind::Line, text: line.to_owned() }
        }
    }
}
