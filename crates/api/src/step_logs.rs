//! What the steps of a run have written.

use serde::{Deserialize, Serialize};
use types::Timestamp;
use utoipa::ToSchema;

/// Data of a `log` event of a step's log: its next entries. All are of one attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StepLog {
    /// From 1.
    pub attempt: u32,
    pub entries: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Entry {
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    #[serde(flatten)]
    pub what: What,
}

/// What stands in a log. Texts have no secrets in them, and are cut where they are longer than 65,536 bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum What {
    Line {
        text: String,
    },
    /// For those who look for a mistake.
    Debug {
        text: String,
    },
    /// What follows belongs together, until the end of the group.
    Group {
        title: String,
    },
    EndGroup,
    /// Something to be seen beside the code that it is about.
    Annotation(Annotation),
    /// Solum's own words, about the log or the step.
    Note {
        text: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Annotation {
    pub level: Level,
    pub message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "src/main.rs")]
    pub file: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    Notice,
    Warning,
    Error,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_one_flat_object() {
        for text in [
            r#"{"at":"2026-01-02T03:04:05Z","kind":"line","text":"a"}"#,
            r#"{"at":"2026-01-02T03:04:05Z","kind":"end_group"}"#,
            r#"{"at":"2026-01-02T03:04:05Z","kind":"annotation","level":"error","message":"m","file":"a.rs","line":3}"#,
        ] {
            let entry: Entry = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&entry).unwrap(), text);
        }
    }
}
