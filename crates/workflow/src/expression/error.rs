//! What can be wrong with an expression, and where.

use document::{Mistake, Place};

use super::scope::HashFilesError;

/// An expression that could not be evaluated, or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}, in `{expression}`")]
pub struct EvaluationError {
    /// In the file that the template is from.
    pub at: Place,
    /// The part that it is about, as it was written.
    pub expression: String,
    pub problem: Problem,
}

impl EvaluationError {
    #[must_use]
    pub fn in_file(&self, file: &str) -> Mistake {
        Mistake::new(file, self.at, self.to_string())
    }
}

/// In none of them stands a value: only what was written in the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    #[error("`${{{{` is not closed by `}}}}`")]
    NotClosed,
    #[error("there is no expression between `${{{{` and `}}}}`")]
    Empty,
    #[error("{0}")]
    Syntax(&'static str),
    #[error("the expression is longer than {0} characters")]
    TooLong(usize),
    #[error("the expression is nested deeper than 50 levels")]
    TooDeep,
    #[error("the expression has more than {0} operators")]
    TooManyOperators(usize),
    #[error("there is no function `{name}`{suggestion}")]
    UnknownFunction { name: String, suggestion: String },
    #[error("`{function}` takes {expected}")]
    Arguments { function: &'static str, expected: &'static str },
    #[error("`{0}` is not available here")]
    NotAvailable(String),
    #[error(
        "the first argument of `format` is no valid format: write `{{{{` and `}}}}` for braces"
    )]
    Format,
    #[error("`format` is given {given} arguments, and its text asks for number {{{asked}}}")]
    FormatArgument { given: usize, asked: usize },
    #[error("`fromJSON` cannot read its argument: {0}")]
    Json(String),
    #[error("what `case` chooses by has to be true or false, and this is {0}")]
    CasePredicate(&'static str),
    #[error("`hashFiles` has no answer: {0}")]
    HashFiles(HashFilesError),
    #[error("the result is larger than an expression may give (1 MiB), or takes too much work")]
    TooLarge,
    #[error("text is wanted, and this is {0}; `toJSON(…)` makes text of it")]
    NotText(&'static str),
    #[error("true or false is wanted, and this is {0}")]
    NotBoolean(&'static str),
    #[error("a number is wanted, and this is {0}")]
    NotNumber(&'static str),
}

/// A problem at a part of a template's text.
#[derive(Debug)]
pub(super) struct Located {
    /// In bytes.
    pub(super) offset: usize,
    pub(super) excerpt: String,
    pub(super) problem: Problem,
}

impl Located {
    pub(super) fn new(offset: usize, excerpt: &str, problem: Problem) -> Self {
        Self { offset, excerpt: shortened(excerpt), problem }
    }

    /// Moves it to where its expression stands in the template.
    pub(super) fn after(mut self, offset: usize) -> Self {
        self.offset += offset;
        self
    }
}

/// In one line of bearable length.
fn shortened(excerpt: &str) -> String {
    const LONGEST: usize = 80;
    let mut words = excerpt.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((end, _)) = words.char_indices().nth(LONGEST) {
        words.truncate(end);
        words.push('…');
    }
    words
}
