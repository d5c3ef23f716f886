//! The names that people give to jobs, steps, inputs and outputs.

use document::Place;

use super::page::Page;

const MAX_CHARACTERS: usize = 100;

/// A letter or `_`, then letters, digits, `_` and `-`.
pub(super) fn check(page: Page<'_>, what: &str, name: &str, at: Place) -> bool {
    let is_name = name.len() <= MAX_CHARACTERS
        && name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    if !is_name {
        let rule = "a letter or '_' first, then letters, digits, '_' and '-'; 100 at most";
        page.mistake(at, format!("{what} cannot be called '{name}': {rule}"));
    }
    is_name
}
