//! What may reach a terminal. Text that apps, builds and commits wrote can hold sequences that set a window's title, write
//! to the clipboard or hide what stands above; colours are all that is let through.

use std::borrow::Cow;

const ESCAPE: char = '\x1b';

/// The text without control characters, but for tabs, ends of lines, and sequences that set colours (ECMA-48, SGR). What
/// is taken out leaves a `\xNN` behind.
pub(crate) fn harmless(text: &str) -> Cow<'_, str> {
    let is_plain = |character: char| !character.is_control() || matches!(character, '\t' | '\n');
    if text.chars().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let length = match colour(rest) {
            Some(length) => {
                shown.push_str(&rest[..length]);
                length
            }
            None if is_plain(character) => {
                shown.push(character);
                character.len_utf8()
            }
            None => {
                shown.push_str(&format!("\\x{:02x}", u32::from(character)));
                character.len_utf8()
            }
        };
        rest = &rest[length..];
    }
    Cow::Owned(shown)
}

/// The length of a sequence that sets colours, if the text begins with one.
fn colour(text: &str) -> Option<usize> {
    let parameters = text.strip_prefix(ESCAPE)?.strip_prefix('[')?;
    let end = parameters
        .find(|character: char| !(character.is_ascii_digit() || matches!(character, ';' | ':')))?;
    parameters[end..].starts_with('m').then_some(2 + end + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_pass_and_nothing_else_does() {
        for same in ["plain\ttext\n", "\x1b[1;31mred\x1b[0m ünïcode", "\x1b[38:5:12mx"] {
            assert_eq!(harmless(same), same);
        }
        for (given, shown) in [
            ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
            ("\x1b[2J\x1b[H", "\\x1b[2J\\x1b[H"),
            ("a\0b\rc\u{9b}31m", "a\\x00b\\x0dc\\x9b31m"),
            ("\x1b[31", "\\x1b[31"),
        ] {
            assert_eq!(harmless(given), shown);
        }
    }
}
