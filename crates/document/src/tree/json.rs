//! JSON into a [`Node`]. `serde_json` reads it, one level at a time, and leaves the levels below as slices of
//! the text: where such a slice begins is the value's place.

use std::fmt;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{Entry, MAX_DEPTH, MAX_NODES, Node, Scalar, Value};
use crate::mistake::{Mistake, Place};

pub(super) fn read(file: &str, text: &str) -> Result<Node, Mistake> {
    let root: &RawValue = serde_json::from_str(text).map_err(|error| {
        let at = Place { line: error.line().max(1), column: error.column().max(1) };
        let message = error.to_string();
        let message = message.split(" at line ").next().unwrap_or_default();
        Mistake::new(file, at, format!("not valid JSON: {message}"))
    })?;
    Reader { file, text, nodes: 0 }.node(root.get(), 0)
}

struct Reader<'a> {
    file: &'a str,
    text: &'a str,
    nodes: usize,
}

impl Reader<'_> {
    fn node(&mut self, raw: &str, depth: usize) -> Result<Node, Mistake> {
        let at = self.place(raw);
        self.nodes += 1;
        if depth > MAX_DEPTH || self.nodes > MAX_NODES {
            let message = format!(
                "the file holds more than {MAX_NODES} values or nests them deeper than {MAX_DEPTH}"
            );
            return Err(Mistake::new(self.file, at, message));
        }
        let value = match raw.as_bytes().first() {
            Some(b'{') => self.map(raw, depth)?,
            Some(b'[') => self.list(raw, depth)?,
            Some(b'"') => {
                let text = self.parse(raw)?;
                Value::Scalar(Scalar { text, quoted: true })
            }
            Some(b'n') => Value::Null,
            _ => Value::Scalar(Scalar { text: raw.to_owned(), quoted: false }),
        };
        Ok(Node { at, value })
    }

    fn map(&mut self, raw: &str, depth: usize) -> Result<Value, Mistake> {
        let Pairs(pairs) = self.parse(raw)?;
        let mut entries: Vec<Entry> = Vec::new();
        for (key, raw) in pairs {
            let node = self.node(raw.get(), depth + 1)?;
            if entries.iter().any(|entry| entry.key == key) {
                let message = format!("'{key}' stands here a second time");
                return Err(Mistake::new(self.file, node.at, message));
            }
            entries.push(Entry { key, at: node.at, node });
        }
        Ok(Value::Map(entries))
    }

    fn list(&mut self, raw: &str, depth: usize) -> Result<Value, Mistake> {
        let items: Vec<&RawValue> = self.parse(raw)?;
        let items = items.into_iter().map(|raw| self.node(raw.get(), depth + 1));
        Ok(Value::List(items.collect::<Result<_, _>>()?))
    }

    fn parse<'raw, T: serde::Deserialize<'raw>>(&self, raw: &'raw str) -> Result<T, Mistake> {
        serde_json::from_str(raw)
            .map_err(|error| Mistake::new(self.file, self.place(raw), format!("{error}")))
    }

    /// `raw` is a slice of the text.
    fn place(&self, raw: &str) -> Place {
        let offset = raw.as_ptr() as usize - self.text.as_ptr() as usize;
        let before = &self.text[..offset];
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Place {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }
}

/// A mapping in the order of its text.
struct Pairs<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> serde::Deserialize<'de> for Pairs<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;

        impl<'de> Visitor<'de> for Collect {
            type Value = Vec<(String, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(pairs)
            }
        }

        deserializer.deserialize_map(Collect).map(Pairs)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_knows_its_place() {
        let tree =
            read("a.json", "{\n\t\"env\": { \"A\": \"\\ud83d\\ude00\", \"B\": 1 }\n}").unwrap();
        let env = tree.get("env").unwrap();
        assert_eq!(env.get("A").unwrap().text(), Some("😀"));
        assert_eq!(env.get("B").unwrap().at, Place { line: 2, column: 37 });
        assert_eq!(env.get("B").unwrap().kind(), "a number");
    }

    #[test]
    fn a_syntax_error_has_a_place() {
        let error = read("app.json", "{\n  \"name\": \"x\",\n}\n").unwrap_err().to_string();
        assert_eq!(error, "app.json:3:1: not valid JSON: key must be a string");
    }

    #[test]
    fn deep_nesting_is_refused() {
        let text = format!("{}{}", "[".repeat(100), "]".repeat(100));
        assert!(read("app.json", &text).unwrap_err().to_string().contains("deeper than 32"));
    }
}
