//! A file that is being read, and what was found wrong with it and with all the others so far.

use std::cell::{Cell, RefCell};

use document::{Mistake, Place};

use super::keys::Refusal;
use super::origin::Origin;
use super::sources::{Found, Sources, Wanted};

/// More mistakes are counted, not listed.
const MAX_MISTAKES: usize = 100;
/// Files that one workflow may lead to.
const MAX_FILES: usize = 200;
/// Text of all files, counted as often as each is used: what a run stores stays below that.
const MAX_BYTES: usize = 4 << 20;
/// Steps of all files, counted the same way.
const MAX_STEPS: usize = 10_000;
/// Workflows inside workflows, as on GitHub, and actions inside actions.
pub(super) const MAX_DEPTH: usize = 10;

/// What all files of one workflow share.
pub(super) struct Shared<'a> {
    pub(super) sources: &'a Sources,
    pub(super) findings: RefCell<Findings>,
    bytes: Cell<usize>,
    steps: Cell<usize>,
    /// It is too large already: nothing more is read.
    is_full: Cell<bool>,
}

#[derive(Default)]
pub(super) struct Findings {
    pub(super) mistakes: Vec<Mistake>,
    pub(super) more_mistakes: usize,
    pub(super) warnings: Vec<Mistake>,
    /// Of each mistake about something that GitHub has and Solum does not: its name in the documentation.
    pub(super) refused: Vec<String>,
    pub(super) wanted: Vec<Wanted>,
    pub(super) secrets: Vec<SecretUse>,
}

/// A secret that expressions name, and the first place that does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecretUse {
    pub name: String,
    pub file: String,
    pub at: Place,
}

impl<'a> Shared<'a> {
    pub(super) fn new(sources: &'a Sources) -> Self {
        Self {
            sources,
            findings: RefCell::default(),
            bytes: Cell::new(0),
            steps: Cell::new(0),
            is_full: Cell::new(false),
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.is_full.get()
    }
}

/// One file, and the files that led to it.
#[derive(Clone, Copy)]
pub(super) struct Page<'a> {
    pub(super) file: &'a str,
    pub(super) origin: &'a Origin,
    pub(super) shared: &'a Shared<'a>,
    above: Option<&'a Page<'a>>,
    depth: usize,
}

impl<'a> Page<'a> {
    pub(super) fn first(file: &'a str, shared: &'a Shared<'a>) -> Self {
        Self { file, origin: &Origin::Run, shared, above: None, depth: 0 }
    }

    /// The page of a file that this one leads to at `at`, unless it leads to itself or too deep.
    pub(super) fn below<'b>(
        &'b self,
        file: &'b str,
        origin: &'b Origin,
        at: Place,
    ) -> Option<Page<'b>>
    where
        'a: 'b,
    {
        let mut path = vec![file];
        let mut page = Some(self);
        while let Some(current) = page {
            path.push(current.file);
            if current.file == file && current.origin == origin {
                path.reverse();
                self.mistake(at, format!("this leads back to itself: {}", path.join(" → ")));
                return None;
            }
            page = current.above;
        }
        if self.depth == MAX_DEPTH {
            self.mistake(at, format!("files lead to files deeper than {MAX_DEPTH}"));
            return None;
        }
        let depth = self.depth + 1;
        Some(Page { file, origin, shared: self.shared, above: Some(self), depth })
    }

    /// A file that this one leads to, or nothing when it is still wanted.
    pub(super) fn source(&self, at: Place, wanted: Wanted) -> Option<&'a Found> {
        if self.shared.is_full() {
            return None;
        }
        if let Some(found) = self.shared.sources.get(&wanted) {
            if let Found::File { text, .. } = found {
                let most = format!("is larger than {} MiB", MAX_BYTES >> 20);
                self.count(at, &self.shared.bytes, text.len(), MAX_BYTES, &most)?;
            }
            return Some(found);
        }
        let list = &mut self.shared.findings.borrow_mut().wanted;
        if !list.contains(&wanted) && list.len() < MAX_FILES {
            list.push(wanted);
        }
        None
    }

    pub(super) fn mistake(&self, at: Place, message: impl Into<String>) {
        let findings = &mut self.shared.findings.borrow_mut();
        if findings.mistakes.len() < MAX_MISTAKES {
            findings.mistakes.push(Mistake::new(&self.origin.shown(self.file), at, message));
        } else {
            findings.more_mistakes += 1;
        }
    }

    /// Steps that are read at `at`, unless they are too many with all that were before.
    pub(super) fn count_steps(&self, at: Place, steps: usize) -> Option<()> {
        let most = format!("has more than {MAX_STEPS} steps");
        self.count(at, &self.shared.steps, steps, MAX_STEPS, &most)
    }

    fn count(
        &self,
        at: Place,
        count: &Cell<usize>,
        more: usize,
        most: usize,
        what: &str,
    ) -> Option<()> {
        count.set(count.get() + more);
        if count.get() <= most {
            return Some(());
        }
        if !self.shared.is_full.replace(true) {
            self.mistake(at, format!("with all that it uses the workflow {what}"));
        }
        None
    }

    pub(super) fn warn(&self, at: Place, message: impl Into<String>) {
        self.warn_of(&self.origin.shown(self.file), at, message);
    }

    /// A warning about a place of another file.
    pub(super) fn warn_of(&self, file: &str, at: Place, message: impl Into<String>) {
        let warnings = &mut self.shared.findings.borrow_mut().warnings;
        if warnings.len() < MAX_MISTAKES {
            warnings.push(Mistake::new(file, at, message));
        }
    }

    /// An expression at `at` names a secret.
    pub(super) fn secret(&self, name: &str, at: Place) {
        self.add_secret(SecretUse { name: name.to_owned(), file: self.file.to_owned(), at });
    }

    pub(super) fn add_secret(&self, secret: SecretUse) {
        let secrets = &mut self.shared.findings.borrow_mut().secrets;
        if !secrets.iter().any(|known| known.name.eq_ignore_ascii_case(&secret.name)) {
            secrets.push(secret);
        }
    }

    /// Reads with `read`, and gives the secrets that it named beside those that were named before.
    pub(super) fn apart<T>(&self, read: impl FnOnce() -> T) -> (T, Vec<SecretUse>) {
        let before = std::mem::take(&mut self.shared.findings.borrow_mut().secrets);
        let result = read();
        let found = std::mem::replace(&mut self.shared.findings.borrow_mut().secrets, before);
        (result, found)
    }

    /// A mistake about something that GitHub has.
    pub(super) fn refuse(&self, at: Place, what: impl Into<String>, message: impl Into<String>) {
        self.shared.findings.borrow_mut().refused.push(what.into());
        self.mistake(at, message);
    }

    pub(super) fn refuse_thing(&self, at: Place, given: &str, refusal: &Refusal) {
        let message = format!("GitHub has '{given}', Solum does not: {}", refusal.instead);
        self.refuse(at, refusal.what, message);
    }
}
