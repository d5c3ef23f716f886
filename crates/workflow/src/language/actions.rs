//! Reads an action's `action.yml`.

use document::{Node, Place, Value};

use super::check;
use super::definition::{
    Action, CompositeAction, Input, JavaScriptAction, Output, Template, Variables,
};
use super::fields::Fields;
use super::inputs;
use super::keys::{ACTION, ACTION_OUTPUT, CONTAINER_ACTION, RUNS_COMPOSITE, RUNS_NODE};
use super::page::Page;
use super::sources::normal;
use super::steps;

/// The action that `text` describes; `directory` is where its files are.
pub(super) fn read(page: Page<'_>, directory: &str, text: &str, with: Variables) -> Option<Action> {
    let node = match Node::from_yaml(page.file, text) {
        Ok(node) => node,
        Err(mistake) => {
            let start = Place { line: 1, column: 1 };
            page.mistake(mistake.at.unwrap_or(start), mistake.message);
            return None;
        }
    };
    let fields = page.loose_fields(&node, &ACTION)?;
    let inputs = fields.get("inputs").map(|node| inputs::of_action(page, node)).unwrap_or_default();
    let outputs = fields.get("outputs").map(|node| outputs(page, node)).unwrap_or_default();
    let Some(runs) = fields.get("runs") else {
        page.mistake(node.at, "an action needs 'runs'");
        return None;
    };
    let action = of_kind(page, directory, runs, inputs, outputs, with)?;
    check::in_action(page, &action);
    Some(action)
}

fn of_kind(
    page: Page<'_>,
    directory: &str,
    runs: &Node,
    inputs: Vec<Input>,
    outputs: Vec<(String, Option<Template>)>,
    with: Variables,
) -> Option<Action> {
    let using = runs.get("using").and_then(Node::text).unwrap_or_default();
    let at = runs.get("using").map_or(runs.at, |node| node.at);
    match using {
        "composite" => {
            let fields = page.fields(runs, &RUNS_COMPOSITE)?;
            let steps = match fields.get("steps") {
                Some(node) => steps::of_action(page, node),
                None => {
                    page.mistake(runs.at, "a composite action needs 'steps'");
                    Vec::new()
                }
            };
            let outputs = outputs
                .into_iter()
                .filter_map(|(name, value)| Some(Output { name, value: value? }));
            let (file, origin) = (page.file.to_owned(), page.origin.clone());
            let outputs = outputs.collect();
            let action = Box::new(CompositeAction { file, origin, inputs, outputs, steps });
            Some(Action::Composite { with, action })
        }
        _ if using.starts_with("node") => {
            let outputs = outputs.into_iter().map(|(name, _)| name).collect();
            let action = Box::new(javascript(page, runs, directory, inputs, outputs)?);
            Some(Action::JavaScript { with, action })
        }
        "docker" => {
            page.refuse_thing(at, "using: docker", &CONTAINER_ACTION);
            None
        }
        _ => {
            page.mistake(at, format!("'using' is 'composite' or 'node20', not '{using}'"));
            None
        }
    }
}

/// Names, with a value each when the action is a composite one.
fn outputs(page: Page<'_>, node: &Node) -> Vec<(String, Option<Template>)> {
    let entries = page.entries(node).unwrap_or_default().iter().map(|entry| {
        let fields = (entry.node.value != Value::Null)
            .then(|| page.loose_fields(&entry.node, &ACTION_OUTPUT))
            .flatten();
        let value = fields.and_then(|fields| fields.get("value"));
        (entry.key.clone(), value.and_then(|node| page.template(node)))
    });
    entries.collect()
}

fn javascript(
    page: Page<'_>,
    runs: &Node,
    directory: &str,
    inputs: Vec<Input>,
    outputs: Vec<String>,
) -> Option<JavaScriptAction> {
    let fields = page.fields(runs, &RUNS_NODE)?;
    if fields.get("main").is_none() {
        page.mistake(runs.at, "a JavaScript action needs 'main': the file that it runs");
    }
    let main = script(page, &fields, "main")?;
    if let Some(pre) = fields.get("pre").filter(|_| page.origin.is_run()) {
        page.warn(pre.at, "'pre' of an action of this repository is not run, as on GitHub: nothing is checked out then");
    }
    let condition = |key| fields.get(key).and_then(|node| page.template(node));
    Some(JavaScriptAction {
        file: page.file.to_owned(),
        origin: page.origin.clone(),
        directory: directory.to_owned(),
        inputs,
        outputs,
        main,
        pre: script(page, &fields, "pre"),
        pre_if: condition("pre-if"),
        post: script(page, &fields, "post"),
        post_if: condition("post-if"),
    })
}

/// A file of the action, which cannot be one elsewhere.
fn script(page: Page<'_>, fields: &Fields<'_>, key: &str) -> Option<String> {
    let node = fields.get(key)?;
    let text = page.word(node)?;
    let path = normal(text).filter(|path| !path.is_empty() && !text.starts_with('/'));
    if path.is_none() {
        page.mistake(node.at, format!("'{text}' is no file of the action"));
    }
    path
}
