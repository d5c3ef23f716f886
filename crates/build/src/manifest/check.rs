//! A tree against the table of keys.

use super::keys::{Key, Kind, LATER_CHOICES};
use super::{SOLUM_YAML, scalars};
use document::{Entry, Node, Scalar, Value};
use document::{Mistake, Place, suggestion};

/// More than this many mistakes are not listed: somebody pushed something that is no manifest.
const MAX_MISTAKES: usize = 20;

/// Everything about `node` that `kind` does not allow.
pub(super) fn check(node: &Node, kind: &Kind) -> Vec<Mistake> {
    let mut checker = Checker { mistakes: Vec::new() };
    checker.node(node, kind);
    checker.mistakes.sort_by_key(|mistake| mistake.at);
    checker.mistakes.truncate(MAX_MISTAKES);
    checker.mistakes
}

struct Checker {
    mistakes: Vec<Mistake>,
}

impl Checker {
    fn mistake(&mut self, at: Place, message: impl Into<String>) {
        self.mistakes.push(Mistake::new(SOLUM_YAML, at, message));
    }

    fn node(&mut self, node: &Node, kind: &Kind) {
        match (kind, &node.value) {
            (Kind::Keys(keys), Value::Map(entries)) => self.keys(entries, keys),
            (Kind::Map { names, values, at_least, at_most }, Value::Map(entries)) => {
                self.map(node, entries, *at_least, *at_most);
                for entry in entries {
                    let name = Scalar { text: entry.key.clone(), quoted: true };
                    if let Err(message) = (names.check)(&name) {
                        self.mistake(entry.at, message);
                    }
                    self.value(entry, values);
                }
            }
            (Kind::List(items), Value::List(nodes)) => {
                for item in nodes {
                    self.node(item, items);
                }
            }
            (Kind::Word(word), Value::Scalar(scalar)) => {
                if let Err(message) = (word.check)(scalar) {
                    self.mistake(node.at, message);
                }
            }
            (Kind::Choice(words), Value::Scalar(scalar)) => self.choice(node.at, scalar, words),
            (Kind::Either(kinds), _) => match kinds.iter().find(|kind| fits(node, kind)) {
                Some(kind) => self.node(node, kind),
                None => self.wrong_type(node, kind),
            },
            _ => self.wrong_type(node, kind),
        }
    }

    fn map(&mut self, node: &Node, entries: &[Entry], at_least: usize, at_most: usize) {
        match entries.get(at_most) {
            Some(extra) => self.mistake(extra.at, format!("there are more than {at_most} here")),
            None if entries.len() < at_least => {
                self.mistake(node.at, "name at least one, or leave the key out");
            }
            None => {}
        }
    }

    fn keys(&mut self, entries: &[Entry], keys: &[Key]) {
        for entry in entries {
            match keys.iter().find(|key| key.name == entry.key) {
                Some(Key { kind: Kind::Later, name, .. }) => {
                    self.mistake(
                        entry.at,
                        format!("'{name}' is not supported by this version yet"),
                    );
                }
                Some(key) => self.value(entry, &key.kind),
                None => {
                    let known = keys
                        .iter()
                        .filter(|key| !matches!(key.kind, Kind::Later))
                        .map(|key| key.name);
                    let mend = suggestion(&entry.key, keys.iter().map(|key| key.name));
                    let mend = match mend.is_empty() {
                        false => mend,
                        true if known.clone().next().is_none() => {
                            "; nothing may stand here".to_owned()
                        }
                        true => format!("; known here: {}", known.collect::<Vec<_>>().join(", ")),
                    };
                    self.mistake(entry.at, format!("unknown key '{}'{mend}", entry.key));
                }
            }
        }
    }

    /// A key whose value was left out counts as a key that was left out.
    fn value(&mut self, entry: &Entry, kind: &Kind) {
        let is_variable = matches!(kind, Kind::Word(word) if std::ptr::eq(*word, &scalars::VALUE));
        match entry.node.value {
            Value::Null if is_variable => self.mistake(
                entry.at,
                format!("'{}' has no value; write \"\" for an empty one", entry.key),
            ),
            Value::Null => {}
            _ => self.node(&entry.node, kind),
        }
    }

    fn choice(&mut self, at: Place, scalar: &Scalar, words: &[&str]) {
        if words.contains(&scalar.text.as_str()) || (words == ["off"] && scalar.text == "false") {
            return;
        }
        let message = if LATER_CHOICES.contains(&scalar.text.as_str()) {
            format!("'{}' is not supported by this version yet", scalar.text)
        } else {
            let mend = suggestion(&scalar.text, words.iter().copied());
            format!("'{}' is none of {}{mend}", scalar.text, words.join(", "))
        };
        self.mistake(at, message);
    }

    fn wrong_type(&mut self, node: &Node, kind: &Kind) {
        self.mistake(node.at, format!("this has to be {}, not {}", expects(kind), node.kind()));
    }
}

/// Whether the value has the shape, right or wrong, that the kind is about.
fn fits(node: &Node, kind: &Kind) -> bool {
    match (kind, &node.value) {
        (Kind::Either(kinds), _) => kinds.iter().any(|kind| fits(node, kind)),
        (Kind::Choice(["off"]), Value::Scalar(scalar)) => {
            scalar.text == "off" || (scalar.text == "false" && !scalar.quoted)
        }
        (Kind::Choice(_) | Kind::Word(_), Value::Scalar(_))
        | (Kind::List(_), Value::List(_))
        | (Kind::Keys(_) | Kind::Map { .. }, Value::Map(_)) => true,
        _ => false,
    }
}

fn expects(kind: &Kind) -> String {
    match kind {
        Kind::Word(word) => word.expects.to_owned(),
        Kind::Choice(words) => words.join(" or "),
        Kind::List(items) => format!("a list (of {} each)", expects(items)),
        Kind::Map { names, .. } => format!("a mapping (from {})", names.expects),
        Kind::Keys(_) => "a mapping".to_owned(),
        Kind::Either(kinds) => kinds.iter().map(expects).collect::<Vec<_>>().join(" or "),
        Kind::Later => "left out".to_owned(),
    }
}
