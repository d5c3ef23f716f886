//! The words of a line, each with its place.

use document::{Mistake, Place};
use jiff::SignedDuration;
use workflow::language;

/// A line that is read word by word. Text in quotes is one word; a comma is a word of its own.
#[derive(Debug)]
pub(super) struct Line<'a> {
    file: &'a str,
    number: usize,
    text: &'a str,
    words: Vec<Word>,
    next: usize,
}

/// From and to which byte of the line it stands.
#[derive(Debug, Clone, Copy)]
struct Word {
    start: usize,
    end: usize,
}

impl<'a> Line<'a> {
    pub(super) fn new(file: &'a str, number: usize, text: &'a str) -> Result<Self, Mistake> {
        let mut line = Self { file, number, text, words: Vec::new(), next: 0 };
        let (mut start, mut quoted) = (None, false);
        for (at, char) in text.char_indices() {
            match char {
                '"' => {
                    quoted = !quoted;
                    start.get_or_insert(at);
                }
                _ if quoted => {}
                '#' if start.is_none() => return Ok(line),
                char if char.is_whitespace() => line.add(&mut start, at),
                ',' => {
                    line.add(&mut start, at);
                    line.words.push(Word { start: at, end: at + 1 });
                }
                _ => {
                    start.get_or_insert(at);
                }
            }
        }
        if quoted {
            let message = "a quote is not closed";
            return Err(Mistake::new(file, line.place(start.unwrap_or_default()), message));
        }
        line.add(&mut start, text.len());
        Ok(line)
    }

    fn add(&mut self, start: &mut Option<usize>, end: usize) {
        self.words.extend(start.take().map(|start| Word { start, end }));
    }

    pub(super) fn number(&self) -> usize {
        self.number
    }

    /// All of it, without a comment.
    pub(super) fn text(&self) -> &'a str {
        self.slice(0, self.words.len())
    }

    fn slice(&self, from: usize, to: usize) -> &'a str {
        match self.words.get(from..to) {
            Some([first, .., last]) => &self.text[first.start..last.end],
            Some([only]) => &self.text[only.start..only.end],
            _ => "",
        }
    }

    /// The next word; nothing at the end of the line.
    pub(super) fn peek(&self) -> &'a str {
        self.slice(self.next, self.next + 1)
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.next == self.words.len()
    }

    /// Goes on behind the next word if it is this one.
    pub(super) fn take(&mut self, word: &str) -> bool {
        let taken = self.peek() == word;
        self.next += usize::from(taken);
        taken
    }

    pub(super) fn must(&mut self, word: &str) -> Result<(), Mistake> {
        if self.take(word) { Ok(()) } else { Err(self.missing(&format!("'{word}'"))) }
    }

    pub(super) fn word(&mut self, what: &str) -> Result<&'a str, Mistake> {
        if self.is_at_end() {
            return Err(self.missing(what));
        }
        self.next += 1;
        Ok(unquoted(self.slice(self.next - 1, self.next)))
    }

    /// The text before the first of these words, or before the end: a name may have spaces and commas.
    pub(super) fn until(&mut self, stops: &[&str], what: &str) -> Result<&'a str, Mistake> {
        let from = self.next;
        while !self.is_at_end() && !stops.contains(&self.peek()) {
            self.next += 1;
        }
        match self.slice(from, self.next) {
            "" => Err(self.missing(what)),
            text => Ok(unquoted(text)),
        }
    }

    /// Names with commas between.
    pub(super) fn names(&mut self, what: &str) -> Result<Vec<String>, Mistake> {
        let mut names = vec![self.word(what)?.to_owned()];
        while self.take(",") {
            names.push(self.word(what)?.to_owned());
        }
        Ok(names)
    }

    /// `name=value`s with commas between.
    pub(super) fn pairs(&mut self, stops: &[&str]) -> Result<Vec<(String, String)>, Mistake> {
        let mut pairs = Vec::new();
        loop {
            let here = self.next;
            let stops = [stops, &[","]].concat();
            let text = self.until(&stops, "a NAME=VALUE")?;
            let Some((name, value)) = text.split_once('=').filter(|(name, _)| !name.is_empty())
            else {
                self.next = here;
                let message =
                    format!("'{text}' is no NAME=VALUE; a value with commas stands in quotes");
                return Err(self.mistake(message));
            };
            pairs.push((name.trim().to_owned(), unquoted(value.trim()).to_owned()));
            if !self.take(",") {
                return Ok(pairs);
            }
        }
    }

    pub(super) fn duration(&mut self) -> Result<SignedDuration, Mistake> {
        let text = self.word("a time like 90s, 30m or 72h")?;
        let read = language::parse_duration(text).map_err(|words| self.before(words))?;
        SignedDuration::try_from(read).map_err(|_| self.before(format!("'{text}' is too long")))
    }

    pub(super) fn count(&mut self, what: &str) -> Result<u32, Mistake> {
        let text = self.word(what)?;
        let wrong = || self.before(format!("'{text}' is no {what}"));
        text.parse().ok().filter(|count| *count > 0).ok_or_else(wrong)
    }

    /// What follows, word for word.
    pub(super) fn rest(&mut self, what: &str) -> Result<String, Mistake> {
        self.until(&[], what).map(str::to_owned)
    }

    pub(super) fn end(&self) -> Result<(), Mistake> {
        if self.is_at_end() {
            return Ok(());
        }
        Err(self.mistake(format!("'{}' cannot stand here", self.peek())))
    }

    pub(super) fn missing(&self, what: &str) -> Mistake {
        match self.peek() {
            "" => self.mistake(format!("{what} is missing at the end of the line")),
            word => self.mistake(format!("{what} is missing before '{word}'")),
        }
    }

    /// At the next word.
    pub(super) fn mistake(&self, message: impl Into<String>) -> Mistake {
        let at = self.words.get(self.next).map_or(self.text.trim_end().len(), |word| word.start);
        Mistake::new(self.file, self.place(at), message)
    }

    /// At the word that was read last.
    pub(super) fn before(&self, message: impl Into<String>) -> Mistake {
        let word = self.next.checked_sub(1).and_then(|last| self.words.get(last));
        Mistake::new(self.file, self.place(word.map_or(0, |word| word.start)), message)
    }

    /// At its beginning.
    pub(super) fn whole(&self, message: impl Into<String>) -> Mistake {
        let start = self.words.first().map_or(0, |word| word.start);
        Mistake::new(self.file, self.place(start), message)
    }

    fn place(&self, byte: usize) -> Place {
        Place { line: self.number, column: self.text[..byte].chars().count() + 1 }
    }
}

fn unquoted(text: &str) -> &str {
    let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    inner.filter(|inner| !inner.contains('"')).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> Line<'_> {
        Line::new("a.scenario", 7, text).unwrap()
    }

    #[test]
    fn a_line_is_read_word_by_word() {
        let mut read = line("  job build (linux, 18) fails after 1h30m # it is slow");
        assert!(read.take("job"));
        assert_eq!(read.until(&["fails"], "a job"), Ok("build (linux, 18)"));
        assert!(read.take("fails") && read.take("after"));
        assert_eq!(read.duration(), Ok(SignedDuration::from_mins(90)));
        assert_eq!(read.end(), Ok(()));
    }

    #[test]
    fn values_may_hold_spaces_and_commas() {
        let mut read = line(r#"with note="a, b", who=the whole team, at=x=y by"#);
        read.must("with").unwrap();
        let pairs = read.pairs(&["by"]).unwrap();
        let expected = [("note", "a, b"), ("who", "the whole team"), ("at", "x=y")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(pairs, expected);
    }

    #[test]
    fn mistakes_have_their_place() {
        let at = |mistake: Mistake| mistake.to_string();
        assert_eq!(
            at(line("after soon").tap(|line| line.duration().unwrap_err())),
            "a.scenario:7:7: 'soon' is no duration: write '10s', '5m', '72h'"
        );
        let mut short = line("approve prod");
        short.until(&["as"], "what").unwrap();
        assert_eq!(
            at(short.must("as").unwrap_err()),
            "a.scenario:7:13: 'as' is missing at the end of the line"
        );
        let open = Line::new("a.scenario", 7, "approve \"prod").unwrap_err();
        assert_eq!(at(open), "a.scenario:7:9: a quote is not closed");
    }

    impl<'a> Line<'a> {
        /// Behind the first word.
        fn tap<T>(mut self, read: impl FnOnce(&mut Self) -> T) -> T {
            self.next = 1;
            read(&mut self)
        }
    }
}
