//! What is kept of a step's output for people: entries with their times, without secrets, compressed.
//!
//! A file is a row of gzip members, so `zcat` shows it: a line of JSON per entry. Each member says in its header where it
//! stands in the whole text (`frame`), so a reader finds its place without unpacking what comes before. A place is counted in
//! bytes of that text and stays the same when members are joined at the end.
//!
//! # The invariant
//!
//! A member is written whole or is cut off by the next writer. It also says how far the step's own output had been taken
//! in by then, so a writer that goes on after a crash writes no entry twice and leaves none out. What is shown elsewhere is
//! shown after it is here, with its place, so that the same holds there.

mod frame;

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use deploy::steps::StepKey;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use types::{RunId, Timestamp};

use super::commands::Annotation;
use frame::{Frame, HEADER_BYTES};

/// How far the output of a step is taken in when all of it is, and all that was to be told besides.
pub const ENDED: u64 = u64::MAX;

/// What is gathered before it is compressed.
const GATHERED: usize = 128 * 1024;

/// One line of a step's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub at: Timestamp,
    #[serde(flatten)]
    pub what: What,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum What {
    Line {
        text: String,
    },
    Debug {
        text: String,
    },
    Group {
        title: String,
    },
    EndGroup,
    Annotation(Annotation),
    /// Ours, about the log or the step.
    Note {
        text: String,
    },
}

/// The logs of all steps.
#[derive(Debug, Clone)]
pub struct StepLogs {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    directory: PathBuf,
    /// Those that are being written.
    open: Mutex<HashMap<PathBuf, Weak<watch::Sender<u64>>>>,
    /// Counts those that were opened to be written.
    opened: watch::Sender<u64>,
}

impl StepLogs {
    pub fn new(directory: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&directory)?;
        let opened = watch::Sender::new(0);
        Ok(Self { inner: Arc::new(Inner { directory, open: Mutex::default(), opened }) })
    }

    /// Opens a log to write to, behind what is there. There is to be one writer of a step at a time. `limit` is the most that
    /// its text may take, before it is compressed.
    pub fn write(&self, step: &StepKey, limit: u64) -> io::Result<StepLogWriter> {
        let path = self.path(step);
        fs::create_dir_all(self.run(step.run))?;
        let mut writer = StepLogWriter::open(&path, limit)?;
        let mut open = self.inner.open.lock();
        open.retain(|_, length| length.strong_count() > 0);
        writer.length = Arc::new(watch::Sender::new(writer.written));
        open.insert(path, Arc::downgrade(&writer.length));
        drop(open);
        self.inner.opened.send_modify(|count| *count += 1);
        Ok(writer)
    }

    /// Reads a log from a place on: 0, or one that came with an entry.
    #[must_use]
    pub fn follow(&self, step: &StepKey, from: u64) -> StepLogFollower {
        let path = self.path(step);
        let length = self.inner.open.lock().get(&path).and_then(Weak::upgrade);
        let news = length.map(|length| length.subscribe());
        StepLogFollower { reader: StepLogReader::new(path, from), news }
    }

    /// Reads what there is of a log now, from a place on.
    #[must_use]
    pub fn read(&self, step: &StepKey, from: u64) -> StepLogReader {
        StepLogReader::new(self.path(step), from)
    }

    /// Changes whenever somebody begins to write a log.
    #[must_use]
    pub fn opened(&self) -> watch::Receiver<u64> {
        self.inner.opened.subscribe()
    }

    /// Those that have logs.
    pub fn runs(&self) -> io::Result<Vec<RunId>> {
        let mut runs = Vec::new();
        for entry in fs::read_dir(&self.inner.directory)? {
            runs.extend(entry?.file_name().to_str().and_then(|name| name.parse::<RunId>().ok()));
        }
        Ok(runs)
    }

    /// What the logs of a run take; nothing where there are none.
    pub fn bytes(&self, run: RunId) -> io::Result<u64> {
        let mut bytes = 0;
        let entries = match fs::read_dir(self.run(run)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
            entries => entries?,
        };
        for entry in entries {
            bytes += entry?.metadata()?.len();
        }
        Ok(bytes)
    }

    /// Removes the logs of a run. Absent is fine.
    pub fn remove(&self, run: RunId) -> io::Result<()> {
        match fs::remove_dir_all(self.run(run)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn run(&self, run: RunId) -> PathBuf {
        self.inner.directory.join(run.to_string())
    }

    fn path(&self, step: &StepKey) -> PathBuf {
        self.run(step.run).join(format!("{}.log.gz", step.file_name()))
    }
}

/// Writes one step's log.
#[derive(Debug)]
pub struct StepLogWriter {
    path: PathBuf,
    file: File,
    limit: u64,
    /// Of the text: so much is in the file.
    written: u64,
    /// How far the step's own output was taken in with that.
    source: u64,
    gathered: Vec<u8>,
    /// The same, each with the place behind it.
    entries: Vec<(u64, Entry)>,
    /// Entries that came when there was no room any more.
    dropped: u64,
    full: bool,
    length: Arc<watch::Sender<u64>>,
}

impl StepLogWriter {
    fn open(path: &Path, limit: u64) -> io::Result<Self> {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(path)?;
        let (mut end, mut written, mut source) = (0, 0, 0);
        while let Some(frame) = Frame::at(&mut file, end)? {
            // What a crash cut off, or a machine that went down did not write.
            if frame.text(&mut file, end).is_err() {
                break;
            }
            end += u64::from(frame.size);
            (written, source) = (frame.start + u64::from(frame.length), frame.source);
        }
        file.set_len(end)?;
        file.seek(SeekFrom::Start(end))?;
        Ok(Self {
            path: path.to_owned(),
            file,
            limit,
            written,
            source,
            gathered: Vec::new(),
            entries: Vec::new(),
            dropped: 0,
            full: written >= limit,
            length: Arc::new(watch::Sender::new(written)),
        })
    }

    /// How far the step's own output is in the log: what came before that is not to be written again.
    #[must_use]
    pub fn source(&self) -> u64 {
        self.source
    }

    /// Adds an entry. It is on disk with one of the next [`commit`](Self::commit)s.
    pub fn append(&mut self, entry: Entry) -> io::Result<()> {
        if self.full {
            self.dropped += 1;
            return Ok(());
        }
        let (before, at) = (self.gathered.len(), entry.at);
        self.gather(entry)?;
        if self.place() > self.limit {
            self.gathered.truncate(before);
            self.entries.pop();
            self.full = true;
            self.dropped += 1;
            let text =
                format!("the log is longer than the {} bytes that are kept of it", self.limit);
            self.gather(Entry { at, what: What::Note { text } })?;
        }
        Ok(())
    }

    fn gather(&mut self, entry: Entry) -> io::Result<()> {
        serde_json::to_writer(&mut self.gathered, &entry)?;
        self.gathered.push(b'\n');
        self.entries.push((self.place(), entry));
        Ok(())
    }

    fn place(&self) -> u64 {
        self.written + self.gathered.len() as u64
    }

    /// Says how far the step's own output is taken in with the entries until now. With `now` readers see them at once. Gives
    /// those that are on disk with this, each with the place behind it.
    pub fn commit(&mut self, source: u64, now: bool) -> io::Result<Vec<(u64, Entry)>> {
        if self.gathered.is_empty() || !(now || self.gathered.len() >= GATHERED) {
            return Ok(Vec::new());
        }
        let member = frame::encode(self.written, source, &self.gathered)?;
        let end = self.file.stream_position()?;
        if let Err(error) = self.file.write_all(&member) {
            // No half members: the next one follows on the last whole one.
            self.file.set_len(end)?;
            self.file.seek(SeekFrom::Start(end))?;
            return Err(error);
        }
        self.written += self.gathered.len() as u64;
        self.source = source;
        self.gathered.clear();
        self.gathered.shrink_to(GATHERED);
        self.length.send_replace(self.written);
        Ok(std::mem::take(&mut self.entries))
    }

    /// Ends the log: commits, and joins what was written in many small members.
    pub fn finish(mut self, at: Timestamp) -> io::Result<Vec<(u64, Entry)>> {
        if self.dropped > 0 {
            let text = format!("{} entries were left out", self.dropped);
            self.gather(Entry { at, what: What::Note { text } })?;
        }
        let last = self.commit(ENDED, true)?;
        let joined = self.path.with_extension("joined");
        join(&mut self.file, &joined)?;
        fs::rename(joined, &self.path)?;
        Ok(last)
    }
}

/// Writes the members of a file as fewer, larger ones. Places stay the same.
fn join(file: &mut File, into: &Path) -> io::Result<()> {
    let mut joined =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(into)?;
    let (mut at, mut start, mut source, mut text) = (0, 0, 0, Vec::new());
    while let Some(frame) = Frame::at(file, at)? {
        text.extend(frame.text(file, at)?);
        at += u64::from(frame.size);
        source = frame.source;
        if text.len() >= GATHERED {
            joined.write_all(&frame::encode(start, source, &text)?)?;
            start += text.len() as u64;
            text.clear();
        }
    }
    if !text.is_empty() {
        joined.write_all(&frame::encode(start, source, &text)?)?;
    }
    joined.sync_data()
}

/// Reads one step's log.
#[derive(Debug)]
pub struct StepLogReader {
    path: PathBuf,
    /// In the text.
    place: u64,
    /// Which file it was, and where in it the members begin that were not read yet.
    seen: Option<(u64, u64)>,
}

impl StepLogReader {
    fn new(path: PathBuf, place: u64) -> Self {
        Self { path, place, seen: None }
    }

    /// Some entries, each with the place behind it; none where nothing more is there now.
    pub fn read(&mut self) -> io::Result<Vec<(u64, Entry)>> {
        let mut file = match File::open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            file => file?,
        };
        let inode = file.metadata()?.ino();
        let mut at = self.seen.filter(|(seen, _)| *seen == inode).map_or(0, |(_, at)| at);
        while let Some(frame) = Frame::at(&mut file, at)? {
            let end = frame.start + u64::from(frame.length);
            if end <= self.place {
                at += u64::from(frame.size);
                continue;
            }
            let text = frame.text(&mut file, at)?;
            let entries = entries(&text, frame.start, self.place);
            self.place = end;
            self.seen = Some((inode, at + u64::from(frame.size)));
            return Ok(entries);
        }
        self.seen = Some((inode, at));
        Ok(Vec::new())
    }
}

/// The entries of a member that end behind `from`.
fn entries(text: &[u8], start: u64, from: u64) -> Vec<(u64, Entry)> {
    let mut place = start;
    let lines = text.split_inclusive(|byte| *byte == b'\n').map(|line| {
        place += line.len() as u64;
        (place, line)
    });
    let lines = lines.filter(|(place, _)| *place > from);
    lines.filter_map(|(place, line)| Some((place, serde_json::from_slice(line).ok()?))).collect()
}

/// Reads one step's log, and waits for more while it is being written.
#[derive(Debug)]
pub struct StepLogFollower {
    reader: StepLogReader,
    /// While somebody writes.
    news: Option<watch::Receiver<u64>>,
}

impl StepLogFollower {
    /// Some entries, each with the place behind it; `None` at the end. Cancel-safe.
    pub async fn next(&mut self) -> io::Result<Option<Vec<(u64, Entry)>>> {
        loop {
            // Looked at first: what was written last may have come after the last look.
            let live = self.news.as_mut().is_some_and(|news| news.has_changed().is_ok());
            if let Some(news) = &mut self.news {
                news.borrow_and_update();
            }
            let entries = self.reader.read()?;
            if !entries.is_empty() {
                return Ok(Some(entries));
            }
            let Some(news) = self.news.as_mut().filter(|_| live) else { return Ok(None) };
            // That nobody writes any more shows in the next round.
            let _ = news.changed().await;
        }
    }
}

/// For [`frame`]: as much as is there.
fn read_up_to(file: &mut File, at: u64, bytes: usize) -> io::Result<Vec<u8>> {
    file.seek(SeekFrom::Start(at))?;
    let mut found = Vec::with_capacity(bytes);
    file.take(bytes as u64).read_to_end(&mut found)?;
    Ok(found)
}

const _: () = assert!(HEADER_BYTES < GATHERED);

#[cfg(test)]
mod tests;
