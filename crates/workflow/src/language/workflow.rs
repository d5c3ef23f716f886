//! Reads a workflow file as a whole.

use document::{Node, Place, Value};

use super::definition::{Defaults, Definition, Job};
use super::jobs::{self, Draft};
use super::keys::ROOT;
use super::on::{self, Contract};
use super::order;
use super::page::Page;
use super::triggers::Triggers;

pub(super) struct Read {
    pub(super) definition: Definition,
    pub(super) triggers: Triggers,
    /// When it can be called.
    pub(super) contract: Option<Contract>,
}

const START: Place = Place { line: 1, column: 1 };

pub(super) fn read(page: Page<'_>, text: &str) -> Option<Read> {
    let node = match Node::from_yaml(page.file, text) {
        Ok(node) => node,
        Err(mistake) => {
            page.mistake(mistake.at.unwrap_or(START), mistake.message);
            return None;
        }
    };
    if node.value == Value::Null {
        page.mistake(START, "the file is empty: a workflow needs 'on' and 'jobs'");
        return None;
    }
    let fields = page.fields(&node, &ROOT)?;
    let (triggers, contract) = match fields.get("on") {
        Some(node) => on::read(page, node),
        None => {
            page.mistake(fields.at, "'on' is missing: what starts the workflow, as 'on: push'");
            (Triggers::default(), None)
        }
    };
    if let Some(node) = fields.get("permissions") {
        super::permissions::check(page, node);
    }
    let drafts = match fields.get("jobs") {
        Some(node) => jobs::read(page, node),
        None => {
            page.mistake(fields.at, "'jobs' is missing");
            Vec::new()
        }
    };
    let name = fields.get("name").and_then(|node| page.template(node)).map(|name| name.text);
    let mut definition = Definition {
        file: page.file.to_owned(),
        name: name.filter(|name| !name.is_empty()).unwrap_or_else(|| page.file.to_owned()),
        run_name: fields.get("run-name").and_then(|node| page.template(node)),
        inputs: triggers.get("workflow_dispatch").map(|on| on.inputs.clone()).unwrap_or_default(),
        outputs: Vec::new(),
        env: fields.get("env").map(|node| page.variables(node)).unwrap_or_default(),
        defaults: fields
            .get("defaults")
            .map_or_else(Defaults::default, |node| jobs::defaults(page, node)),
        concurrency: fields.get("concurrency").and_then(|node| jobs::concurrency(page, node)),
        jobs: Vec::new(),
    };
    super::check::workflow(page, &definition, &triggers, contract.as_ref(), &drafts);
    definition.jobs = in_order(page, drafts);
    Some(Read { definition, triggers, contract })
}

fn in_order(page: Page<'_>, drafts: Vec<Draft>) -> Vec<Job> {
    let needs: Vec<_> =
        drafts.iter().map(|draft| (draft.job.key.as_str(), draft.needs.as_slice())).collect();
    let places = order::check(page, &needs);
    let mut jobs: Vec<_> = drafts.into_iter().map(|draft| Some(draft.job)).collect();
    // What is missing from `places` stands in a circle, which is a mistake.
    places.into_iter().filter_map(|place| jobs[place].take()).collect()
}
