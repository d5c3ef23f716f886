//! A file that is being read, and what was found wrong with it and with all the others so far.

use std::cell::{Cell, RefCell};

use document::{Entry, Mistake, Node, Place, Scalar, Value, suggestion};

use super::definition::{Origin, Template, Variables};
use super::keys::{Refusal, Section, Support};
use super::scalars;
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
            findings.mistakes.push(Mistake::new(self.file, at, message));
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
        self.warn_of(self.file, at, message);
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

    /// The fields of a mapping whose keys are those of `section`.
    pub(super) fn fields<'n>(
        &self,
        node: &'n Node,
        section: &'static Section,
    ) -> Option<Fields<'n>> {
        self.fields_but(node, section, |key, at| self.unknown(section, key, at))
    }

    /// The same where GitHub lets other keys stand too.
    pub(super) fn loose_fields<'n>(
        &self,
        node: &'n Node,
        section: &'static Section,
    ) -> Option<Fields<'n>> {
        self.fields_but(node, section, |key, at| {
            let known = section.keys.iter().map(|key| key.name);
            self.warn(at, format!("'{key}' means nothing here{}", suggestion(key, known)));
        })
    }

    fn fields_but<'n>(
        &self,
        node: &'n Node,
        section: &'static Section,
        unknown: impl Fn(&str, Place),
    ) -> Option<Fields<'n>> {
        let entries = self.entries(node)?;
        for entry in entries {
            match section.key(&entry.key).map(|key| key.support) {
                Some(Support::Refused(instead)) => {
                    let what = section.path(&entry.key);
                    let key = &entry.key;
                    let message = format!("GitHub has '{key}' here, Solum does not: {instead}");
                    self.refuse(entry.at, what, message);
                }
                Some(_) => {}
                None => unknown(&entry.key, entry.at),
            }
        }
        Some(Fields { entries, section, at: node.at })
    }

    pub(super) fn unknown(&self, section: &Section, key: &str, at: Place) {
        if key == "<<" {
            return self.mistake(at, NO_MERGE);
        }
        let known = section.keys.iter().filter(|key| !matches!(key.support, Support::Refused(_)));
        let known: Vec<_> = known.map(|key| key.name).collect();
        let mut hint = suggestion(key, known.iter().copied());
        if hint.is_empty() {
            hint = format!("; what can stand here: {}", known.join(", "));
        }
        self.mistake(at, format!("unknown key '{key}'{hint}"));
    }

    /// The entries of a mapping with keys of its own; an expression in its place is refused.
    pub(super) fn entries<'n>(&self, node: &'n Node) -> Option<&'n [Entry]> {
        match &node.value {
            Value::Map(entries) => {
                self.check_twins(entries);
                Some(entries)
            }
            Value::Scalar(scalar) if scalar.text.contains("${{") => {
                self.refuse_thing(node.at, &scalar.text, &super::keys::MAPPING_EXPRESSION);
                None
            }
            _ => {
                self.mistake(node.at, format!("a mapping is wanted here, not {}", node.kind()));
                None
            }
        }
    }

    /// Names are the same to GitHub whatever their case.
    fn check_twins(&self, entries: &[Entry]) {
        for (index, entry) in entries.iter().enumerate() {
            let twin = entries[..index]
                .iter()
                .find(|other| other.key != entry.key && other.key.eq_ignore_ascii_case(&entry.key));
            if let Some(twin) = twin {
                let (key, twin) = (&entry.key, &twin.key);
                self.mistake(entry.at, format!("'{key}' and '{twin}' differ only in their case"));
            }
        }
    }

    /// Text, which may hold expressions. Nothing at all is empty text.
    pub(super) fn template(&self, node: &Node) -> Option<Template> {
        let text = match &node.value {
            Value::Null => String::new(),
            Value::Scalar(scalar) => {
                self.warn_changed(node.at, scalar);
                scalars::text(scalar)
            }
            Value::List(_) | Value::Map(_) => {
                self.mistake(node.at, format!("text is wanted here, not {}", node.kind()));
                return None;
            }
        };
        Some(Template { text, at: node.at })
    }

    /// Of a number that GitHub, too, would read as another text than what was written.
    pub(super) fn warn_changed(&self, at: Place, scalar: &Scalar) {
        if scalars::is_changed(scalar) {
            let (written, read) = (&scalar.text, scalars::text(scalar));
            let mend = format!("if the text is meant, write '\"{written}\"'");
            self.warn(at, format!("{written} is the number {read}: {mend}"));
        }
    }

    /// Text that stands by itself: no expression is evaluated there.
    pub(super) fn word<'n>(&self, node: &'n Node) -> Option<&'n str> {
        let Some(text) = node.text().filter(|text| !text.is_empty()) else {
            self.mistake(node.at, format!("text is wanted here, not {}", node.kind()));
            return None;
        };
        if text.contains("${{") {
            self.mistake(node.at, "no expression can stand here: it is read before anything runs");
            return None;
        }
        Some(text)
    }

    /// A word, or a list of them.
    pub(super) fn words(&self, node: &Node) -> Vec<(String, Place)> {
        let one = std::slice::from_ref(node);
        let items = if let Value::List(items) = &node.value { items } else { one };
        let words = items.iter().filter_map(|item| Some((self.word(item)?.to_owned(), item.at)));
        words.collect()
    }

    /// `true` or `false`, written out.
    pub(super) fn truth(&self, node: &Node) -> Option<bool> {
        let value = match &node.value {
            Value::Scalar(scalar) => scalars::typed(scalar).as_bool(),
            _ => None,
        };
        if value.is_none() {
            self.mistake(node.at, format!("'true' or 'false' is wanted here, not {}", node.kind()));
        }
        value
    }

    /// `true`, `false`, or an expression that gives one of them.
    pub(super) fn switch(&self, node: &Node) -> Option<Template> {
        let template = self.template(node)?;
        let is_fine = matches!(template.text.as_str(), "true" | "false");
        if !is_fine && !template.text.contains("${{") {
            let kind = node.kind();
            self.mistake(
                node.at,
                format!("'true', 'false' or an expression is wanted here, not {kind}"),
            );
        }
        Some(template)
    }

    /// A number above zero, or an expression that gives one.
    pub(super) fn amount(&self, node: &Node) -> Option<Template> {
        let template = self.template(node)?;
        let is_fine = template.text.parse::<f64>().is_ok_and(|number| number > 0.0);
        if !is_fine && !template.text.contains("${{") {
            let text = &template.text;
            self.mistake(node.at, format!("a number above 0 is wanted here, not '{text}'"));
        }
        Some(template)
    }

    /// Names with a text each: `env`, `with`, `outputs`, `secrets`.
    pub(super) fn variables(&self, node: &Node) -> Variables {
        let entries = self.entries(node).unwrap_or_default();
        let mut variables = Variables::new();
        for entry in entries {
            if entry.key == "<<" {
                self.mistake(entry.at, NO_MERGE);
            }
            if let Some(template) = self.template(&entry.node) {
                variables.push((entry.key.clone(), template));
            }
        }
        variables
    }
}

const NO_MERGE: &str = "GitHub does not merge mappings by '<<': write the keys out";

/// A mapping whose keys have been looked at.
pub(super) struct Fields<'n> {
    entries: &'n [Entry],
    section: &'static Section,
    pub(super) at: Place,
}

impl<'n> Fields<'n> {
    pub(super) fn entry(&self, key: &str) -> Option<&'n Entry> {
        debug_assert!(self.section.key(key).is_some(), "{} has no '{key}'", self.section.name);
        self.entries.iter().find(|entry| entry.key == key)
    }

    pub(super) fn get(&self, key: &str) -> Option<&'n Node> {
        self.entry(key).map(|entry| &entry.node)
    }

    pub(super) fn entries(&self) -> &'n [Entry] {
        self.entries
    }
}
