use std::fmt;
use std::path::Path;
use std::str::FromStr;

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use types::Timestamp;

use crate::Error;

/// Which of a process's two outputs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputStream {
    Stdout,
    Stderr,
}

/// A piece of output as it came, cut anywhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    pub stream: OutputStream,
    pub bytes: Bytes,
}

/// One line that an instance wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine {
    /// Just behind this line: where to go on reading.
    pub position: LogPosition,
    /// When it was read from the process.
    pub at: Timestamp,
    pub stream: OutputStream,
    /// Without its newline, cut at 16 KiB, with what is not UTF-8 replaced.
    pub text: String,
}

/// A place in one instance's log. Its text form is for handing back, not for reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct LogPosition {
    pub(crate) file: u64,
    pub(crate) offset: u64,
}

impl fmt::Display for LogPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.file, self.offset)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a place in a log: hand back one that a log line came with")]
pub struct InvalidLogPosition(String);

impl FromStr for LogPosition {
    type Err = InvalidLogPosition;

    fn from_str(text: &str) -> Result<Self, InvalidLogPosition> {
        text.split_once('-')
            .and_then(|(file, offset)| {
                Some(Self { file: file.parse().ok()?, offset: offset.parse().ok()? })
            })
            .ok_or_else(|| InvalidLogPosition(text.chars().take(64).collect()))
    }
}

/// Where reading a log begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogStart {
    /// With the last so many lines; 0 means what comes from now on.
    Last(usize),
    /// Behind a line that was read before; with the oldest line that is left where that one is gone.
    After(LogPosition),
}

/// Reads the lines of a log, one by one.
#[async_trait]
pub trait LogReader: fmt::Debug + Send {
    /// The next line, or `None` at the end. Cancel-safe: a dropped call loses no line.
    async fn next(&mut self) -> Result<Option<LogLine>, Error>;
}

/// The numbers of the files of a log that the shim keeps, oldest first.
pub(crate) fn file_numbers(directory: &Path) -> Vec<u64> {
    let Ok(entries) = std::fs::read_dir(directory) else { return Vec::new() };
    let mut numbers: Vec<u64> = entries
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.strip_suffix(".log")?.parse().ok())
        .collect();
    numbers.sort_unstable();
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_reads_back_from_what_it_prints() {
        let position = LogPosition { file: 3, offset: 120 };
        assert_eq!(position.to_string().parse::<LogPosition>().unwrap(), position);
        assert!("3:120".parse::<LogPosition>().is_err());
    }
}
