//! A job's matrix, from what was written to the combinations that it stands for, by GitHub's rules.

use crate::contexts::Contexts;
use crate::expression::{Object, Value, value};
use crate::input::Failure;
use crate::language::{Leg, Matrix, Template, legs};
use document::Place;
use serde_json::Value as Json;

/// Every combination, in order.
pub(crate) fn evaluate(
    matrix: &Matrix,
    job: Place,
    here: &Contexts<'_>,
) -> Result<Vec<Object>, Failure> {
    let (at, axes, include, exclude) = match matrix {
        Matrix::Whole(template) => {
            let whole = value(template, here).map_err(|error| here.failure(&error))?;
            let Value::Object(whole) = whole else {
                return Err(here.mistake(template, "matrix", "the matrix is not an object"));
            };
            let is_axis = |name: &str| {
                !name.eq_ignore_ascii_case("include") && !name.eq_ignore_ascii_case("exclude")
            };
            let axes = whole.iter().filter(|(name, _)| is_axis(name));
            let axes = axes.map(|(name, values)| (name.to_owned(), values.clone())).collect();
            (template.at, axes, whole.get("include").cloned(), whole.get("exclude").cloned())
        }
        Matrix::Axes { at, axes, include, exclude } => {
            let at = Place { line: at.line.max(job.line), ..*at };
            let evaluated = |json: &serde_json::Value| evaluated(Value::from(json), at, here);
            let axes = axes
                .iter()
                .map(|(name, json)| Ok((name.clone(), evaluated(json)?)))
                .collect::<Result<Vec<_>, Failure>>()?;
            let include = include.as_ref().map(evaluated).transpose()?;
            let exclude = exclude.as_ref().map(evaluated).transpose()?;
            (at, axes, include, exclude)
        }
    };
    let wrong = |message: String| {
        let mistake = document::Mistake::new(&here.file(), at, message);
        Failure::lasting("matrix", mistake.to_string())
    };
    let axes = axes.into_iter().map(|(name, values)| match Json::from(&values) {
        Json::Array(values) if !values.is_empty() => Ok((name, values)),
        Json::Array(_) => Err(wrong(format!("matrix vector `{name}` has no values"))),
        _ => Err(wrong(format!("matrix vector `{name}` is not a list"))),
    });
    let axes = axes.collect::<Result<Vec<_>, Failure>>()?;
    let include = entries(include, "include").map_err(wrong)?;
    let exclude = entries(exclude, "exclude").map_err(wrong)?;
    let legs = legs(&axes, &include, &exclude).map_err(|error| wrong(error.to_string()))?;
    let object =
        |leg: Leg| leg.into_iter().map(|(name, value)| (name, Value::from(value))).collect();
    Ok(legs.into_iter().map(object).collect())
}

fn entries(list: Option<Value>, key: &str) -> Result<Vec<Json>, String> {
    match list.as_ref().map(Json::from) {
        None | Some(Json::Null) => Ok(Vec::new()),
        Some(Json::Array(items)) => Ok(items),
        Some(_) => Err(format!("`{key}` of the matrix is not a list")),
    }
}

/// With every expression in its texts evaluated.
fn evaluated(written: Value, at: Place, here: &Contexts<'_>) -> Result<Value, Failure> {
    Ok(match written {
        Value::String(text) if text.contains("${{") => {
            let template = Template { text: text.to_string(), at };
            value(&template, here).map_err(|error| here.failure(&error))?
        }
        Value::Array(items) => {
            let items = items.iter().map(|item| evaluated(item.clone(), at, here));
            Value::Array(items.collect::<Result<_, _>>()?)
        }
        Value::Object(entries) => {
            let entries = entries.iter();
            let entries =
                entries.map(|(name, item)| Ok((name, evaluated(item.clone(), at, here)?)));
            entries.collect::<Result<Object, Failure>>()?.into()
        }
        scalar => scalar,
    })
}

/// `build (linux, 18)`: shortened where it would be longer than GitHub shows it.
pub(crate) fn with_values(name: &str, matrix: &Object) -> String {
    const LONGEST: usize = 100;
    let mut values = Vec::new();
    matrix.values().for_each(|value| leaves(value, &mut values));
    if values.is_empty() {
        return name.to_owned();
    }
    let full = format!("{name} ({})", values.join(", "));
    match full.char_indices().nth(LONGEST) {
        Some(_) => {
            let end = full.char_indices().nth(LONGEST - 3).map_or(full.len(), |(end, _)| end);
            format!("{}...", &full[..end])
        }
        None => full,
    }
}

fn leaves(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Null => {}
        Value::Array(items) => items.iter().for_each(|item| leaves(item, found)),
        Value::Object(entries) => entries.values().for_each(|item| leaves(item, found)),
        scalar => found.push(scalar.to_text().into_owned()),
    }
}
