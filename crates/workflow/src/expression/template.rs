//! Text with expressions in it, taken apart.

use document::Place;

use crate::language::Template;

use super::error::{EvaluationError, Located, Problem};

const OPEN: &str = "${{";
const CLOSE: &str = "}}";

/// What a template is to be read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Text, in which each `${{ … }}` is replaced.
    Text,
    /// `if:`, which is an expression as it stands, or one in `${{ … }}`.
    Condition,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Segment<'a> {
    Text(&'a str),
    Expression(Source<'a>),
}

/// What stands between `${{` and `}}`, and after how many bytes of the template.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Source<'a> {
    pub(super) text: &'a str,
    pub(super) offset: usize,
}

/// A condition has a single segment, unless there is text around its `${{ … }}`.
pub(super) fn segments(template: &Template, form: Form) -> Result<Vec<Segment<'_>>, Located> {
    match form {
        Form::Text => split(&template.text, 0),
        Form::Condition => {
            let text = template.text.trim();
            let offset = template.text.len() - template.text.trim_start().len();
            if text.is_empty() || text.contains(OPEN) {
                return split(text, offset);
            }
            Ok(vec![Segment::Expression(Source { text, offset })])
        }
    }
}

fn split(text: &str, start: usize) -> Result<Vec<Segment<'_>>, Located> {
    let mut segments = Vec::new();
    let mut rest = text;
    while let Some(open) = rest.find(OPEN) {
        if open > 0 {
            segments.push(Segment::Text(&rest[..open]));
        }
        let offset = start + text.len() - rest.len() + open;
        let inside = &rest[open + OPEN.len()..];
        let Some(close) = find_close(inside) else {
            return Err(Located::new(offset, &rest[open..], Problem::NotClosed));
        };
        if inside[..close].trim().is_empty() {
            let whole = &rest[open..open + OPEN.len() + close + CLOSE.len()];
            return Err(Located::new(offset, whole, Problem::Empty));
        }
        let source = Source { text: &inside[..close], offset: offset + OPEN.len() };
        segments.push(Segment::Expression(source));
        rest = &inside[close + CLOSE.len()..];
    }
    if !rest.is_empty() {
        segments.push(Segment::Text(rest));
    }
    Ok(segments)
}

/// The first `}}` that does not stand in a string of the expression.
fn find_close(inside: &str) -> Option<usize> {
    let mut in_string = false;
    let bytes = inside.as_bytes();
    (0..bytes.len()).find(|&at| {
        in_string ^= bytes[at] == b'\'';
        !in_string && bytes[at..].starts_with(CLOSE.as_bytes())
    })
}

/// Where in the file an offset into a template's text is. What a block of several lines was before its indentation went
/// is not known: there it is where the template is.
pub(super) fn place(template: &Template, offset: usize) -> Place {
    if template.text.contains('\n') {
        return template.at;
    }
    let before = template.text.get(..offset).unwrap_or(&template.text);
    Place { line: template.at.line, column: template.at.column + before.chars().count() }
}

impl Located {
    pub(super) fn of(self, template: &Template) -> EvaluationError {
        EvaluationError {
            at: place(template, self.offset),
            expression: self.excerpt,
            problem: self.problem,
        }
    }
}
