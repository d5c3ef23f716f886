//! What runs say while they go on: a file of text for each, which whoever watches reads from where
//! they are, also after a restart of the server.
//!
//! A line that is also in the log of a step begins with a mark that nobody is shown: which step's, and its place there. With
//! it, a server that goes on with a step after a crash shows no line twice and leaves none out.

use std::collections::HashMap;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use tokio::sync::watch;
use types::{RunId, Transcript};

use crate::text;

/// What one run may say; beyond that it is told once, and the rest is dropped.
const MAX_BYTES: u64 = 8 << 20;
/// The longest line that is kept whole.
const MAX_LINE: usize = 16 << 10;
const FULL: &[u8] =
    b"       (the rest is left out: this is all that is kept of what one run says)\n";
/// What a follower reads at once.
const CHUNK: usize = 64 << 10;
/// Around a mark. Nothing else begins so: what is not a heading is indented.
const MARK: (char, char) = ('\u{1}', '\u{2}');

/// The transcripts of all runs.
#[derive(Debug, Clone)]
pub(crate) struct Transcripts {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    directory: PathBuf,
    /// Those that somebody writes or follows now.
    open: Mutex<HashMap<RunId, Weak<Open>>>,
}

#[derive(Debug)]
struct Open {
    path: PathBuf,
    file: Mutex<Option<File>>,
    /// Whose lines come at the moment, where several speak.
    speaker: Mutex<Option<String>>,
    /// How much was written; what is full counts as [`MAX_BYTES`].
    length: watch::Sender<u64>,
}

/// One run's transcript, to write to.
#[derive(Clone)]
pub(crate) struct RunTranscript {
    open: Arc<Open>,
    /// Where else it goes, without marks and headings.
    also: Option<Arc<dyn Transcript>>,
}

/// One run's transcript, to read.
#[derive(Debug)]
pub struct Follower {
    open: Arc<Open>,
    length: watch::Receiver<u64>,
    file: Option<File>,
    offset: u64,
    partial: Vec<u8>,
}

impl Transcripts {
    pub(crate) fn new(directory: PathBuf) -> std::io::Result<Self> {
        std::fs::create_dir_all(&directory)?;
        Ok(Self { inner: Arc::new(Inner { directory, open: Mutex::default() }) })
    }

    pub(crate) fn of(&self, run: RunId) -> RunTranscript {
        RunTranscript { open: self.open(run), also: None }
    }

    /// From byte `offset` on.
    pub(crate) fn follow(&self, run: RunId, offset: u64) -> Follower {
        let open = self.open(run);
        let length = open.length.subscribe();
        Follower { open, length, file: None, offset, partial: Vec::new() }
    }

    /// How far the log of a step is shown in it.
    pub(crate) fn shown(&self, run: RunId, step: &str) -> std::io::Result<u64> {
        let mut follower = self.follow(run, 0);
        let mut shown = 0;
        loop {
            let text = follower.read_text()?;
            if text.is_empty() {
                return Ok(shown);
            }
            let marks = text.lines().filter_map(|line| marked(line).0);
            let ours = marks.filter_map(|mark| mark.strip_prefix(step)?.strip_prefix(':'));
            shown = ours.filter_map(|place| place.parse().ok()).fold(shown, u64::max);
        }
    }

    /// Whether a line stands in it, or cannot any more because it is full.
    pub(crate) fn has_said(&self, run: RunId, line: &str) -> std::io::Result<bool> {
        let mut follower = self.follow(run, 0);
        if *follower.length.borrow() >= MAX_BYTES {
            return Ok(true);
        }
        loop {
            let lines = follower.read()?;
            if lines.is_empty() || lines.iter().any(|said| said == line) {
                return Ok(!lines.is_empty());
            }
        }
    }

    /// Those whose transcripts there are.
    pub(crate) fn runs(&self) -> std::io::Result<Vec<RunId>> {
        let mut runs = Vec::new();
        for entry in std::fs::read_dir(&self.inner.directory)? {
            let name = entry?.file_name();
            let run =
                name.to_str().and_then(|name| name.strip_suffix(".log")?.parse::<RunId>().ok());
            runs.extend(run);
        }
        Ok(runs)
    }

    /// What one takes; nothing where there is none.
    pub(crate) fn bytes(&self, run: RunId) -> std::io::Result<u64> {
        match std::fs::metadata(self.path(run)) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(0),
            metadata => Ok(metadata?.len()),
        }
    }

    pub(crate) fn remove(&self, run: RunId) -> std::io::Result<()> {
        match std::fs::remove_file(self.path(run)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn path(&self, run: RunId) -> PathBuf {
        self.inner.directory.join(format!("{run}.log"))
    }

    fn open(&self, run: RunId) -> Arc<Open> {
        let mut opened = self.inner.open.lock();
        if let Some(open) = opened.get(&run).and_then(Weak::upgrade) {
            return open;
        }
        opened.retain(|_, open| open.strong_count() > 0);
        let path = self.path(run);
        let length = whole(&path).unwrap_or_else(|error| {
            if error.kind() != std::io::ErrorKind::NotFound {
                tracing::warn!(path = %path.display(), %error, "a transcript could not be opened");
            }
            0
        });
        let open = Arc::new(Open {
            path,
            file: Mutex::new(None),
            speaker: Mutex::new(None),
            length: watch::Sender::new(length),
        });
        opened.insert(run, Arc::downgrade(&open));
        open
    }
}

impl RunTranscript {
    /// The same, of which somebody else hears too.
    pub(crate) fn heard_by(self, other: Arc<dyn Transcript>) -> Self {
        Self { also: Some(other), ..self }
    }

    /// A line as it is to be shown.
    pub(crate) fn write(&self, line: &str) {
        self.write_all("", [line].into_iter());
    }

    /// Lines as they are to be shown, with nothing between them.
    pub(crate) fn write_together(&self, lines: &[String]) {
        let mut speaker = self.open.speaker.lock();
        *speaker = None;
        self.write_all("", lines.iter().map(String::as_str));
    }

    /// The mark goes in front of the last line: it says that all of them are there.
    fn write_all<'a>(&self, mark: &str, lines: impl Iterator<Item = &'a str>) {
        let mut lines: Vec<_> = lines.flat_map(|line| [cut(line), "\n"]).collect();
        lines.insert(lines.len().saturating_sub(2), mark);
        if let Err(error) = self.append(lines.concat().as_bytes()) {
            tracing::warn!(path = %self.open.path.display(), %error, "a transcript could not be written");
        }
    }

    /// What comes next is said by somebody, under a heading of their own.
    pub(crate) fn announces(&self, speaker: &str) {
        let mut current = self.open.speaker.lock();
        self.write(&text::heading(speaker));
        *current = Some(speaker.to_owned());
    }

    /// Something of somebody's, which stands at `place` in the log of `step`. Steps of several jobs speak at once: where the
    /// speaker changes, the heading comes again.
    pub(crate) fn says(&self, speaker: &str, step: &str, place: u64, text: &str) {
        let mut current = self.open.speaker.lock();
        if current.as_deref() != Some(speaker) {
            self.write(&text::heading(speaker));
            *current = Some(speaker.to_owned());
        }
        let lines: Vec<_> = text.split('\n').map(text::line).collect();
        let mark = format!("{}{step}:{place}{}", MARK.0, MARK.1);
        self.write_all(&mark, lines.iter().map(String::as_str));
    }

    /// The part of the work that is done.
    pub(crate) fn conclusion(&self, title: &str) {
        self.write(&text::conclusion(title));
        self.also.iter().for_each(|also| also.step(title));
    }

    fn append(&self, line: &[u8]) -> std::io::Result<()> {
        let mut file = self.open.file.lock();
        let before = *self.open.length.borrow();
        if before >= MAX_BYTES {
            return Ok(());
        }
        let line = if before + line.len() as u64 > MAX_BYTES { FULL } else { line };
        let file = match &mut *file {
            Some(file) => file,
            none => {
                none.insert(OpenOptions::new().create(true).append(true).open(&self.open.path)?)
            }
        };
        file.write_all(line)?;
        let after = if line == FULL { MAX_BYTES } else { before + line.len() as u64 };
        self.open.length.send_replace(after);
        Ok(())
    }
}

impl Transcript for RunTranscript {
    fn step(&self, title: &str) {
        let mut current = self.open.speaker.lock();
        self.write(&text::heading(title));
        *current = None;
        drop(current);
        self.also.iter().for_each(|also| also.step(title));
    }

    fn line(&self, text: &str) {
        self.write(&text::line(text));
        self.also.iter().for_each(|also| also.line(text));
    }

    fn warning(&self, text: &str) {
        self.write(&text::warning(text));
        self.also.iter().for_each(|also| also.warning(text));
    }
}

impl fmt::Debug for RunTranscript {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RunTranscript").field(&self.open.path).finish()
    }
}

/// How long a transcript is. What a crash left of a line is cut off.
fn whole(path: &Path) -> std::io::Result<u64> {
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    let length = file.metadata()?.len();
    let from = length.saturating_sub(CHUNK as u64);
    let mut end = Vec::new();
    file.seek(SeekFrom::Start(from))?;
    file.read_to_end(&mut end)?;
    let lines = end.iter().rposition(|&byte| byte == b'\n').map_or(0, |last| last + 1);
    let whole = from + lines as u64;
    if whole < length {
        file.set_len(whole)?;
    }
    Ok(whole.min(MAX_BYTES))
}

/// The mark of a line, and what is shown of it.
fn marked(line: &str) -> (Option<&str>, &str) {
    let marked = line.strip_prefix(MARK.0).and_then(|rest| rest.split_once(MARK.1));
    marked.map_or((None, line), |(mark, line)| (Some(mark), line))
}

fn cut(line: &str) -> &str {
    let mut end = line.len().min(MAX_LINE);
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    &line[..end]
}

impl Follower {
    /// What has been written since the last call, as whole lines; empty if there is nothing new.
    pub fn read(&mut self) -> std::io::Result<Vec<String>> {
        Ok(self.read_text()?.lines().map(|line| marked(line).1.to_owned()).collect())
    }

    fn read_text(&mut self) -> std::io::Result<String> {
        self.length.borrow_and_update();
        let mut bytes = self.read_bytes(&self.open.path.clone())?;
        self.partial.append(&mut bytes);
        let Some(end) = self.partial.iter().rposition(|&byte| byte == b'\n') else {
            return Ok(String::new());
        };
        let rest = self.partial.split_off(end + 1);
        let whole = std::mem::replace(&mut self.partial, rest);
        Ok(String::from_utf8_lossy(&whole).into_owned())
    }

    fn read_bytes(&mut self, path: &Path) -> std::io::Result<Vec<u8>> {
        let file = match &mut self.file {
            Some(file) => file,
            none => match File::open(path) {
                Ok(mut file) => {
                    file.seek(SeekFrom::Start(self.offset))?;
                    none.insert(file)
                }
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
                Err(error) => return Err(error),
            },
        };
        let mut bytes = Vec::new();
        let read = file.take(CHUNK as u64).read_to_end(&mut bytes)?;
        self.offset += read as u64;
        Ok(bytes)
    }

    /// Waits until there may be more to read.
    pub async fn changed(&mut self) {
        // The sender lives as long as this follower holds the transcript open.
        let _ = self.length.changed().await;
    }

    /// How far it has read, in whole lines: where another follower can go on.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.offset - self.partial.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::SystemClock;

    fn transcripts() -> (tempfile::TempDir, Transcripts) {
        let directory = tempfile::tempdir().unwrap();
        let transcripts = Transcripts::new(directory.path().join("transcripts")).unwrap();
        (directory, transcripts)
    }

    #[tokio::test]
    async fn a_follower_reads_what_was_there_and_what_comes() {
        let (_directory, transcripts) = transcripts();
        let run = RunId::generate(&SystemClock);
        let transcript = transcripts.of(run);
        transcript.step("Building");
        let mut follower = transcripts.follow(run, 0);
        assert_eq!(follower.read().unwrap(), ["-----> Building"]);
        assert!(follower.read().unwrap().is_empty());
        transcript.line("make");
        follower.changed().await;
        assert_eq!(follower.read().unwrap(), ["       make"]);
        let mut later = transcripts.follow(run, follower.position());
        transcript.warning("odd");
        assert_eq!(later.read().unwrap(), [" !     odd"]);
    }

    #[test]
    fn after_a_crash_it_is_known_what_was_shown_of_a_step() {
        let (_directory, transcripts) = transcripts();
        let run = RunId::generate(&SystemClock);
        let transcript = transcripts.of(run);
        transcript.says("build", "aa", 7, "one");
        transcript.says("test", "aab", 30, "two\nlines");
        transcript.says("build", "aa", 12, "");
        drop(transcript);
        let torn = format!("{}aa:19{}       tor", MARK.0, MARK.1);
        let mut file = OpenOptions::new().append(true).open(transcripts.path(run)).unwrap();
        file.write_all(torn.as_bytes()).unwrap();
        let shown = ["aa", "aab", "b"].map(|step| transcripts.shown(run, step).unwrap());
        assert_eq!(shown, [12, 30, 0]);
        transcripts.of(run).says("build", "aa", 19, "torn");
        assert_eq!(transcripts.shown(run, "aa").unwrap(), 19);
        let lines = transcripts.follow(run, 0).read().unwrap();
        let expected = ["-----> build", "       one", "-----> test", "       two", "       lines"];
        assert_eq!(lines[..5], expected);
        assert_eq!(lines[5..], ["-----> build", "", "-----> build", "       torn"]);
    }

    #[test]
    fn what_is_too_much_is_left_out_and_said_once() {
        let (_directory, transcripts) = transcripts();
        let run = RunId::generate(&SystemClock);
        let transcript = transcripts.of(run);
        let line = "x".repeat(MAX_LINE);
        for _ in 0..(MAX_BYTES as usize / MAX_LINE + 10) {
            transcript.line(&line);
        }
        let mut follower = transcripts.follow(run, 0);
        let mut lines = Vec::new();
        loop {
            let more = follower.read().unwrap();
            if more.is_empty()
                && follower.offset >= std::fs::metadata(transcripts.path(run)).unwrap().len()
            {
                break;
            }
            lines.extend(more);
        }
        let said = lines.iter().filter(|line| line.contains("the rest is left out")).count();
        assert_eq!(said, 1);
        assert!(std::fs::metadata(transcripts.path(run)).unwrap().len() < MAX_BYTES + 1024);
    }
}
