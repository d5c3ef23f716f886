//! Reads `strategy`.

use document::{Node, Place, Value};
use serde_json::Value as Json;

use super::definition::{Matrix, Strategy, Template};
use super::keys::STRATEGY;
use super::legs::{Leg, MAX_LEGS, MatrixError, legs};
use super::page::Page;
use super::scalars;

/// Axes of one matrix.
const MAX_AXES: usize = 50;

/// A strategy, and every text in its matrix that may hold an expression.
pub(super) struct Read {
    pub(super) strategy: Strategy,
    pub(super) inside: Vec<Template>,
}

pub(super) fn read(page: Page<'_>, node: &Node) -> Option<Read> {
    let fields = page.fields(node, &STRATEGY)?;
    let mut inside = Vec::new();
    let matrix = fields.get("matrix").and_then(|node| matrix(page, node, &mut inside));
    let fail_fast = fields.get("fail-fast").and_then(|node| page.switch(node));
    let max_parallel = fields.get("max-parallel").and_then(|node| page.amount(node));
    if let Some(most) = max_parallel.as_ref()
        && most.text.parse::<f64>().is_ok_and(|most| most.fract() != 0.0)
    {
        page.mistake(most.at, format!("a whole number is wanted here, not {}", most.text));
    }
    Some(Read { strategy: Strategy { matrix, fail_fast, max_parallel }, inside })
}

fn matrix(page: Page<'_>, node: &Node, inside: &mut Vec<Template>) -> Option<Matrix> {
    if let Value::Scalar(scalar) = &node.value {
        if !is_expression(&scalar.text) {
            page.mistake(node.at, "a mapping of axes is wanted here, or an expression");
            return None;
        }
        let template = Template { text: scalar.text.clone(), at: node.at };
        inside.push(template.clone());
        return Some(Matrix::Whole(template));
    }
    let entries = page.entries(node)?;
    let mut axes = Vec::new();
    let (mut include, mut exclude) = (None, None);
    for entry in entries {
        collect(page, &entry.node, inside);
        match entry.key.as_str() {
            "include" => include = combinations(page, "include", &entry.node),
            "exclude" => exclude = combinations(page, "exclude", &entry.node),
            name => axes.extend(axis(page, &entry.node).map(|value| (name.to_owned(), value))),
        }
    }
    if entries.is_empty() || axes.len() > MAX_AXES {
        page.mistake(node.at, format!("a matrix has 1 to {MAX_AXES} axes, or 'include'"));
    }
    let read = axes.len() + usize::from(include.is_some()) + usize::from(exclude.is_some());
    if read == entries.len() {
        check_size(page, node.at, &axes, include.as_ref(), exclude.as_ref());
    }
    Some(Matrix::Axes { at: node.at, axes, include, exclude })
}

fn is_expression(text: &str) -> bool {
    text.trim().starts_with("${{") && text.trim().ends_with("}}")
}

fn axis(page: Page<'_>, node: &Node) -> Option<Json> {
    match &node.value {
        Value::List(items) if items.is_empty() => {
            page.mistake(node.at, "an axis without values makes a matrix without legs");
            None
        }
        Value::List(_) => Some(scalars::json(node)),
        Value::Scalar(scalar) if is_expression(&scalar.text) => Some(scalars::json(node)),
        _ => {
            page.mistake(node.at, format!("a list of values is wanted here, not {}", node.kind()));
            None
        }
    }
}

fn combinations(page: Page<'_>, list: &str, node: &Node) -> Option<Json> {
    match &node.value {
        Value::List(items) => {
            for item in items {
                let is_mapping = matches!(item.value, Value::Map(_));
                if !is_mapping && !item.text().is_some_and(is_expression) {
                    let kind = item.kind();
                    page.mistake(item.at, format!("'{list}' lists mappings, this is {kind}"));
                }
            }
            Some(scalars::json(node))
        }
        Value::Scalar(scalar) if is_expression(&scalar.text) => Some(scalars::json(node)),
        _ => {
            page.mistake(
                node.at,
                format!("a list of mappings is wanted here, not {}", node.kind()),
            );
            None
        }
    }
}

/// Counts the legs, when nothing has to be evaluated for it.
fn check_size(
    page: Page<'_>,
    at: Place,
    axes: &[(String, Json)],
    include: Option<&Json>,
    exclude: Option<&Json>,
) {
    match static_legs(axes, include, exclude) {
        Some(Ok(legs)) if legs.is_empty() && !axes.is_empty() => {
            page.mistake(at, "'exclude' leaves no leg of the matrix")
        }
        Some(Err(MatrixError::TooMany)) => {
            let mend = "take values away, or exclude combinations";
            page.mistake(at, format!("the matrix has more than {MAX_LEGS} legs: {mend}"));
        }
        Some(Err(MatrixError::NotAMapping { .. }) | Ok(_)) | None => {}
        Some(Err(error)) => page.mistake(at, error.to_string()),
    }
}

/// The legs; nothing when an expression has to be evaluated to know how many there are.
pub(super) fn static_legs(
    axes: &[(String, Json)],
    include: Option<&Json>,
    exclude: Option<&Json>,
) -> Option<Result<Vec<Leg>, MatrixError>> {
    let whole = |list: Option<&Json>| match list {
        None => Some(Vec::new()),
        Some(list) if holds_expression(list) => None,
        Some(list) => list.as_array().cloned(),
    };
    let mut values = Vec::new();
    for (name, list) in axes {
        values.push((name.clone(), list.as_array()?.clone()));
    }
    // An expression that is a value counts as one, whatever it gives; one in a filter may decide.
    let exclude = whole(exclude)?;
    let include = whole(include)?;
    if !exclude.is_empty() && axes.iter().any(|(_, list)| holds_expression(list)) {
        return None;
    }
    Some(legs(&values, &include, &exclude))
}

fn holds_expression(value: &Json) -> bool {
    match value {
        Json::String(text) => text.contains("${{"),
        Json::Array(items) => items.iter().any(holds_expression),
        Json::Object(entries) => entries.values().any(holds_expression),
        _ => false,
    }
}

fn collect(page: Page<'_>, node: &Node, inside: &mut Vec<Template>) {
    match &node.value {
        Value::Scalar(scalar) if scalar.text.contains("${{") => {
            inside.push(Template { text: scalar.text.clone(), at: node.at });
        }
        Value::Scalar(scalar) => page.warn_changed(node.at, scalar),
        Value::List(items) => items.iter().for_each(|item| collect(page, item, inside)),
        Value::Map(entries) => {
            entries.iter().for_each(|entry| collect(page, &entry.node, inside));
        }
        Value::Null => {}
    }
}
