//! A command run beside an app, in a box like the app's own.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Problem;
use crate::logs::Stream;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Exec {
    /// The program and its arguments; no shell reads them.
    #[schema(example = json!(["python", "manage.py", "migrate"]))]
    pub command: Vec<String>,
}

/// One line of the answer (`application/x-ndjson`). The last one is an exit or a problem; an answer that ends without
/// either was cut off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum ExecLine {
    Output(ExecOutput),
    Exit { exit: ExecExit },
    Problem { problem: Problem },
}

/// A piece of what the command wrote, cut anywhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExecOutput {
    pub stream: Stream,
    pub data: String,
    /// How the data is to be read; as it is, if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<Encoding>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// What is not text (RFC 4648, section 4).
    Base64,
}

impl ExecOutput {
    #[must_use]
    pub fn new(stream: Stream, bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self { stream, data: text.to_owned(), encoding: None },
            Err(_) => Self { stream, data: BASE64.encode(bytes), encoding: Some(Encoding::Base64) },
        }
    }

    /// What was written, byte for byte.
    pub fn bytes(&self) -> Result<Cow<'_, [u8]>, base64::DecodeError> {
        match self.encoding {
            None => Ok(Cow::Borrowed(self.data.as_bytes())),
            Some(Encoding::Base64) => BASE64.decode(&self.data).map(Cow::Owned),
        }
    }
}

/// How the command ended: `code` when it exited by itself, `signal` when it was killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ExecExit {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<i32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signal: Option<i32>,
    /// It used more memory than it may.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub out_of_memory: bool,
}

impl ExecExit {
    #[must_use]
    pub fn is_success(self) -> bool {
        self.code == Some(0)
    }
}

/// The media type of the answer: one JSON value a line.
pub const EXEC_MEDIA_TYPE: &str = "application/x-ndjson";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_text_arrives_byte_for_byte() {
        for bytes in [&b"text"[..], b"", &[0xff, 0, 0x80], "ä".as_bytes(), &"ä".as_bytes()[..1]] {
            let output = ExecOutput::new(Stream::Stdout, bytes);
            let text = serde_json::to_string(&output).unwrap();
            let back: ExecOutput = serde_json::from_str(&text).unwrap();
            assert_eq!(back.bytes().unwrap(), bytes);
        }
    }

    #[test]
    fn each_kind_of_line_reads_back() {
        let lines = [
            (r#"{"stream":"stdout","data":"hello\n"}"#, "output"),
            (r#"{"exit":{"code":0}}"#, "exit"),
            (r#"{"exit":{"signal":9,"out_of_memory":true}}"#, "exit"),
        ];
        for (text, kind) in lines {
            let line: ExecLine = serde_json::from_str(text).unwrap();
            assert_eq!(matches!(line, ExecLine::Output(_)), kind == "output", "{text}");
            assert_eq!(serde_json::to_string(&line).unwrap(), text);
        }
    }
}
