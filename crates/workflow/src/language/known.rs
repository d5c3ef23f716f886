//! Which names the contexts have at a place, as far as that can be known before anything runs.

use crate::expression::{Known, Names};

use super::definition::{Action, Input, Job, Matrix, Step, Work};
use super::keys::BUILT_IN;
use super::verbs;

/// What the names of `outputs` are.
#[derive(Debug, Clone, Default)]
pub(super) enum Outputs {
    /// Whatever a script writes.
    #[default]
    Anything,
    Only(Vec<String>),
    /// What an action says, which may give others all the same.
    Usually(Vec<String>),
}

impl Outputs {
    fn known(&self) -> Known<'_> {
        match self {
            Self::Anything => Known::Anything,
            Self::Only(names) => Known::Only(names.iter().map(String::as_str).collect()),
            Self::Usually(names) => Known::Usually(names.iter().map(String::as_str).collect()),
        }
    }
}

/// Something that has outputs, under its name: a job, a step.
pub(super) type Named = (String, Outputs);

/// The names at one place.
#[derive(Debug, Clone, Default)]
pub(super) struct Here {
    pub(super) needs: Vec<Named>,
    pub(super) jobs: Vec<Named>,
    pub(super) steps: Vec<Named>,
    pub(super) inputs: Vec<String>,
    /// `None`: an expression decides.
    pub(super) matrix: Option<Vec<String>>,
}

const RESULT: [&str; 2] = ["outputs", "result"];
const STEP: [&str; 3] = ["outputs", "outcome", "conclusion"];
const STRATEGY: [&str; 4] = ["fail-fast", "job-index", "job-total", "max-parallel"];
const RUNNER: [&str; 8] =
    ["name", "os", "arch", "temp", "tool_cache", "debug", "environment", "workspace"];
const JOB: [&str; 3] = ["status", "container", "services"];
const GITHUB: [&str; 38] = [
    "action",
    "action_path",
    "action_ref",
    "action_repository",
    "action_status",
    "actor",
    "actor_id",
    "api_url",
    "base_ref",
    "env",
    "event",
    "event_name",
    "event_path",
    "graphql_url",
    "head_ref",
    "job",
    "output",
    "path",
    "ref",
    "ref_name",
    "ref_protected",
    "ref_type",
    "repository",
    "repository_id",
    "repository_owner",
    "repository_owner_id",
    "repositoryUrl",
    "retention_days",
    "run_attempt",
    "run_id",
    "run_number",
    "secret_source",
    "server_url",
    "sha",
    "token",
    "triggering_actor",
    "workflow",
    "workspace",
];
const GITHUB_MORE: [&str; 3] = ["workflow_ref", "workflow_sha", "step_summary"];

impl Names for Here {
    fn after(&self, path: &[&str]) -> Known<'_> {
        match path {
            ["needs"] => names(&self.needs),
            ["jobs"] => names(&self.jobs),
            ["steps"] => names(&self.steps),
            ["needs" | "jobs", _] => Known::Only(RESULT.to_vec()),
            ["steps", _] => Known::Only(STEP.to_vec()),
            ["needs", job, "outputs"] => outputs(&self.needs, job),
            ["jobs", job, "outputs"] => outputs(&self.jobs, job),
            ["steps", step, "outputs"] => outputs(&self.steps, step),
            ["inputs"] => Known::Only(self.inputs.iter().map(String::as_str).collect()),
            ["matrix"] => match &self.matrix {
                Some(names) => Known::Only(names.iter().map(String::as_str).collect()),
                None => Known::Anything,
            },
            ["strategy"] => Known::Only(STRATEGY.to_vec()),
            ["runner"] => Known::Usually(RUNNER.to_vec()),
            ["job"] => Known::Usually(JOB.to_vec()),
            ["github" | "solum"] => Known::Usually([&GITHUB[..], &GITHUB_MORE[..]].concat()),
            _ => Known::Anything,
        }
    }
}

fn names(list: &[Named]) -> Known<'_> {
    Known::Only(list.iter().map(|(name, _)| name.as_str()).collect())
}

fn outputs<'a>(list: &'a [Named], name: &str) -> Known<'a> {
    let found = list.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    found.map_or(Known::Anything, |(_, outputs)| outputs.known())
}

pub(super) fn of_job(job: &Job) -> Named {
    let names: Vec<String> = match &job.work {
        Work::Steps { .. } => job.outputs.iter().map(|(name, _)| name.clone()).collect(),
        Work::Call(call) => {
            call.workflow.outputs.iter().map(|output| output.name.clone()).collect()
        }
    };
    (job.key.clone(), Outputs::Only(names))
}

/// Nothing for a step without an id.
pub(super) fn of_step(step: &Step) -> Option<Named> {
    let listed = |names: &[&str]| Outputs::Only(names.iter().map(|&n| n.to_owned()).collect());
    let outputs = match &step.action {
        Action::Run { .. } => Outputs::Anything,
        Action::Verb { verb, .. } => listed(verbs::verb(verb).map_or(&[], |verb| verb.outputs)),
        Action::BuiltIn { name, .. } => {
            let action = BUILT_IN.iter().find(|action| action.name() == name);
            listed(action.map_or(&[], |action| action.outputs))
        }
        Action::Composite { action, .. } => {
            Outputs::Only(action.outputs.iter().map(|output| output.name.clone()).collect())
        }
        Action::JavaScript { action, .. } if action.outputs.is_empty() => Outputs::Anything,
        Action::JavaScript { action, .. } => Outputs::Usually(action.outputs.clone()),
    };
    Some((step.id.clone()?, outputs))
}

pub(super) fn of_matrix(job: &Job) -> Option<Vec<String>> {
    match job.strategy.as_ref().and_then(|strategy| strategy.matrix.as_ref()) {
        None => Some(Vec::new()),
        Some(Matrix::Whole(_)) => None,
        Some(Matrix::Axes { axes, include, .. }) => {
            let mut names: Vec<String> = axes.iter().map(|(name, _)| name.clone()).collect();
            for entry in include.iter().flat_map(|list| list.as_array()).flatten() {
                names.extend(entry.as_object()?.keys().cloned());
            }
            let is_known = include.as_ref().is_none_or(serde_json::Value::is_array);
            is_known.then_some(names)
        }
    }
}

pub(super) fn of_inputs(inputs: &[Input]) -> Vec<String> {
    inputs.iter().map(|input| input.name.clone()).collect()
}
