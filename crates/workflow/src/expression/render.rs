//! Templates, evaluated.

use crate::language::Template;

use super::error::{EvaluationError, Located, Problem};
use super::evaluate::Evaluator;
use super::limits::Exhausted;
use super::references::names_status;
use super::scope::Scope;
use super::template::{Form, Segment, segments};
use super::value::Value;

/// Its text, with what its expressions give.
///
/// # Errors
/// Also when it is a single expression that gives a list or an object, which are no text. (Between other text they stand
/// as `Array` and `Object`, as on GitHub.)
pub fn render(template: &Template, scope: &dyn Scope) -> Result<String, EvaluationError> {
    match value(template, scope)? {
        Value::String(text) => Ok(text.to_string()),
        value if value.is_primitive() => Ok(value.to_text().into_owned()),
        value => Err(wrong_kind(template, Problem::NotText(value.kind()))),
    }
}

/// What it gives: a single `${{ … }}` keeps its type, everything else is text.
pub fn value(template: &Template, scope: &dyn Scope) -> Result<Value, EvaluationError> {
    let evaluator = Evaluator::new(scope);
    in_form(template, Form::Text, &evaluator).map_err(|error| error.of(template))
}

/// For keys that are true or false, such as `continue-on-error`. The words `true` and `false` will do as text too.
pub fn boolean(template: &Template, scope: &dyn Scope) -> Result<bool, EvaluationError> {
    match value(template, scope)? {
        Value::Bool(bool) => Ok(bool),
        Value::String(text) if &*text == "true" => Ok(true),
        Value::String(text) if &*text == "false" => Ok(false),
        value => Err(wrong_kind(template, Problem::NotBoolean(value.kind()))),
    }
}

/// For keys that are numbers, such as `timeout-minutes`; it is finite. A number as text will do.
pub fn number(template: &Template, scope: &dyn Scope) -> Result<f64, EvaluationError> {
    let value = value(template, scope)?;
    let number = match &value {
        Value::Number(number) => *number,
        Value::String(text) if !text.trim().is_empty() => value.to_number(),
        _ => f64::NAN,
    };
    if number.is_finite() {
        return Ok(number);
    }
    Err(wrong_kind(template, Problem::NotNumber(value.kind())))
}

/// Whether an `if:` holds. Without `success()`, `failure()`, `always()` or `cancelled()` in it, it only does after
/// success; without anything in it, it is `success()`.
pub fn condition(template: &Template, scope: &dyn Scope) -> Result<bool, EvaluationError> {
    let holds = || -> Result<bool, Located> {
        if !names_status(template)? {
            let status = scope.status();
            let missing = || Problem::NotAvailable("success()".to_owned());
            let status = status.ok_or_else(|| Located::new(0, &template.text, missing()))?;
            if !status.success {
                return Ok(false);
            }
        }
        if template.text.trim().is_empty() {
            return Ok(true);
        }
        Ok(in_form(template, Form::Condition, &Evaluator::new(scope))?.is_truthy())
    };
    holds().map_err(|error| error.of(template))
}

fn in_form(template: &Template, form: Form, evaluator: &Evaluator<'_>) -> Result<Value, Located> {
    let segments = segments(template, form)?;
    if let [Segment::Expression(source)] = segments.as_slice() {
        return evaluator.source(source.text).map_err(|error| error.after(source.offset));
    }
    let mut text = String::new();
    for segment in segments {
        let (offset, piece) = match segment {
            Segment::Text(piece) => (0, Value::from(piece)),
            Segment::Expression(source) => {
                let value = evaluator.source(source.text);
                (source.offset, value.map_err(|error| error.after(source.offset))?)
            }
        };
        evaluator
            .meter()
            .append(&mut text, &piece.to_text())
            .map_err(|Exhausted| Located::new(offset, &template.text, Problem::TooLarge))?;
    }
    Ok(text.into())
}

fn wrong_kind(template: &Template, problem: Problem) -> EvaluationError {
    Located::new(0, &template.text, problem).of(template)
}
