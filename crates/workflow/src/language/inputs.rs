//! What a workflow or an action takes: `inputs` of `workflow_dispatch`, of `workflow_call`, and of an action.

use std::collections::BTreeMap;

use document::{Entry, Node, Value};
use serde_json::Value as Json;

use super::definition::{Input, InputType, Template};
use super::fields::Fields;
use super::keys::{ACTION_INPUT, CALL_INPUT, DISPATCH_INPUT, Section};
use super::page::Page;
use super::scalars;

/// As many as GitHub lets a dispatch have.
const MAX_DISPATCH_INPUTS: usize = 25;
const MAX_INPUTS: usize = 200;

pub(super) fn of_dispatch(page: Page<'_>, node: &Node) -> Vec<Input> {
    let kinds = ["string", "boolean", "number", "choice", "environment"];
    read(page, node, MAX_DISPATCH_INPUTS, &DISPATCH_INPUT, |fields, entry| {
        let kind = match fields.get("type") {
            Some(node) => kind(page, fields, node, &kinds)?,
            None if fields.get("options").is_some() => choice(page, fields, entry)?,
            None => InputType::String,
        };
        if let (Some(options), false) =
            (fields.get("options"), matches!(kind, InputType::Choice { .. }))
        {
            page.mistake(options.at, "'options' belong to an input with 'type: choice'");
        }
        Some(kind)
    })
}

pub(super) fn of_call(page: Page<'_>, node: &Node) -> Vec<Input> {
    let kinds = ["string", "boolean", "number"];
    read(page, node, MAX_INPUTS, &CALL_INPUT, |fields, entry| {
        let Some(node) = fields.get("type") else {
            let name = &entry.key;
            let message = format!("input '{name}' has no 'type': string, boolean or number");
            page.mistake(entry.at, message);
            return None;
        };
        kind(page, fields, node, &kinds)
    })
}

pub(super) fn of_action(page: Page<'_>, node: &Node) -> Vec<Input> {
    let Some(entries) = page.entries(node) else { return Vec::new() };
    let inputs = entries.iter().take(MAX_INPUTS).map(|entry| {
        let fields = (entry.node.value != Value::Null)
            .then(|| page.loose_fields(&entry.node, &ACTION_INPUT))
            .flatten();
        let get = |key| fields.as_ref().and_then(|fields| fields.get(key));
        Input {
            name: entry.key.clone(),
            description: get("description").and_then(Node::text).map(str::to_owned),
            // An action of GitHub's may say "true" here.
            required: get("required").and_then(Node::text) == Some("true"),
            kind: InputType::String,
            default: get("default").and_then(|node| page.template(node)),
        }
    });
    inputs.collect()
}

fn read(
    page: Page<'_>,
    node: &Node,
    most: usize,
    section: &'static Section,
    kind_of: impl Fn(&Fields<'_>, &Entry) -> Option<InputType>,
) -> Vec<Input> {
    let Some(entries) = page.entries(node) else { return Vec::new() };
    if entries.len() > most {
        page.mistake(node.at, format!("there are {} inputs; {most} is the most", entries.len()));
        return Vec::new();
    }
    entries.iter().filter_map(|entry| one(page, entry, section, &kind_of)).collect()
}

fn one(
    page: Page<'_>,
    entry: &Entry,
    section: &'static Section,
    kind_of: impl Fn(&Fields<'_>, &Entry) -> Option<InputType>,
) -> Option<Input> {
    super::names::check(page, "an input", &entry.key, entry.at);
    let empty = Node { at: entry.at, value: Value::Map(Vec::new()) };
    let node = if entry.node.value == Value::Null { &empty } else { &entry.node };
    // It lives no longer than this call.
    let fields = page.fields(node, section)?;
    let kind = kind_of(&fields, entry)?;
    let default = fields.get("default").and_then(|node| page.template(node));
    if let Some(default) = default.as_ref().filter(|default| !default.text.contains("${{"))
        && let Err(words) = parse(&kind, &default.text)
    {
        page.mistake(default.at, format!("the default of input '{}' {words}", entry.key));
    }
    Some(Input {
        name: entry.key.clone(),
        description: fields.get("description").and_then(Node::text).map(str::to_owned),
        required: fields.get("required").and_then(|node| page.truth(node)).unwrap_or(false),
        kind,
        default,
    })
}

fn kind(page: Page<'_>, fields: &Fields<'_>, node: &Node, kinds: &[&str]) -> Option<InputType> {
    let word = page.word(node)?;
    if !kinds.contains(&word) {
        let hint = document::suggestion(word, kinds.iter().copied());
        let kinds = kinds.join(", ");
        page.mistake(node.at, format!("an input cannot be of type '{word}'{hint}: use {kinds}"));
        return None;
    }
    match word {
        "boolean" => Some(InputType::Boolean),
        "number" => Some(InputType::Number),
        "environment" => Some(InputType::Environment),
        "choice" => {
            let entry = fields.entry("type")?;
            choice(page, fields, entry)
        }
        _ => Some(InputType::String),
    }
}

fn choice(page: Page<'_>, fields: &Fields<'_>, entry: &Entry) -> Option<InputType> {
    let items = fields.get("options").map(Node::items).unwrap_or_default();
    let options = items.iter().filter_map(|item| match &item.value {
        Value::Scalar(scalar) => Some(scalars::text(scalar)),
        _ => None,
    });
    let options: Vec<_> = options.collect();
    if options.is_empty() || options.len() != items.len() {
        page.mistake(entry.at, "a choice needs 'options': a list of texts");
        return None;
    }
    Some(InputType::Choice { options })
}

/// Reads the text that was given for an input.
pub(super) fn parse(kind: &InputType, text: &str) -> Result<Json, String> {
    match kind {
        InputType::String | InputType::Environment => Ok(text.into()),
        InputType::Boolean => match text {
            "true" => Ok(true.into()),
            "false" => Ok(false.into()),
            _ => Err("has to be 'true' or 'false'".to_owned()),
        },
        InputType::Number => {
            let number = text.parse().ok().and_then(serde_json::Number::from_f64);
            number.map(Json::Number).ok_or_else(|| "has to be a number".to_owned())
        }
        InputType::Choice { options } if options.iter().any(|option| option == text) => {
            Ok(text.into())
        }
        InputType::Choice { options } => Err(format!("has to be one of {}", options.join(", "))),
    }
}

/// Checks what somebody gives to `inputs`, fills in defaults, and gives every value its type. An input that is neither
/// given nor has a default is empty, as on GitHub. A default with an expression is left out: it is the run's to evaluate.
///
/// # Errors
/// Everything that is wrong, in words.
pub fn given_inputs(
    inputs: &[Input],
    given: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, Json>, Vec<String>> {
    let mut mistakes = Vec::new();
    for name in given.keys() {
        if !inputs.iter().any(|input| input.name.eq_ignore_ascii_case(name)) {
            let names = inputs.iter().map(|input| input.name.as_str());
            mistakes
                .push(format!("there is no input '{name}'{}", document::suggestion(name, names)));
        }
    }
    let mut values = BTreeMap::new();
    for input in inputs {
        let name = &input.name;
        let own = given.iter().find(|(given, _)| given.eq_ignore_ascii_case(name));
        let default = |template: &Template| template.text.clone();
        let text = own.map(|(_, text)| text.clone()).or(input.default.as_ref().map(default));
        match text {
            Some(text) if own.is_none() && text.contains("${{") => {}
            Some(text) => match parse(&input.kind, &text) {
                Ok(value) => {
                    values.insert(name.clone(), value);
                }
                Err(words) => mistakes.push(format!("input '{name}' {words}")),
            },
            None if input.required => mistakes.push(format!("input '{name}' has to be given")),
            None => {
                values.insert(name.clone(), empty(&input.kind));
            }
        }
    }
    if mistakes.is_empty() { Ok(values) } else { Err(mistakes) }
}

fn empty(kind: &InputType) -> Json {
    match kind {
        InputType::Boolean => false.into(),
        InputType::Number => 0.into(),
        InputType::String | InputType::Choice { .. } | InputType::Environment => "".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use document::Place;

    fn input(name: &str, kind: InputType, default: Option<&str>, required: bool) -> Input {
        let at = Place { line: 1, column: 1 };
        let default = default.map(|text| Template { text: text.to_owned(), at });
        Input { name: name.to_owned(), description: None, required, kind, default }
    }

    fn given(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|&(name, text)| (name.to_owned(), text.to_owned())).collect()
    }

    #[test]
    fn values_get_their_types_and_defaults() {
        let options = vec!["dev".to_owned(), "prod".to_owned()];
        let inputs = [
            input("dry", InputType::Boolean, Some("true"), false),
            input("count", InputType::Number, None, false),
            input("where", InputType::Choice { options }, Some("dev"), false),
            input("note", InputType::String, None, true),
        ];
        let values = given_inputs(&inputs, &given(&[("NOTE", "x"), ("where", "prod")])).unwrap();
        let expected = serde_json::json!({ "dry": true, "count": 0, "where": "prod", "note": "x" });
        assert_eq!(serde_json::json!(values), expected);
        let wrong = given(&[("dry", "yes"), ("count", "many"), ("where", "moon"), ("nota", "")]);
        assert_eq!(
            given_inputs(&inputs, &wrong).unwrap_err(),
            [
                "there is no input 'nota'; did you mean 'note'?",
                "input 'dry' has to be 'true' or 'false'",
                "input 'count' has to be a number",
                "input 'where' has to be one of dev, prod",
                "input 'note' has to be given",
            ]
        );
    }
}
