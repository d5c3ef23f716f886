//! Documents with the place of every value: YAML (1.2, by `granit-parser`) and JSON, read into the same tree.
//!
//! It knows nothing of what a document means. Plain scalars stay text, and whoever asks for a number reads one.
//!
//! The invariant: a tree is small. A document may have [`MAX_BYTES`], [`MAX_NODES`] once its aliases are written
//! out, and [`MAX_DEPTH`]; what is larger is refused before it is built.

mod json;
mod yaml;

use crate::mistake::{Mistake, Place};

/// Larger documents are refused.
pub const MAX_BYTES: usize = 256 << 10;
/// Values in one document, with aliases written out.
const MAX_NODES: usize = 20_000;
/// Values inside values.
const MAX_DEPTH: usize = 32;

/// A value and where it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    pub at: Place,
    pub value: Value,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Null,
    Scalar(Scalar),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A scalar as it was written, without its quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scalar {
    pub text: String,
    pub quoted: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub key: String,
    pub at: Place,
    pub node: Node,
}

impl Node {
    /// Reads a YAML document. An empty one is [`Value::Null`].
    pub fn from_yaml(file: &str, text: &str) -> Result<Self, Mistake> {
        check_size(file, text)?;
        yaml::read(file, text)
    }

    /// Reads a JSON document. A key's place is that of its value.
    pub fn from_json(file: &str, text: &str) -> Result<Self, Mistake> {
        check_size(file, text)?;
        json::read(file, text)
    }

    pub fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    pub fn items(&self) -> &[Node] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// The value under `key`, unless it is null.
    pub fn get(&self, key: &str) -> Option<&Node> {
        let entry = self.entries().iter().find(|entry| entry.key == key)?;
        (entry.node.value != Value::Null).then_some(&entry.node)
    }

    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(scalar) => Some(&scalar.text),
            _ => None,
        }
    }

    /// What it is, for a message: `a list`.
    pub fn kind(&self) -> &'static str {
        match &self.value {
            Value::Null => "nothing",
            Value::Scalar(scalar) if scalar.quoted => "text",
            Value::Scalar(scalar) if matches!(scalar.text.as_str(), "true" | "false") => {
                "true or false"
            }
            Value::Scalar(scalar) if scalar.text.parse::<f64>().is_ok() => "a number",
            Value::Scalar(_) => "text",
            Value::List(_) => "a list",
            Value::Map(_) => "a mapping",
        }
    }
}

fn check_size(file: &str, text: &str) -> Result<(), Mistake> {
    if text.len() <= MAX_BYTES {
        return Ok(());
    }
    let message = format!("the file is larger than {} KiB", MAX_BYTES >> 10);
    Err(Mistake { file: file.to_owned(), at: None, message })
}
