//! The checks of a file that has been read: expressions, at every place where one may stand, and the names in them.

use super::definition::{
    Action, CallSecrets, Concurrency, Defaults, Definition, Job, Step, Template, Variables, Work,
};
use super::jobs::Draft;
use super::known::{self, Here, Named, Outputs};
use super::on::Contract;
use super::page::Page;
use super::slots::{self, Slot, expression};
use super::triggers::Triggers;

/// A place where expressions may stand, with the names that are known there.
#[derive(Clone, Copy)]
struct Spot<'a> {
    page: Page<'a>,
    here: &'a Here,
}

impl Spot<'_> {
    fn one(self, template: Option<&Template>, slot: &Slot) {
        if let Some(template) = template {
            expression(self.page, template, slot, self.here);
        }
    }

    fn each(self, variables: &Variables, slot: &Slot) {
        for (_, template) in variables {
            expression(self.page, template, slot, self.here);
        }
    }

    fn defaults(self, defaults: &Defaults, slot: &Slot) {
        self.one(defaults.shell.as_ref(), slot);
        self.one(defaults.working_directory.as_ref(), slot);
    }

    fn concurrency(self, concurrency: Option<&Concurrency>, slot: &Slot) {
        let Some(concurrency) = concurrency else { return };
        self.one(Some(&concurrency.group), slot);
        self.one(concurrency.cancel_in_progress.as_ref(), slot);
    }
}

pub(super) fn workflow(
    page: Page<'_>,
    definition: &Definition,
    triggers: &Triggers,
    contract: Option<&Contract>,
    drafts: &[Draft],
) {
    let mut inputs = known::of_inputs(&definition.inputs);
    inputs.extend(contract.map(|contract| known::of_inputs(&contract.inputs)).unwrap_or_default());
    let all: Vec<_> = drafts.iter().map(of_draft).collect();
    let here = Here { inputs, matrix: Some(Vec::new()), ..Here::default() };
    let spot = Spot { page, here: &here };
    spot.one(definition.run_name.as_ref(), &slots::WORKFLOW);
    spot.concurrency(definition.concurrency.as_ref(), &slots::WORKFLOW);
    spot.each(&definition.env, &slots::WORKFLOW_ENV);
    spot.defaults(&definition.defaults, &slots::NONE);
    let dispatched = triggers.events.iter().flat_map(|trigger| &trigger.inputs);
    for input in dispatched {
        spot.one(input.default.as_ref(), &Slot { keys: "", ..slots::NONE });
    }
    if let Some(contract) = contract {
        let with_jobs = Here { jobs: all.clone(), ..here.clone() };
        let spot = Spot { here: &with_jobs, ..spot };
        for input in &contract.inputs {
            spot.one(input.default.as_ref(), &slots::WORKFLOW);
        }
        for output in &contract.outputs {
            spot.one(Some(&output.value), &slots::CALL_OUTPUT);
        }
    }
    for draft in drafts {
        let is_needed =
            |name: &str| draft.job.needs.iter().any(|needed| needed.eq_ignore_ascii_case(name));
        let needs = all.iter().filter(|(name, _)| is_needed(name)).cloned().collect();
        let matrix = known::of_matrix(&draft.job);
        let here = Here { needs, matrix, ..here.clone() };
        job(Spot { page, here: &here }, draft);
    }
}

fn of_draft(draft: &Draft) -> Named {
    let (key, outputs) = known::of_job(&draft.job);
    (key, if draft.is_unreadable { Outputs::Anything } else { outputs })
}

fn job(spot: Spot<'_>, draft: &Draft) {
    let job = &draft.job;
    spot.one(job.condition.as_ref(), &slots::JOB_IF);
    for template in &draft.in_matrix {
        spot.one(Some(template), &slots::STRATEGY);
    }
    if let Some(strategy) = &job.strategy {
        spot.one(strategy.fail_fast.as_ref(), &slots::STRATEGY);
        spot.one(strategy.max_parallel.as_ref(), &slots::STRATEGY);
    }
    spot.one(job.name.as_ref(), &slots::JOB);
    spot.one(job.environment.as_ref().map(|environment| &environment.name), &slots::JOB);
    spot.concurrency(job.concurrency.as_ref(), &slots::JOB);
    spot.one(job.timeout_minutes.as_ref(), &slots::JOB);
    spot.one(job.continue_on_error.as_ref(), &slots::JOB);
    spot.each(&job.env, &slots::JOB_ENV);
    spot.defaults(&job.defaults, &slots::JOB_DEFAULTS);
    match &job.work {
        Work::Steps { runs_on, steps } => {
            for label in &runs_on.labels {
                spot.one(Some(label), &slots::JOB);
            }
            with_steps(spot, job, steps);
        }
        Work::Call(call) => {
            spot.each(&call.with, &slots::JOB);
            if let CallSecrets::Named(secrets) = &call.secrets {
                spot.each(secrets, &slots::JOB_ENV);
            }
        }
    }
}

fn with_steps(spot: Spot<'_>, job: &Job, steps: &[Step]) {
    let here = in_turn(spot, steps, &slots::STEP, &slots::STEP_IF);
    let spot = Spot { here: &here, ..spot };
    spot.each(&job.outputs, &slots::JOB_OUTPUT);
    let url = job.environment.as_ref().and_then(|environment| environment.url.as_ref());
    spot.one(url, &slots::ENVIRONMENT_URL);
}

/// Each step sees those before it; gives what is seen after the last.
fn in_turn(spot: Spot<'_>, steps: &[Step], slot: &Slot, condition: &Slot) -> Here {
    let mut here = spot.here.clone();
    here.steps.clear();
    for step in steps {
        one_step(Spot { here: &here, ..spot }, step, slot, condition);
        here.steps.extend(known::of_step(step));
    }
    here
}

fn one_step(spot: Spot<'_>, step: &Step, slot: &Slot, condition: &Slot) {
    spot.one(step.condition.as_ref(), condition);
    spot.one(step.name.as_ref(), slot);
    spot.each(&step.env, slot);
    spot.one(step.continue_on_error.as_ref(), slot);
    spot.one(step.timeout_minutes.as_ref(), slot);
    action(spot, &step.action, slot);
    if let Some(undo) = &step.undo {
        // What is undone has been done: its own outputs are there.
        let mut here = spot.here.clone();
        here.steps.extend(known::of_step(step));
        action(Spot { here: &here, ..spot }, undo, slot);
    }
}

fn action(spot: Spot<'_>, action: &Action, slot: &Slot) {
    match action {
        Action::Run { script, shell, working_directory } => {
            spot.one(Some(script), slot);
            spot.one(shell.as_ref(), slot);
            spot.one(working_directory.as_ref(), slot);
        }
        Action::Verb { with, .. }
        | Action::BuiltIn { with, .. }
        | Action::Composite { with, .. }
        | Action::JavaScript { with, .. } => spot.each(with, slot),
    }
}

/// What stands in an action's own file.
pub(super) fn in_action(page: Page<'_>, read: &Action) {
    let inputs = match read {
        Action::Composite { action, .. } => &action.inputs,
        Action::JavaScript { action, .. } => &action.inputs,
        Action::Run { .. } | Action::Verb { .. } | Action::BuiltIn { .. } => return,
    };
    // The job that uses it may have any matrix.
    let here = Here { inputs: known::of_inputs(inputs), ..Here::default() };
    let spot = Spot { page, here: &here };
    for input in inputs {
        spot.one(input.default.as_ref(), &slots::ACTION_DEFAULT);
    }
    match read {
        Action::Composite { action, .. } => {
            let here = in_turn(spot, &action.steps, &slots::ACTION_STEP, &slots::ACTION_STEP_IF);
            let spot = Spot { here: &here, ..spot };
            for output in &action.outputs {
                spot.one(Some(&output.value), &slots::ACTION_OUTPUT);
            }
        }
        Action::JavaScript { action, .. } => {
            spot.one(action.pre_if.as_ref(), &slots::ACTION_IF);
            spot.one(action.post_if.as_ref(), &slots::ACTION_IF);
        }
        Action::Run { .. } | Action::Verb { .. } | Action::BuiltIn { .. } => {}
    }
}
