//! Mappings: their keys, looked up in the table of keys.

use document::{Entry, Node, Place, Value, suggestion};

use super::keys::{MAPPING_EXPRESSION, Section, Support};
use super::page::Page;

pub(super) const NO_MERGE: &str = "GitHub does not merge mappings by '<<': write the keys out";

impl Page<'_> {
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
                Some(_) if entry.node.value == Value::Null => {
                    self.warn(
                        entry.at,
                        format!("'{}' has no value, as if it were not there", entry.key),
                    );
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
                self.refuse_thing(node.at, &scalar.text, &MAPPING_EXPRESSION);
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
}

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

    /// The value under `key`, unless it is null.
    pub(super) fn get(&self, key: &str) -> Option<&'n Node> {
        let node = self.entry(key).map(|entry| &entry.node)?;
        (node.value != Value::Null).then_some(node)
    }

    pub(super) fn entries(&self) -> &'n [Entry] {
        self.entries
    }
}
