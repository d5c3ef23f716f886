//! Reads the steps of a job and of a composite action.

use std::collections::BTreeSet;
use std::time::Duration;

use document::{Node, Place, Value};

use super::definition::{Action, Retry, Step, Template};
use super::duration;
use super::fields::Fields;
use super::keys::{COMPOSITE_STEP, RETRY, STEP, Section, UNDO, WINDOWS_SHELL};
use super::names;
use super::page::Page;
use super::uses;

/// The most steps that one job or action may have.
const MAX_STEPS: usize = 1_000;
const MAX_ATTEMPTS: u32 = 10;

pub(super) fn of_job(page: Page<'_>, node: &Node) -> Vec<Step> {
    read(page, node, &STEP)
}

pub(super) fn of_action(page: Page<'_>, node: &Node) -> Vec<Step> {
    read(page, node, &COMPOSITE_STEP)
}

fn read(page: Page<'_>, node: &Node, section: &'static Section) -> Vec<Step> {
    let Value::List(items) = &node.value else {
        page.mistake(node.at, format!("a list of steps is wanted here, not {}", node.kind()));
        return Vec::new();
    };
    if items.is_empty() || items.len() > MAX_STEPS {
        let message = format!("there are {} steps; 1 to {MAX_STEPS} are possible", items.len());
        page.mistake(node.at, message);
        return Vec::new();
    }
    if page.count_steps(node.at, items.len()).is_none() {
        return Vec::new();
    }
    let mut keys = Keys::default();
    items.iter().filter_map(|item| step(page, item, section, &mut keys)).collect()
}

fn step(page: Page<'_>, node: &Node, section: &'static Section, keys: &mut Keys) -> Option<Step> {
    let fields = page.fields(node, section)?;
    let id = fields.get("id").and_then(|node| keys.id(page, node));
    let action = action(page, &fields, true);
    let is_of_job = section.name == STEP.name;
    if let (false, Some(Action::Run { shell: None, .. })) = (is_of_job, &action) {
        page.mistake(node.at, "a 'run' step of an action needs 'shell': it has no defaults");
    }
    let text = |key| fields.get(key).and_then(|node| page.template(node));
    let step = Step {
        key: id.clone().unwrap_or_default(),
        id,
        at: node.at,
        name: text("name"),
        condition: fields.entry("if").and_then(|entry| condition(page, &entry.node)),
        env: fields.get("env").map(|node| page.variables(node)).unwrap_or_default(),
        continue_on_error: fields.get("continue-on-error").and_then(|node| page.switch(node)),
        timeout_minutes: if is_of_job {
            fields.get("timeout-minutes").and_then(|node| page.amount(node))
        } else {
            None
        },
        retry: fields.get("retry").and_then(|node| retry(page, node)).unwrap_or_default(),
        undo: if is_of_job { fields.get("undo").and_then(|node| undo(page, node)) } else { None },
        gate: None,
        action: action.unwrap_or_else(|| unreadable(node.at)),
    };
    Some(Step { key: keys.of(&step), ..step })
}

/// Stands for an action with a mistake, so that what leans on its step is not called a mistake as well.
fn unreadable(at: Place) -> Action {
    let script = Template { text: String::new(), at };
    Action::Run { script, shell: None, working_directory: None }
}

/// Whether it does: a script that was read is not empty.
pub(super) fn is_unreadable(action: &Action) -> bool {
    matches!(action, Action::Run { script, .. } if script.text.is_empty())
}

/// `if:`, which may hold nothing but an expression.
pub(super) fn condition(page: Page<'_>, node: &Node) -> Option<Template> {
    let template = page.template(node)?;
    if template.text.trim().is_empty() {
        page.mistake(node.at, "'if' is empty: write an expression, or leave the key out");
        return None;
    }
    Some(template)
}

fn undo(page: Page<'_>, node: &Node) -> Option<Box<Action>> {
    let fields = page.fields(node, &UNDO)?;
    let action = action(page, &fields, false)?;
    if let (Action::Verb { verb, .. }, Some(uses)) = (&action, fields.get("uses"))
        && TAKES_NOTHING_BACK.contains(&verb.as_str())
    {
        let mend = "write a 'run', an action, or a verb such as 'solum/rollback'";
        page.mistake(uses.at, format!("'{verb}' takes nothing back: {mend}"));
        return None;
    }
    Some(Box::new(action))
}

/// Verbs that change nothing outside, or that nobody could answer in a run that has failed.
const TAKES_NOTHING_BACK: [&str; 3] = ["solum/approve", "solum/build", "solum/test"];

fn action(page: Page<'_>, fields: &Fields<'_>, is_step: bool) -> Option<Action> {
    let what = if is_step { "a step" } else { "'undo'" };
    match (fields.entry("run"), fields.entry("uses")) {
        (Some(_), Some(entry)) => {
            page.mistake(entry.at, format!("{what} has either 'run' or 'uses', not both"));
            None
        }
        (Some(entry), None) => {
            misplaced(page, fields, &["with"], "uses");
            let script = page.template(&entry.node)?;
            if script.text.is_empty() {
                page.mistake(entry.at, "'run' is empty");
                return None;
            }
            Some(Action::Run {
                script,
                shell: fields.get("shell").and_then(|node| shell(page, node)),
                working_directory: fields
                    .get("working-directory")
                    .and_then(|node| page.template(node)),
            })
        }
        (None, Some(entry)) => {
            misplaced(page, fields, &["shell", "working-directory"], "run");
            let with = fields.get("with");
            uses::read(page, &entry.node, with)
        }
        (None, None) => {
            let is_refused = fields.entries().iter().any(|entry| {
                matches!(entry.key.as_str(), "wait" | "wait-all" | "cancel" | "parallel")
            });
            if !is_refused {
                page.mistake(fields.at, format!("{what} needs 'run' or 'uses'"));
            }
            None
        }
    }
}

fn misplaced(page: Page<'_>, fields: &Fields<'_>, keys: &[&str], owner: &str) {
    for key in keys {
        if let Some(entry) = fields.entry(key) {
            page.mistake(entry.at, format!("'{key}' belongs to a step with '{owner}'"));
        }
    }
}

/// A shell's name, or a command with `{0}` where the script's path is to stand.
pub(super) fn shell(page: Page<'_>, node: &Node) -> Option<Template> {
    let template = page.template(node)?;
    let text = template.text.trim();
    match text {
        _ if text.contains("${{") || text.contains("{0}") => {}
        "bash" | "sh" | "python" | "node" => {}
        "pwsh" | "powershell" | "cmd" => page.refuse_thing(node.at, text, &WINDOWS_SHELL),
        _ => {
            let known = ["bash", "sh", "python", "node"];
            let hint = document::suggestion(text, known);
            let message = format!("'{text}' is no shell{hint}: {}", WINDOWS_SHELL.instead);
            page.mistake(node.at, message);
        }
    }
    Some(template)
}

fn retry(page: Page<'_>, node: &Node) -> Option<Retry> {
    let fields = page.fields(node, &RETRY)?;
    let mut retry = Retry { attempts: 2, backoff: Duration::from_secs(1) };
    if let Some(node) = fields.get("attempts") {
        let attempts = node.text().and_then(|text| text.parse().ok());
        match attempts.filter(|attempts| (1..=MAX_ATTEMPTS).contains(attempts)) {
            Some(attempts) => retry.attempts = attempts,
            None => {
                page.mistake(node.at, format!("'attempts' is a number from 1 to {MAX_ATTEMPTS}"))
            }
        }
    } else {
        page.mistake(fields.at, "'attempts' is missing: how often the step may be tried");
    }
    if let Some(node) = fields.get("backoff") {
        match duration::parse(page.word(node)?) {
            Ok(backoff) => retry.backoff = backoff,
            Err(words) => page.mistake(node.at, words),
        }
    }
    Some(retry)
}

/// The names of steps that are siblings.
#[derive(Default)]
struct Keys {
    taken: BTreeSet<String>,
}

impl Keys {
    fn id(&mut self, page: Page<'_>, node: &Node) -> Option<String> {
        let id = page.word(node)?;
        if !names::check(page, "a step", id, node.at) {
            return None;
        }
        if id.starts_with("__") {
            page.mistake(
                node.at,
                format!("'{id}': ids that begin with '__' are for steps without"),
            );
            return None;
        }
        if !self.taken.insert(id.to_ascii_lowercase()) {
            self.twice(page, id, node.at);
        }
        Some(id.to_owned())
    }

    fn twice(&self, page: Page<'_>, id: &str, at: Place) {
        page.mistake(at, format!("another step before this one has the id '{id}'"));
    }

    /// GitHub's names for steps without an id: `__run`, `__actions_checkout`, `__run_2`.
    fn of(&mut self, step: &Step) -> String {
        if let Some(id) = &step.id {
            return id.clone();
        }
        let name = match &step.action {
            Action::Run { .. } => "run",
            Action::Verb { verb: name, .. } | Action::BuiltIn { name, .. } => name,
            Action::Composite { action, .. } => &action.file,
            Action::JavaScript { action, .. } => &action.file,
        };
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let name: String = name.chars().map(|c| if is_word(c) { c } else { '_' }).collect();
        let mut key = format!("__{name}");
        let mut number = 1;
        while !self.taken.insert(key.clone()) {
            number += 1;
            key = format!("__{name}_{number}");
        }
        key
    }
}
