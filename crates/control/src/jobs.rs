//! Steps of jobs that need a box, or a job's directories: `run` steps, JavaScript actions, and the actions that are built in.
//!
//! A command runs under a shim of its own ([`deploy::steps`]), which outlives the server. A server that takes such a step up
//! again finds its process by its key, reads its output from the beginning into a log that has some of it already, and
//! goes on. Nothing here decides what comes of a result; that is the engine's.
//!
//! # The invariants
//!
//! * A step's process is forgotten only after its result was recorded, and so are the files in which it left its outputs: until
//!   then both are found, and nothing is begun twice.
//! * No secret leaves through a result, a log or a transcript. What a step hands on and holds one goes through the
//!   run's [`vault`]; the journal has a token in its place.

mod action_files;
mod boxed;
mod built_in;
mod ground;
mod here;
mod labels;
mod launch;
mod left;
mod telling;
pub(crate) mod vault;

use std::sync::Arc;

use deploy::steps::StepKey;

use workflow::language::Action;
use workflow::{StepResult, StepTask};

use crate::Control;
use crate::error::chain;
use crate::steps::{Problem, Step};
pub(crate) use here::Here;
pub(crate) use labels::Runner;

/// Whether a task is one of these.
pub(crate) fn carries_out(task: &StepTask) -> bool {
    !task.uses.starts_with("solum/")
}

/// Carries out one attempt of a step, or goes on with it.
pub(crate) async fn perform(step: &Arc<Step>) -> Result<StepResult, Problem> {
    match step.view().action() {
        Action::Run { .. } | Action::JavaScript { .. } => boxed::perform(step).await,
        Action::BuiltIn { .. } => built_in::perform(step).await,
        Action::Verb { .. } | Action::Composite { .. } => {
            let uses = &step.task.uses;
            Err(Problem::internal(format!("`{uses}` is nothing that a box carries out")))
        }
    }
}

/// After its result was recorded, nothing asks for the step any more.
pub(crate) async fn forget(control: &Control, run: types::RunId, task: &StepTask) {
    let key = key(run, task);
    if let Err(error) = control.inner.steps.forget(&key, control.inner.epoch).await {
        // The end of the run, or the sweep after it, removes it.
        tracing::info!(%key, error = %chain(&error), "a step was not forgotten");
    }
    let (control, of) = (control.clone(), key.clone());
    let removed = tokio::task::spawn_blocking(move || ground::forget_files(&control, &of)).await;
    if let Err(error) = removed.unwrap_or_else(|error| Err(std::io::Error::other(error))) {
        tracing::info!(%key, %error, "the files of a step were not removed");
    }
}

/// One attempt of a step, wherever it is carried out.
pub(crate) fn key(run: types::RunId, task: &StepTask) -> StepKey {
    StepKey { run, leg: task.job.clone(), step: task.step.clone(), attempt: task.attempt }
}
