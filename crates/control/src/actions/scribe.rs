//! From what a step writes to what is kept of it: workflow commands are taken out, secrets hidden, the rest goes to the log.
//!
//! A scribe can be started again for the same step, from the beginning of its output: what the log has already is taken in
//! and not written again, so that commands and masks have the same effect as if nobody had been away.

use std::io;

use deploy::steps::{OutputKind, OutputLine};
use types::{Secret, Timestamp};

use super::commands::{Annotation, Commands, Event, Level};
use super::masks::{MASK, Masker, Masks, TooManySecrets};
use super::step_logs::{ENDED, Entry, StepLogWriter, What};

/// The longest command: what is longer is refused.
pub const LONGEST_COMMAND: usize = 1024 * 1024;

/// The most annotations that one step may make; GitHub shows ten of each kind.
pub const MOST_ANNOTATIONS: usize = 100;

/// Why a step's output cannot be shown any further.
#[derive(Debug, thiserror::Error)]
pub enum ScribeError {
    #[error(transparent)]
    Masks(#[from] TooManySecrets),
    #[error("the step's log cannot be written")]
    Log(#[from] io::Error),
}

/// What the lines of a step have said to whoever carries it out.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// In the old manner, by `::set-output`.
    pub outputs: Vec<(String, String)>,
    pub state: Vec<(String, String)>,
    /// To be hidden in the steps that follow, too.
    pub masks: Vec<Secret>,
    /// With secrets hidden.
    pub annotations: Vec<Annotation>,
    /// Why the step fails, whatever its exit status.
    pub refused: Option<String>,
}

pub struct Scribe {
    commands: Commands,
    masks: Masks,
    masker: Masker,
    log: StepLogWriter,
    /// The beginning of a command that came in pieces.
    begun: Option<String>,
    /// Whether the last piece left its line open.
    is_open: bool,
    /// Up to here, the log has it already.
    known: u64,
    /// How far the output is taken in.
    source: u64,
    said: Said,
    listener: Listener,
}

/// Is told what is in the log, with the place behind it: each entry when it is on disk, and not again after a crash, which
/// may have come just before.
pub type Listener = Box<dyn FnMut(u64, &What) + Send>;

impl Scribe {
    /// `masks` are the secrets that are known from the start.
    #[must_use]
    pub fn new(masks: Masks, log: StepLogWriter, listener: Listener) -> Self {
        let known = log.source();
        Self {
            commands: Commands::default(),
            masks,
            masker: Masker::default(),
            log,
            begun: None,
            is_open: false,
            known,
            source: 0,
            said: Said::default(),
            listener,
        }
    }

    /// Everything that is hidden by now.
    #[must_use]
    pub fn masks(&self) -> &Masks {
        &self.masks
    }

    /// Takes the next line of the output, from its beginning on. `now` says that nothing more is there at the moment, so
    /// that whoever watches is to see what there is.
    pub fn take(&mut self, line: &OutputLine, now: bool) -> Result<(), ScribeError> {
        let ends = line.kind != OutputKind::Piece;
        self.source = line.end;
        if line.kind == OutputKind::Note {
            self.write(line.at, What::Note { text: line.text.clone() })?;
        } else if let Some(begun) = &mut self.begun {
            begun.push_str(&line.text);
            if ends {
                let whole = self.begun.take().unwrap_or_default();
                self.whole(line.at, &whole)?;
            } else if begun.len() > LONGEST_COMMAND {
                self.begun = None;
                self.is_open = true;
                self.refuse(line.at, format!("a command is longer than {LONGEST_COMMAND} bytes"))?;
            }
        } else if self.is_open {
            self.text(line.at, &line.text, ends)?;
        } else if ends {
            self.whole(line.at, &line.text)?;
        } else if line.text.trim_start().starts_with("::") || line.text.contains("##[") {
            self.begun = Some(line.text.clone());
        } else {
            self.text(line.at, &line.text, false)?;
        }
        if self.begun.is_none() && self.masker.is_empty() && self.source > self.known {
            for (place, entry) in self.log.commit(self.source, now)? {
                (self.listener)(place, &entry.what);
            }
        }
        Ok(())
    }

    /// A line of our own.
    pub fn note(&mut self, at: Timestamp, text: &str) -> Result<(), ScribeError> {
        let text = self.masks.hide(text);
        self.tell(at, What::Note { text })
    }

    /// Text of the step's that is no output: lines under a heading of ours.
    pub fn group(&mut self, at: Timestamp, title: &str, text: &str) -> Result<(), ScribeError> {
        self.tell(at, What::Group { title: title.to_owned() })?;
        for line in self.hide(text).lines() {
            self.tell(at, What::Line { text: line.to_owned() })?;
        }
        self.tell(at, What::EndGroup)
    }

    /// The output has ended.
    pub fn finish(mut self, at: Timestamp) -> Result<Said, ScribeError> {
        if let Some(begun) = self.begun.take() {
            self.text(at, &begun, true)?;
        }
        if self.is_open {
            self.text(at, "", true)?;
        }
        for (place, entry) in self.log.finish(at)? {
            (self.listener)(place, &entry.what);
        }
        Ok(self.said)
    }

    fn whole(&mut self, at: Timestamp, line: &str) -> Result<(), ScribeError> {
        let event = self.commands.line(line);
        if let Some(text) = self.commands.deprecation(&event) {
            self.annotate(at, Annotation::plain(Level::Warning, text.to_owned()))?;
        }
        match event {
            Event::Line(text) => self.text(at, &text, true)?,
            Event::Debug(text) => self.write(at, What::Debug { text })?,
            Event::Group(title) => self.write(at, What::Group { title })?,
            Event::EndGroup => self.write(at, What::EndGroup)?,
            Event::Note(text) => self.write(at, What::Note { text })?,
            Event::Annotation(annotation) => self.annotate(at, annotation)?,
            Event::Mask(secret) => {
                self.masks.add(secret.expose())?;
                self.said.masks.push(secret);
                self.write(at, What::Line { text: format!("::add-mask::{MASK}") })?;
            }
            Event::Output { name, value } => self.said.outputs.push((name, value)),
            Event::State { name, value } => self.said.state.push((name, value)),
            Event::Refused(why) => self.refuse(at, why)?,
            Event::Nothing => {}
        }
        Ok(())
    }

    fn refuse(&mut self, at: Timestamp, why: String) -> Result<(), ScribeError> {
        self.annotate(at, Annotation::plain(Level::Error, why.clone()))?;
        self.said.refused.get_or_insert(why);
        Ok(())
    }

    fn annotate(&mut self, at: Timestamp, annotation: Annotation) -> Result<(), ScribeError> {
        let annotation = Annotation {
            message: self.hide(&annotation.message),
            title: annotation.title.as_deref().map(|title| self.hide(title)),
            file: annotation.file.as_deref().map(|file| self.hide(file)),
            ..annotation
        };
        if self.said.annotations.len() < MOST_ANNOTATIONS {
            self.said.annotations.push(annotation.clone());
        }
        self.write(at, What::Annotation(annotation))
    }

    /// Each line by itself: a secret of several is known by its lines.
    fn hide(&self, text: &str) -> String {
        text.split('\n').map(|line| self.masks.hide(line)).collect::<Vec<_>>().join("\n")
    }

    /// Text of the step's own, in the pieces in which it came.
    fn text(&mut self, at: Timestamp, text: &str, ends: bool) -> Result<(), ScribeError> {
        let was_open = std::mem::replace(&mut self.is_open, !ends);
        let shown = self.masker.push(&self.masks, text, ends);
        // A line that is empty is one; an empty rest is not.
        if shown.is_empty() && (was_open || !ends) {
            return Ok(());
        }
        self.append(at, What::Line { text: shown })
    }

    fn write(&mut self, at: Timestamp, what: What) -> Result<(), ScribeError> {
        let what = match what {
            What::Debug { text } => What::Debug { text: self.hide(&text) },
            What::Group { title } => What::Group { title: self.hide(&title) },
            What::Note { text } => What::Note { text: self.hide(&text) },
            other => other,
        };
        self.append(at, what)
    }

    fn append(&mut self, at: Timestamp, what: What) -> Result<(), ScribeError> {
        if self.source > self.known {
            self.tell(at, what)?;
        }
        Ok(())
    }

    fn tell(&mut self, at: Timestamp, what: What) -> Result<(), ScribeError> {
        if self.known < ENDED {
            self.log.append(Entry { at, what })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use deploy::steps::StepKey;
    use types::{RunId, SystemClock};

    use super::super::step_logs::StepLogs;
    use super::*;

    struct Ground {
        logs: StepLogs,
        key: StepKey,
        _directory: tempfile::TempDir,
    }

    fn ground() -> Ground {
        let directory = tempfile::tempdir().unwrap();
        let logs = StepLogs::new(directory.path().to_owned()).unwrap();
        let run = RunId::generate(&SystemClock);
        let key = StepKey { run, leg: "a".to_owned(), step: "b".to_owned(), attempt: 1 };
        Ground { logs, key, _directory: directory }
    }

    impl Ground {
        fn scribe(&self, secrets: &[&str]) -> Scribe {
            let masks = Masks::of(secrets.iter().copied()).unwrap();
            Scribe::new(masks, self.logs.write(&self.key, 1 << 20).unwrap(), Box::new(|_, _| ()))
        }

        async fn log(&self) -> Vec<String> {
            let mut follower = self.logs.follow(&self.key, 0);
            let mut all = Vec::new();
            while let Some(entries) = follower.next().await.unwrap() {
                all.extend(entries.into_iter().map(|(_, entry)| match entry.what {
                    What::Line { text } => text,
                    What::Group { title } => format!("[{title}]"),
                    What::EndGroup => "[]".to_owned(),
                    What::Annotation(it) => format!("{:?}: {}", it.level, it.message),
                    What::Note { text } | What::Debug { text } => format!("({text})"),
                }));
            }
            all
        }
    }

    fn lines(texts: &[(OutputKind, &str)]) -> Vec<OutputLine> {
        let mut end = 0;
        let line = |(kind, text): &(OutputKind, &str)| {
            end += text.len() as u64 + 1;
            OutputLine { end, at: Timestamp::UNIX_EPOCH, kind: *kind, text: (*text).to_owned() }
        };
        texts.iter().map(line).collect()
    }

    const LINE: OutputKind = OutputKind::Line;
    const PIECE: OutputKind = OutputKind::Piece;

    #[tokio::test]
    async fn what_is_said_is_taken_out_and_secrets_are_hidden() {
        let ground = ground();
        let mut scribe = ground.scribe(&["hunter2"]);
        for line in lines(&[
            (LINE, "::group::with hunter2"),
            (LINE, "plain hunter2"),
            (LINE, ""),
            (LINE, "::endgroup::"),
            (LINE, "::add-mask::swordfish"),
            (LINE, "a swordfish"),
            (LINE, "::error file=a.rs,line=3::no swordfish here"),
            (LINE, "::set-output name=x::1"),
            (OutputKind::Note, "the output is longer"),
        ]) {
            scribe.take(&line, true).unwrap();
        }
        let said = scribe.finish(Timestamp::UNIX_EPOCH).unwrap();
        let log = ground.log().await;
        assert_eq!(log[..5], ["[with ***]", "plain ***", "", "[]", "::add-mask::***"]);
        assert_eq!(log[5..7], ["a ***", "Error: no *** here"]);
        assert!(log[7].starts_with("Warning: `::set-output`"), "{log:?}");
        assert_eq!(log[8..], ["(the output is longer)"]);
        assert_eq!(said.outputs, [("x".to_owned(), "1".to_owned())]);
        assert_eq!(said.masks, [Secret::new("swordfish".to_owned())]);
        assert_eq!(said.annotations[0].message, "no *** here");
        assert_eq!((said.annotations[0].line, said.refused), (Some(3), None));
    }

    #[tokio::test]
    async fn a_secret_and_a_command_may_come_in_pieces() {
        let ground = ground();
        let mut scribe = ground.scribe(&["hunter2"]);
        for line in lines(&[
            (PIECE, "it is hun"),
            (PIECE, "ter2 and hun"),
            (LINE, "ting"),
            (PIECE, "::set-output name=x::on"),
            (LINE, "e"),
            (PIECE, "open hunt"),
        ]) {
            scribe.take(&line, false).unwrap();
        }
        let said = scribe.finish(Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(said.outputs, [("x".to_owned(), "one".to_owned())]);
        let log = ground.log().await;
        let text: String =
            log.iter().filter(|text| !text.starts_with("Warning")).cloned().collect();
        assert_eq!(text, "it is *** and huntingopen hunt");
    }

    #[tokio::test]
    async fn after_a_crash_nothing_is_written_twice_and_masks_still_hold() {
        let ground = ground();
        let all = lines(&[
            (LINE, "::add-mask::swordfish"),
            (LINE, "one"),
            (LINE, "two"),
            (LINE, "a swordfish"),
            (LINE, "::stop-commands::x1"),
            (LINE, "::error::plain"),
        ]);
        for upto in 0..all.len() {
            let mut scribe = ground.scribe(&[]);
            for line in &all[..=upto] {
                scribe.take(line, true).unwrap();
            }
        }
        let mut scribe = ground.scribe(&[]);
        for line in &all {
            scribe.take(line, true).unwrap();
        }
        scribe.note(Timestamp::UNIX_EPOCH, "the end").unwrap();
        let said = scribe.finish(Timestamp::UNIX_EPOCH).unwrap();
        let expected = ["::add-mask::***", "one", "two", "a ***", "::error::plain", "(the end)"];
        assert_eq!(ground.log().await, expected);
        assert_eq!(said.masks, [Secret::new("swordfish".to_owned())]);
        // Its end was not recorded: all of it is taken in once more.
        let mut scribe = ground.scribe(&[]);
        for line in &all {
            scribe.take(line, true).unwrap();
        }
        scribe.note(Timestamp::UNIX_EPOCH, "the end").unwrap();
        assert_eq!(scribe.finish(Timestamp::UNIX_EPOCH).unwrap(), said);
        assert_eq!(ground.log().await, expected);
    }

    #[test]
    fn a_listener_hears_what_is_on_disk_and_where() {
        let ground = ground();
        let (heard, told) = std::sync::mpsc::channel();
        let listener = move |place, what: &What| heard.send((place, what.clone())).unwrap();
        let log = ground.logs.write(&ground.key, 1 << 20).unwrap();
        let mut scribe = Scribe::new(Masks::default(), log, Box::new(listener));
        for (line, now) in
            lines(&[(LINE, "one"), (LINE, "two"), (LINE, "three")]).iter().zip([false, true, false])
        {
            scribe.take(line, now).unwrap();
        }
        let on_disk = ground.logs.read(&ground.key, 0).read().unwrap();
        let on_disk: Vec<_> = on_disk.into_iter().map(|(place, it)| (place, it.what)).collect();
        assert_eq!(told.try_iter().collect::<Vec<_>>(), on_disk);
        assert_eq!(on_disk.len(), 2);
        scribe.finish(Timestamp::UNIX_EPOCH).unwrap();
        assert_eq!(told.try_iter().count(), 1);
    }

    #[tokio::test]
    async fn what_may_not_be_asked_for_fails_the_step() {
        let ground = ground();
        let mut scribe = ground.scribe(&[]);
        for line in lines(&[(LINE, "::set-env name=A::1")]) {
            scribe.take(&line, true).unwrap();
        }
        let said = scribe.finish(Timestamp::UNIX_EPOCH).unwrap();
        assert!(said.refused.unwrap().contains("GITHUB_ENV"));
    }
}
