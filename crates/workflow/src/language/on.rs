//! Reads `on:`.

use document::{Entry, Node, Place, Value, suggestion};

use super::definition::{Input, Output, Template};
use super::events::{EVENTS, EventKind, event_kind, refused_event};
use super::fields::Fields;
use super::inputs;
use super::keys::{CALL_OUTPUT, CALL_SECRET, ON_CALL, ON_DISPATCH, ON_SCHEDULE};
use super::names;
use super::page::Page;
use super::pattern::Pattern;
use super::schedule::{Schedule, check_cron, check_timezone};
use super::triggers::{Filter, Trigger, Triggers};

/// What `workflow_call` says: how the workflow may be called.
#[derive(Debug, Default)]
pub(super) struct Contract {
    pub(super) inputs: Vec<Input>,
    pub(super) outputs: Vec<Output>,
    pub(super) secrets: Vec<DeclaredSecret>,
}

#[derive(Debug)]
pub(super) struct DeclaredSecret {
    pub(super) name: String,
    pub(super) required: bool,
}

const MAX_PATTERNS: usize = 200;
const MAX_SCHEDULES: usize = 20;

pub(super) fn read(page: Page<'_>, node: &Node) -> (Triggers, Option<Contract>) {
    let mut triggers = Triggers::default();
    let mut contract = None;
    match &node.value {
        Value::Map(_) => {
            for entry in page.entries(node).unwrap_or_default() {
                let Some(kind) = known(page, &entry.key, entry.at) else { continue };
                if kind.name == "workflow_call" {
                    contract = Some(of_call(page, &entry.node));
                }
                triggers.events.push(trigger(page, kind, entry));
            }
        }
        _ => {
            for (word, at) in page.words(node) {
                let Some(kind) = known(page, &word, at) else { continue };
                if kind.name == "schedule" {
                    page.mistake(
                        at,
                        "'schedule' needs times: 'schedule: [{ cron: \"0 4 * * *\" }]'",
                    );
                }
                if kind.name == "workflow_call" {
                    contract = Some(Contract::default());
                }
                if triggers.get(&word).is_none() {
                    triggers.events.push(bare(&word, at));
                }
            }
        }
    }
    (triggers, contract)
}

fn known(page: Page<'_>, name: &str, at: Place) -> Option<&'static EventKind> {
    if let Some(instead) = refused_event(name) {
        let message = format!("GitHub has the event '{name}', Solum does not: {instead}");
        page.refuse(at, format!("on.{name}"), message);
        return None;
    }
    let kind = event_kind(name);
    if kind.is_none() {
        let names = EVENTS.iter().map(|event| event.name);
        let mut hint = suggestion(name, names.clone());
        if hint.is_empty() {
            hint = format!("; there are {}", names.collect::<Vec<_>>().join(", "));
        }
        page.mistake(at, format!("there is no event '{name}'{hint}"));
    }
    kind
}

fn bare(event: &str, at: Place) -> Trigger {
    Trigger {
        event: event.to_owned(),
        at,
        types: None,
        branches: None,
        tags: None,
        paths: None,
        schedules: Vec::new(),
        inputs: Vec::new(),
    }
}

fn trigger(page: Page<'_>, kind: &'static EventKind, entry: &Entry) -> Trigger {
    let mut trigger = bare(kind.name, entry.at);
    let node = &entry.node;
    if kind.name == "schedule" {
        trigger.schedules = schedules(page, node);
        return trigger;
    }
    if node.value == Value::Null || kind.name == "workflow_call" {
        return trigger;
    }
    let Some(section) = kind.section else {
        page.mistake(node.at, format!("nothing can be said about '{}'", kind.name));
        return trigger;
    };
    let Some(fields) = page.fields(node, section) else { return trigger };
    if section.name == ON_DISPATCH.name {
        trigger.inputs =
            fields.get("inputs").map(|node| inputs::of_dispatch(page, node)).unwrap_or_default();
        return trigger;
    }
    let pair = |key: &str, ignore: &str| filter(page, &fields, key, ignore);
    let has = |key: &str| section.key(key).is_some();
    trigger.types = has("types").then(|| types(page, &fields, kind)).flatten();
    trigger.branches = has("branches").then(|| pair("branches", "branches-ignore")).flatten();
    trigger.tags = has("tags").then(|| pair("tags", "tags-ignore")).flatten();
    trigger.paths = has("paths").then(|| pair("paths", "paths-ignore")).flatten();
    trigger
}

fn types(page: Page<'_>, fields: &Fields<'_>, kind: &EventKind) -> Option<Vec<String>> {
    let words = page.words(fields.get("types")?);
    for (word, at) in &words {
        if !kind.types.is_empty() && !kind.types.contains(&word.as_str()) {
            let mut hint = suggestion(word, kind.types.iter().copied());
            if hint.is_empty() {
                hint = format!("; there are {}", kind.types.join(", "));
            }
            page.mistake(*at, format!("'{}' has no type '{word}'{hint}", kind.name));
        }
    }
    Some(words.into_iter().map(|(word, _)| word).collect())
}

fn filter(page: Page<'_>, fields: &Fields<'_>, key: &str, ignoring: &str) -> Option<Filter> {
    let (wanted, ignored) = (fields.entry(key), fields.entry(ignoring));
    if let (Some(_), Some(entry)) = (wanted, ignored) {
        let mend = format!("write what is to be ignored with '!' under '{key}'");
        page.mistake(entry.at, format!("'{key}' and '{ignoring}' exclude each other: {mend}"));
        return None;
    }
    let entry = wanted.or(ignored)?;
    let words = page.words(&entry.node);
    if words.len() > MAX_PATTERNS {
        page.mistake(entry.at, format!("there are more than {MAX_PATTERNS} patterns"));
    }
    let mut has_positive = false;
    for (text, at) in &words {
        match Pattern::parse(text) {
            Ok(pattern) => has_positive |= !pattern.negated,
            Err(words) => {
                has_positive = true;
                page.mistake(*at, format!("'{text}' is no pattern: {words}"));
            }
        }
    }
    if wanted.is_some() && !has_positive && !words.is_empty() {
        let mend = format!("add one without '!', as '**', before them, or use '{ignoring}'");
        page.mistake(
            entry.at,
            format!("every pattern of '{key}' excludes, so nothing fits: {mend}"),
        );
    }
    let patterns = words.into_iter().map(|(text, _)| text).collect();
    Some(Filter { ignore: wanted.is_none(), patterns })
}

fn schedules(page: Page<'_>, node: &Node) -> Vec<Schedule> {
    if node.items().is_empty() || node.items().len() > MAX_SCHEDULES {
        let message =
            format!("a list of 1 to {MAX_SCHEDULES} times is wanted: '- cron: \"0 4 * * *\"'");
        page.mistake(node.at, message);
        return Vec::new();
    }
    node.items().iter().filter_map(|item| schedule(page, item)).collect()
}

fn schedule(page: Page<'_>, item: &Node) -> Option<Schedule> {
    let fields = page.fields(item, &ON_SCHEDULE)?;
    let Some(node) = fields.get("cron") else {
        page.mistake(item.at, "'cron' is missing");
        return None;
    };
    let cron = page.word(node)?;
    if let Err(words) = check_cron(cron) {
        page.mistake(node.at, words);
        return None;
    }
    let mut timezone = None;
    if let Some(node) = fields.get("timezone") {
        let name = page.word(node)?;
        if let Err(words) = check_timezone(name) {
            page.mistake(node.at, words);
        }
        timezone = Some(name.to_owned());
    }
    let cron = cron.split_ascii_whitespace().collect::<Vec<_>>().join(" ");
    Some(Schedule { cron, timezone, at: node.at })
}

fn of_call(page: Page<'_>, node: &Node) -> Contract {
    let mut contract = Contract::default();
    if node.value == Value::Null {
        return contract;
    }
    let Some(fields) = page.fields(node, &ON_CALL) else { return contract };
    if let Some(node) = fields.get("inputs") {
        contract.inputs = inputs::of_call(page, node);
    }
    for entry in fields.get("outputs").and_then(|node| page.entries(node)).unwrap_or_default() {
        names::check(page, "an output", &entry.key, entry.at);
        contract.outputs.extend(output(page, entry));
    }
    for entry in fields.get("secrets").and_then(|node| page.entries(node)).unwrap_or_default() {
        let mut required = false;
        if entry.node.value != Value::Null
            && let Some(fields) = page.fields(&entry.node, &CALL_SECRET)
        {
            required = fields.get("required").and_then(|node| page.truth(node)).unwrap_or(false);
        }
        contract.secrets.push(DeclaredSecret { name: entry.key.clone(), required });
    }
    contract
}

fn output(page: Page<'_>, entry: &Entry) -> Option<Output> {
    let fields = page.fields(&entry.node, &CALL_OUTPUT)?;
    let value: Option<Template> = fields.get("value").and_then(|node| page.template(node));
    if value.is_none() {
        page.mistake(entry.at, format!("output '{}' has no 'value'", entry.key));
    }
    Some(Output { name: entry.key.clone(), value: value? })
}
