//! The verbs of delivery: what carries out a step named `solum/…`.
//!
//! Each can be called again for the same step at any time: what it does outside is keyed by (run, job, step), so
//! that it finds what an earlier call began.

mod build;
mod deploy;
mod failure;
mod test;
mod workspace;

use std::collections::BTreeMap;

use store::{App, Change, Run};
use tokio_util::sync::CancellationToken;
use types::{EnvironmentName, RunId, Transcript as _};
use workflow::{NothingLate, StepResult, StepTask, StepView};

use crate::transcripts::RunTranscript;
use crate::workflows::verb;
use crate::{Control, text};
pub(crate) use failure::Problem;
pub(crate) use workspace::directory as workspace_directory;

/// Everything that a verb needs to know of the step it carries out.
pub(crate) struct Step {
    control: Control,
    run: Run,
    app: App,
    change: Option<Change>,
    task: StepTask,
    /// What its `with` gives.
    with: BTreeMap<String, String>,
    environment: Option<EnvironmentName>,
    transcript: RunTranscript,
    cancel: CancellationToken,
}

/// Carries out one attempt of a step. `resumed` says that a former server may have begun it.
pub(crate) async fn perform(
    control: Control,
    run: RunId,
    task: StepTask,
    resumed: bool,
) -> StepResult {
    let transcript = control.inner.transcripts.of(run);
    let cancel = control.inner.cancellations.of(run, &format!("{}/{}", task.job, task.step));
    let name = task.step.clone();
    let step = match load(control, run, task, transcript.clone(), cancel).await {
        Ok(step) => step,
        Err(problem) => return problem.into_result(&transcript),
    };
    if resumed {
        transcript.step(&text::resumed(&name));
    }
    let outcome = match step.task.uses.as_str() {
        verb::TEST => test::perform(&step).await,
        verb::BUILD => build::perform(&step).await,
        verb::DEPLOY | verb::ROLLBACK => deploy::perform(&step).await,
        other => Err(Problem::failed("unknown_verb", format!("there is no step `{other}`"))),
    };
    match outcome {
        Ok(outputs) => StepResult::succeeded(outputs),
        Err(problem) => problem.into_result(&transcript),
    }
}

async fn load(
    control: Control,
    run: RunId,
    task: StepTask,
    transcript: RunTranscript,
    cancel: CancellationToken,
) -> Result<Step, Problem> {
    let store = &control.inner.store;
    let run = store.run(run).await?;
    let app = store.app_by_id(run.app_id).await?;
    let change = store.change_of_run(run.id).await?;
    let state = store.run_state(run.id).await?;
    let view = StepView::of(&state, &task).ok_or_else(|| {
        Problem::internal(format!("the run has no step {}/{}", task.job, task.step))
    })?;
    let with = view.inputs(&NothingLate).map_err(Problem::Failed)?;
    let environment = view.environment().map(str::parse).transpose();
    let environment = environment.map_err(|error: types::InvalidName| {
        Problem::failed("environment_invalid", error.to_string())
    })?;
    Ok(Step { run, app, change, task, with, environment, transcript, cancel, control })
}

impl Step {
    /// A place among the builds that may run at once.
    async fn build_place(&self) -> Result<tokio::sync::SemaphorePermit<'_>, Problem> {
        let builds = &self.control.inner.builds;
        if let Ok(place) = builds.try_acquire() {
            return Ok(place);
        }
        self.transcript.step("Waiting for other builds to end");
        tokio::select! {
            place = builds.acquire() => place.map_err(|_| Problem::Cancelled),
            () = self.cancel.cancelled() => Err(Problem::Cancelled),
        }
    }
}
