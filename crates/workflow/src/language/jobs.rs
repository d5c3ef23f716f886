//! Reads jobs.

use document::{Entry, Node, Place, Value};

use super::calls;
use super::definition::{
    Action, Concurrency, Defaults, EnvironmentUse, Job, Queue, RunsOn, Step, Template, Work,
};
use super::fields::Fields;
use super::keys::{
    CALLING, CONCURRENCY, DEFAULTS, DEFAULTS_RUN, ENVIRONMENT, ENVIRONMENT_NAME, JOB, RUNS_ON,
    Support,
};
use super::matrix;
use super::names;
use super::page::Page;
use super::steps;

/// A job, and what only its checks need.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) job: Job,
    /// Where each of its needs stands.
    pub(super) needs: Vec<(String, Place)>,
    /// Every text in its matrix that may hold an expression.
    pub(super) in_matrix: Vec<Template>,
    /// What it does could not be read, which is a mistake already: nothing that leans on it is one as well.
    pub(super) is_unreadable: bool,
}

/// The most jobs that one file may have.
const MAX_JOBS: usize = 256;

pub(super) fn read(page: Page<'_>, node: &Node) -> Vec<Draft> {
    let Some(entries) = page.entries(node) else { return Vec::new() };
    if entries.is_empty() || entries.len() > MAX_JOBS {
        let message = format!("there are {} jobs; 1 to {MAX_JOBS} are possible", entries.len());
        page.mistake(node.at, message);
        return Vec::new();
    }
    entries.iter().filter_map(|entry| job(page, entry)).collect()
}

fn job(page: Page<'_>, entry: &Entry) -> Option<Draft> {
    names::check(page, "a job", &entry.key, entry.at);
    let fields = page.fields(&entry.node, &JOB)?;
    let needs = fields.get("needs").map(|node| page.words(node)).unwrap_or_default();
    let strategy = fields.get("strategy").and_then(|node| matrix::read(page, node));
    let (strategy, in_matrix) =
        strategy.map_or((None, Vec::new()), |read| (Some(read.strategy), read.inside));
    if let Some(node) = fields.get("permissions") {
        super::permissions::check(page, node);
    }
    let work = work(page, entry, &fields);
    let is_unreadable = work.is_none();
    let text = |key| fields.get(key).and_then(|node| page.template(node));
    let job = Job {
        key: entry.key.clone(),
        at: entry.at,
        name: text("name"),
        needs: needs.iter().map(|(name, _)| name.clone()).collect(),
        condition: fields.entry("if").and_then(|entry| steps::condition(page, &entry.node)),
        environment: fields.get("environment").and_then(|node| environment(page, node)),
        strategy,
        env: fields.get("env").map(|node| page.variables(node)).unwrap_or_default(),
        defaults: fields.get("defaults").map(|node| defaults(page, node)).unwrap_or_default(),
        concurrency: fields.get("concurrency").and_then(|node| concurrency(page, node)),
        outputs: fields.get("outputs").map(|node| page.variables(node)).unwrap_or_default(),
        timeout_minutes: fields.get("timeout-minutes").and_then(|node| page.amount(node)),
        continue_on_error: fields.get("continue-on-error").and_then(|node| page.switch(node)),
        work: work
            .unwrap_or(Work::Steps { runs_on: RunsOn { labels: Vec::new() }, steps: Vec::new() }),
    };
    Some(Draft { job, needs, in_matrix, is_unreadable })
}

fn work(page: Page<'_>, entry: &Entry, fields: &Fields<'_>) -> Option<Work> {
    let key = &entry.key;
    if let Some(uses) = fields.get("uses") {
        for other in fields.entries() {
            let known = JOB.key(&other.key).map(|key| key.support);
            let is_read = matches!(known, Some(Support::Read | Support::NoEffect(_)));
            if is_read && !CALLING.contains(&other.key.as_str()) {
                let (what, list) = (&other.key, CALLING.join(", "));
                page.mistake(
                    other.at,
                    format!("a job that calls a workflow has no '{what}': {list}"),
                );
            }
        }
        return calls::read(page, uses, fields).map(|call| Work::Call(Box::new(call)));
    }
    for name in ["with", "secrets"] {
        if let Some(entry) = fields.entry(name) {
            page.mistake(
                entry.at,
                format!("'{name}' belongs to a job that calls a workflow ('uses')"),
            );
        }
    }
    let runs_on = match fields.get("runs-on") {
        Some(node) => runs_on(page, node),
        None => {
            let mend = "'linux' is a box on this machine, 'solum' is for solum/* steps alone";
            page.mistake(entry.at, format!("job '{key}' has no 'runs-on': {mend}"));
            None
        }
    };
    let steps = match fields.get("steps") {
        Some(node) => steps::of_job(page, node),
        None => {
            page.mistake(entry.at, format!("job '{key}' has neither 'steps' nor 'uses'"));
            Vec::new()
        }
    };
    let runs_on = runs_on?;
    if let [label] = runs_on.labels.as_slice()
        && label.text == "solum"
    {
        only_verbs(page, &steps);
    }
    Some(Work::Steps { runs_on, steps })
}

fn only_verbs(page: Page<'_>, steps: &[Step]) {
    for step in steps {
        let is_verb = matches!(step.action, Action::Verb { .. });
        if !is_verb && !steps::is_unreadable(&step.action) {
            let mend = "let the job run on 'linux', or use a solum/* step";
            page.mistake(
                step.at,
                format!("a job that runs on 'solum' has no box for this step: {mend}"),
            );
        }
    }
}

fn runs_on(page: Page<'_>, node: &Node) -> Option<RunsOn> {
    let list = match &node.value {
        Value::Map(_) => match page.fields(node, &RUNS_ON)?.get("labels") {
            Some(labels) => labels,
            None => {
                page.mistake(node.at, "'labels' is missing: 'runs-on: linux'");
                return None;
            }
        },
        _ => node,
    };
    let labels: Vec<Template> = match &list.value {
        Value::List(items) => items.iter().filter_map(|item| page.template(item)).collect(),
        _ => page.template(list).into_iter().collect(),
    };
    if labels.is_empty() || labels.iter().any(|label| label.text.trim().is_empty()) {
        page.mistake(list.at, "a label is wanted here, as 'linux'");
        return None;
    }
    Some(RunsOn { labels })
}

fn environment(page: Page<'_>, node: &Node) -> Option<EnvironmentUse> {
    let (name, url) = match &node.value {
        Value::Map(_) => {
            let fields = page.fields(node, &ENVIRONMENT)?;
            let Some(name) = fields.get("name") else {
                page.mistake(node.at, "'name' is missing: which environment");
                return None;
            };
            (page.template(name)?, fields.get("url").and_then(|node| page.template(node)))
        }
        _ => (page.template(node)?, None),
    };
    // A name that is empty once it is evaluated means that there is none.
    if !name.text.contains("${{")
        && let Err(error) = name.text.parse::<types::EnvironmentName>()
    {
        page.refuse(name.at, ENVIRONMENT_NAME.what, error.to_string());
    }
    Some(EnvironmentUse { name, url })
}

pub(super) fn defaults(page: Page<'_>, node: &Node) -> Defaults {
    let run = page.fields(node, &DEFAULTS).and_then(|fields| fields.get("run"));
    let Some(fields) = run.and_then(|node| page.fields(node, &DEFAULTS_RUN)) else {
        return Defaults::default();
    };
    Defaults {
        shell: fields.get("shell").and_then(|node| steps::shell(page, node)),
        working_directory: fields.get("working-directory").and_then(|node| page.template(node)),
    }
}

pub(super) fn concurrency(page: Page<'_>, node: &Node) -> Option<Concurrency> {
    if !matches!(node.value, Value::Map(_)) {
        let group = page.template(node)?;
        return Some(Concurrency { group, cancel_in_progress: None, queue: Queue::Single });
    }
    let fields = page.fields(node, &CONCURRENCY)?;
    let Some(group) = fields.get("group") else {
        page.mistake(node.at, "'group' is missing");
        return None;
    };
    let cancel_in_progress = fields.get("cancel-in-progress").and_then(|node| page.switch(node));
    let queue = match fields.get("queue").map(|node| (node.at, page.word(node))) {
        None | Some((_, Some("single"))) => Queue::Single,
        Some((at, Some("max"))) => {
            if cancel_in_progress.as_ref().is_some_and(|cancel| cancel.text == "true") {
                page.mistake(at, "nothing queues where 'cancel-in-progress' is true");
            }
            Queue::Max
        }
        Some((at, _)) => {
            page.mistake(at, "'queue' is 'single' or 'max'");
            Queue::Single
        }
    };
    Some(Concurrency { group: page.template(group)?, cancel_in_progress, queue })
}
