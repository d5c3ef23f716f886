//! A table for each rule, with what GitHub's runner gives. Results read as JSON in one line.

mod bounds;
mod checks;
mod conditions;
mod functions;
mod operators;
mod paths;
mod templates;

use document::Place;
use serde_json::json;

use super::{EvaluationError, HashFilesError, Object, Scope, Status, Value, json, value};
use crate::language::Template;

/// Answers with JSON.
struct Fixed {
    contexts: Object,
    status: Option<Status>,
}

const SUCCESS: Status = Status { success: true, failure: false, cancelled: false };
const FAILURE: Status = Status { success: false, failure: true, cancelled: false };
const CANCELLED: Status = Status { success: false, failure: false, cancelled: true };

impl Fixed {
    fn new(contexts: serde_json::Value) -> Self {
        let contexts = Value::from(contexts);
        Self { contexts: contexts.as_object().cloned().unwrap_or_default(), status: None }
    }

    fn with(self, status: Status) -> Self {
        Self { status: Some(status), ..self }
    }
}

impl Scope for Fixed {
    fn context(&self, name: &str) -> Option<Value> {
        assert_eq!(name, name.to_lowercase(), "names come in lower case");
        self.contexts.get(name).cloned()
    }

    fn status(&self) -> Option<Status> {
        self.status
    }

    fn hash_files(&self, patterns: &[String]) -> Result<String, HashFilesError> {
        match patterns.iter().any(|pattern| pattern == "broken") {
            true => Err(HashFilesError::Failed("too many files".to_owned())),
            false => Ok(format!("digest of {}", patterns.join(" "))),
        }
    }
}

fn template(text: &str) -> Template {
    Template { text: text.to_owned(), at: Place { line: 3, column: 5 } }
}

fn scope() -> Fixed {
    Fixed::new(json!({
        "github": {
            "ref": "refs/heads/main",
            "event": {
                "number": 7,
                "commits": [
                    { "id": "a", "author": { "name": "alice" }, "files": ["x", "y"] },
                    { "id": "b", "author": { "name": "bob" }, "files": ["z"] },
                    { "id": "c", "files": [] },
                ],
                "": "no name",
                "15": "fifteen",
                "Array": "an array's",
            },
        },
        "env": { "EMPTY": "", "Name": "Zoë" },
        "list": ["zero", "one"],
        "none": null,
    }))
}

fn evaluated(expression: &str) -> Result<Value, EvaluationError> {
    value(&template(&format!("${{{{ {expression} }}}}")), &scope())
}

/// In one line.
fn shown(expression: &str) -> String {
    match evaluated(expression) {
        Ok(value) => {
            let pretty = json::pretty(&value).unwrap();
            pretty.lines().map(str::trim_start).collect::<Vec<_>>().join("").replace("\": ", "\":")
        }
        Err(error) => format!("{error}"),
    }
}

#[track_caller]
fn table(rows: &[(&str, &str)]) {
    let wrong: Vec<_> = rows
        .iter()
        .map(|(expression, expected)| (expression, *expected, shown(expression)))
        .filter(|(_, expected, given)| expected != given)
        .collect();
    assert!(wrong.is_empty(), "(expression, expected, given): {wrong:#?}");
}
