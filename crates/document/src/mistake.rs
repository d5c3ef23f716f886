//! What is wrong in a file that a person wrote, and where.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A place in a text file. Both count from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place {
    pub line: usize,
    pub column: usize,
}

/// One mistake, with its place and its mend: `solum.yaml:3:5: unknown key 'procesess'; did you mean
/// 'processes'?`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// Relative to the repository's root.
    pub file: String,
    pub at: Option<Place>,
    pub message: String,
}

impl Mistake {
    pub fn new(file: &str, at: Place, message: impl Into<String>) -> Self {
        Self { file: file.to_owned(), at: Some(at), message: message.into() }
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at {
            Some(at) => write!(f, "{}:{}:{}: {}", self.file, at.line, at.column, self.message),
            None => write!(f, "{}: {}", self.file, self.message),
        }
    }
}

/// `; did you mean '…'?` with the nearest of `known`, or nothing when none is near.
pub fn suggestion<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    // Two edits at most, and never more than half of the word.
    let limit = (given.chars().count() / 2).min(2);
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(given, name), name))
        .filter(|(distance, _)| *distance <= limit)
        .min_by_key(|(distance, _)| *distance)
        .map_or_else(String::new, |(_, name)| format!("; did you mean '{name}'?"))
}
