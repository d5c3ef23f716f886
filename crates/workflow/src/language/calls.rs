//! Reads a job that calls a workflow, and the workflow that it calls.

use document::{Node, Place, Value};

use super::definition::{Call, CallSecrets, Input, Variables};
use super::fields::Fields;
use super::keys::REMOTE_WORKFLOW;
use super::on::{Contract, DeclaredSecret};
use super::origin::Origin;
use super::page::{Page, SecretUse};
use super::sources::{Found, Wanted, normal};
use super::workflow;

pub(super) fn read(page: Page<'_>, uses: &Node, fields: &Fields<'_>) -> Option<Call> {
    let name = page.word(uses)?;
    let with = fields.get("with").map(|node| page.variables(node)).unwrap_or_default();
    let secrets = secrets(page, fields.get("secrets"));
    let path = path(page, uses.at, name)?;
    let found = page.source(uses.at, Wanted::Own { path: path.clone() })?;
    let text = match found {
        Found::File { text, .. } => text,
        Found::Missing => {
            page.mistake(uses.at, format!("there is no file '{path}' at this commit"));
            return None;
        }
        Found::Unavailable(words) => {
            page.mistake(uses.at, format!("'{name}' cannot be read: {words}"));
            return None;
        }
    };
    let inner = page.below(&path, &Origin::Run, uses.at)?;
    let (read, named) = page.apart(|| workflow::read(inner, text));
    let read = read?;
    let Some(contract) = read.contract else {
        let mend = "add 'workflow_call' to its 'on'";
        page.mistake(uses.at, format!("'{path}' cannot be called: {mend}"));
        return None;
    };
    check_inputs(page, uses.at, name, &contract.inputs, &with);
    check_secrets(page, uses.at, name, &contract, &secrets);
    check_named_secrets(page, named, &contract, &secrets);
    let mut definition = read.definition;
    definition.inputs = contract.inputs;
    definition.outputs = contract.outputs;
    Some(Call { uses: name.to_owned(), workflow: definition, with, secrets })
}

fn path(page: Page<'_>, at: Place, name: &str) -> Option<String> {
    let relative = name.strip_prefix("./").or_else(|| name.strip_prefix("$/"));
    let Some(path) = relative else {
        if name.contains('@') {
            page.refuse_thing(at, name, &REMOTE_WORKFLOW);
        } else {
            page.mistake(at, format!("'{name}' is no workflow: write './.solum/workflows/x.yml'"));
        }
        return None;
    };
    let path = normal(path).filter(|path| path.ends_with(".yml") || path.ends_with(".yaml"));
    if path.is_none() {
        page.mistake(at, format!("'{name}' is no workflow file of this repository ('….yml')"));
    }
    path
}

fn secrets(page: Page<'_>, node: Option<&Node>) -> CallSecrets {
    match node.map(|node| (node, &node.value)) {
        None => CallSecrets::Named(Variables::new()),
        Some((node, Value::Scalar(scalar))) => {
            if scalar.text != "inherit" {
                page.mistake(node.at, "'secrets' is 'inherit' or a mapping");
            }
            CallSecrets::Inherit
        }
        Some((node, _)) => CallSecrets::Named(page.variables(node)),
    }
}

fn check_inputs(page: Page<'_>, at: Place, name: &str, inputs: &[Input], with: &Variables) {
    for (key, template) in with {
        let input = inputs.iter().find(|input| input.name.eq_ignore_ascii_case(key));
        let Some(input) = input else {
            let names = inputs.iter().map(|input| input.name.as_str());
            let hint = document::suggestion(key, names);
            page.mistake(template.at, format!("'{name}' has no input '{key}'{hint}"));
            continue;
        };
        if !template.text.contains("${{")
            && let Err(words) = super::inputs::parse(&input.kind, &template.text)
        {
            page.mistake(template.at, format!("the input '{key}' of '{name}' {words}"));
        }
    }
    let given = |input: &Input| with.iter().any(|(key, _)| key.eq_ignore_ascii_case(&input.name));
    for input in inputs.iter().filter(|input| input.required && !given(input)) {
        page.mistake(at, format!("'{name}' needs the input '{}'", input.name));
    }
}

fn check_secrets(
    page: Page<'_>,
    at: Place,
    name: &str,
    contract: &Contract,
    secrets: &CallSecrets,
) {
    let CallSecrets::Named(given) = secrets else { return };
    let declared = &contract.secrets;
    for (key, template) in given {
        if !declared.iter().any(|secret| secret.name.eq_ignore_ascii_case(key)) {
            let names = declared.iter().map(|secret| secret.name.as_str());
            let hint = document::suggestion(key, names);
            page.mistake(template.at, format!("'{name}' takes no secret '{key}'{hint}"));
        }
    }
    let has = |name: &str| given.iter().any(|(key, _)| key.eq_ignore_ascii_case(name));
    for secret in declared.iter().filter(|secret| secret.required && !has(&secret.name)) {
        page.mistake(at, format!("'{name}' needs the secret '{}'", secret.name));
    }
}

/// Secrets that the called workflow names are its caller's when it inherits them, else those that it declares.
fn check_named_secrets(
    page: Page<'_>,
    named: Vec<SecretUse>,
    contract: &Contract,
    secrets: &CallSecrets,
) {
    for used in named {
        let is_declared = |secret: &DeclaredSecret| secret.name.eq_ignore_ascii_case(&used.name);
        if *secrets == CallSecrets::Inherit {
            page.add_secret(used);
        } else if !contract.secrets.iter().any(is_declared)
            && !used.name.eq_ignore_ascii_case("GITHUB_TOKEN")
        {
            let mend = "declare it under 'on.workflow_call.secrets', and give it";
            let message = format!("the secret '{}' is empty here: {mend}", used.name);
            page.warn_of(&used.file, used.at, message);
        }
    }
}
