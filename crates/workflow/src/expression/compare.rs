//! How two values compare: as in JavaScript's `==`, but the case of text does not matter and lists and objects are
//! only equal to themselves.

use std::cmp::Ordering;
use std::sync::Arc;

use super::value::Value;

impl Value {
    /// The language's `==`.
    #[must_use]
    pub fn loosely_equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Array(one), Self::Array(other)) => Arc::ptr_eq(one, other),
            (Self::Object(one), Self::Object(other)) => Arc::ptr_eq(one, other),
            _ => self.loosely_compares(other) == Some(Ordering::Equal),
        }
    }

    /// The language's `<` and `>`. None where neither holds, nor `==`: with NaN, or with a list or an object.
    #[must_use]
    pub fn loosely_compares(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::String(one), Self::String(other)) => Some(fold(one).cmp(fold(other))),
            _ => self.to_number().partial_cmp(&other.to_number()),
        }
    }
}

/// Text as it is compared: in upper case, character by character, so that it stays as long as it was (`ß` has no upper
/// case here, and `ı` is not `I`).
pub(super) fn fold(text: &str) -> impl Iterator<Item = char> {
    text.chars().map(|char| {
        if char.is_ascii() {
            return char.to_ascii_uppercase();
        }
        let mut upper = char.to_uppercase();
        match (upper.next(), upper.next()) {
            (Some(upper), None) if char != 'ı' => upper,
            _ => char,
        }
    })
}

/// See [`fold`].
pub(super) fn folded(text: &str) -> String {
    fold(text).collect()
}
