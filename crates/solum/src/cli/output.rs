//! Writing to stdout and stderr.

use std::borrow::Cow;
use std::io::{self, IsTerminal as _, Write as _};

use serde::Serialize;

use super::Outcome;
use super::failure::Failure;
use super::terminal::harmless;

/// Writes data to stdout: the text and a newline, unless it ends in one or is empty.
pub(crate) fn print(text: &str) -> Outcome {
    let mut stdout = io::stdout().lock();
    let text = if stdout.is_terminal() { harmless(text) } else { Cow::Borrowed(text) };
    let end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
    write!(stdout, "{text}{end}")
        .and_then(|()| stdout.flush())
        .map_err(|error| Failure::output(&error))
}

/// Writes data to stdout as it is.
pub(crate) fn write(bytes: &[u8]) -> Outcome {
    let mut stdout = io::stdout().lock();
    stdout.write_all(bytes).and_then(|()| stdout.flush()).map_err(|error| Failure::output(&error))
}

/// Writes one JSON value for people and programs.
pub(crate) fn print_json(value: &impl Serialize) -> Outcome {
    let text = serde_json::to_string_pretty(value)
        .map_err(|error| Failure::because("cannot write JSON", &error))?;
    print(&text)
}

/// Writes one JSON value on one line, for a stream of them.
pub(crate) fn print_json_line(value: &impl Serialize) -> Outcome {
    let text = serde_json::to_string(value)
        .map_err(|error| Failure::because("cannot write JSON", &error))?;
    print(&text)
}

/// Talks on stderr. That nobody hears it is no reason to stop.
pub(crate) fn say(text: &str) {
    let mut stderr = io::stderr().lock();
    let text = if stderr.is_terminal() { harmless(text) } else { Cow::Borrowed(text) };
    let _ = writeln!(stderr, "{text}");
}

/// Talks on a terminal, in a line that the next words replace.
pub(crate) fn say_for_now(text: &str) {
    let _ = write!(io::stderr().lock(), "\r{text}\x1b[K");
}

/// Whether colours are wanted there (<https://no-color.org>).
pub(crate) fn colours(is_terminal: bool) -> bool {
    is_terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

/// Whether somebody reads what is said on stderr as it comes.
pub(crate) fn is_watched() -> bool {
    io::stderr().is_terminal()
}
