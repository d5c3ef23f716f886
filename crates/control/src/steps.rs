//! What carries out the steps of runs: here the verbs of delivery, named `solum/…`; the others are [`jobs`]'.
//!
//! Each can be called again for the same step at any time: what it does outside is keyed by (run, job, step), so
//! that it finds what an earlier call began.

mod build;
mod call;
mod deploy;
mod failure;
mod http;
mod inputs;
mod notify;
mod once;
mod smoke;
mod telling;
mod test;
mod workspace;

use std::collections::BTreeMap;
use std::sync::Arc;

use store::{App, Change, Run};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio_util::sync::CancellationToken;
use types::{EnvironmentName, RunId, Transcript as _};
use workflow::{State, StepResult, StepTask, StepView};

use crate::actions::masks::Masks;
use crate::error::chain;
use crate::jobs::vault::Vault;
use crate::jobs::{self, Here};
use crate::transcripts::RunTranscript;
use crate::workflows::verb;
use crate::{Control, text};
pub(crate) use failure::Problem;
use telling::VerbLog;
pub(crate) use workspace::directory as workspace_directory;

/// Everything that is needed to know of a step to carry it out.
pub(crate) struct Step {
    pub(crate) control: Control,
    pub(crate) run: Run,
    pub(crate) app: App,
    change: Option<Change>,
    pub(crate) task: StepTask,
    pub(crate) state: State,
    /// What its workflow may read.
    pub(crate) secrets: BTreeMap<String, String>,
    /// What the run has kept to itself before this step.
    pub(crate) vault: Vault,
    /// Hides all of it.
    pub(crate) masks: Masks,
    /// What a verb's `with` gives.
    with: BTreeMap<String, String>,
    environment: Option<EnvironmentName>,
    pub(crate) transcript: RunTranscript,
    pub(crate) cancel: CancellationToken,
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
        Ok(Some(step)) => step,
        Ok(None) => return StepResult::Skipped,
        Err(problem) => return told(problem.into_result(), &transcript),
    };
    if jobs::carries_out(&step.task) {
        let step = Arc::new(step);
        let result = jobs::perform(&step).await;
        return told(step.hide(result.unwrap_or_else(Problem::into_result)), &transcript);
    }
    let result = perform_aloud(step, resumed.then_some(name.as_str())).await;
    told(result, &transcript)
}

/// Carries out a verb; what it says is in the transcript and in the log of its step. `resumed` is its name where a former
/// server may have begun it.
async fn perform_aloud(mut step: Step, resumed: Option<&str>) -> StepResult {
    let log = match VerbLog::open(&step) {
        Ok(log) => log,
        Err(error) => return step.hide(Problem::from(error).into_result()),
    };
    step.transcript = step.transcript.heard_by(log.clone());
    if let Some(name) = resumed {
        step.transcript.step(&text::resumed(name));
    }
    let result = perform_verb(&step).await.map(StepResult::succeeded);
    // Whoever follows the log learns of its end before the result is recorded, and finds it whole.
    if let Err(error) = tokio::task::spawn_blocking(move || log.close()).await {
        tracing::warn!(%error, "the log of a step was not closed");
    }
    step.hide(result.unwrap_or_else(Problem::into_result))
}

async fn perform_verb(step: &Step) -> Result<BTreeMap<String, String>, Problem> {
    match step.task.uses.as_str() {
        verb::TEST => test::perform(step).await,
        verb::BUILD => build::perform(step).await,
        verb::DEPLOY | verb::PROMOTE | verb::ROLLBACK => deploy::perform(step).await,
        verb::SMOKE => smoke::perform(step).await,
        verb::HTTP => http::perform(step).await,
        verb::NOTIFY => notify::perform(step).await,
        other => Err(Problem::failed("unknown_verb", format!("there is no step `{other}`"))),
    }
}

/// Whoever watches learns why a step did not succeed.
fn told(result: StepResult, transcript: &RunTranscript) -> StepResult {
    match &result {
        StepResult::Cancelled { .. } => transcript.warning("Cancelled"),
        StepResult::Failed { failure, .. } => {
            let hint = failure.hint.iter().flat_map(|hint| hint.lines());
            failure.message.lines().chain(hint).for_each(|line| transcript.warning(line));
        }
        StepResult::Succeeded { .. } | StepResult::Skipped => {}
    }
    result
}

/// `None` if it is a verb whose condition does not hold.
async fn load(
    control: Control,
    run: RunId,
    task: StepTask,
    transcript: RunTranscript,
    cancel: CancellationToken,
) -> Result<Option<Step>, Problem> {
    let store = &control.inner.store;
    let run = store.run(run).await?;
    let app = store.app_by_id(run.app_id).await?;
    let change = store.change_of_run(run.id).await?;
    let state = store.run_state(run.id).await?;
    let view = view(&state, &task)?;
    let environment = view.environment().map(str::parse::<EnvironmentName>).transpose();
    let environment =
        environment.map_err(|error| Problem::failed("environment_invalid", error.to_string()))?;
    let own = control.secrets_for(&app.name, environment.as_ref(), state.context().trusted).await?;
    let own: BTreeMap<String, String> =
        own.into_iter().map(|(name, secret)| (name, secret.expose().to_owned())).collect();
    let secrets = view.secrets(&own).map_err(Problem::Failed)?;
    let directory = workspace_directory(&control, run.id);
    let vault = tokio::task::spawn_blocking(move || Vault::read(&directory)).await;
    let vault = vault
        .map_err(|error| Problem::internal(error.to_string()))?
        .map_err(|error| Problem::internal(chain(&error)))?;
    let hidden = own.values().chain(secrets.values()).map(String::as_str).chain(vault.secrets());
    let masks = Masks::of(hidden)
        .map_err(|error| Problem::failed("secrets_too_large", error.to_string()))?;
    let mut with = BTreeMap::new();
    if !jobs::carries_out(&task) {
        let here = Here { secrets: &secrets, job: None, action_path: None };
        if task.check_condition && !view.condition(&here).map_err(Problem::Failed)? {
            return Ok(None);
        }
        let given = view.inputs(&here).map_err(Problem::Failed)?;
        with = given
            .into_iter()
            .map(|(name, value)| (name, vault.open(&value).into_owned()))
            .collect();
    }
    let step = Step {
        run,
        app,
        change,
        task,
        state,
        secrets,
        vault,
        masks,
        with,
        environment,
        transcript,
        cancel,
        control,
    };
    Ok(Some(step))
}

fn view<'s>(state: &'s State, task: &StepTask) -> Result<StepView<'s>, Problem> {
    StepView::of(state, task)
        .ok_or_else(|| Problem::internal(format!("the run has no step {}/{}", task.job, task.step)))
}

impl Step {
    pub(crate) fn view(&self) -> StepView<'_> {
        StepView::of(&self.state, &self.task).expect("it was there when the step was loaded")
    }

    /// Under which its deployment is known.
    fn deployment_key(&self) -> String {
        format!("{}/{}", self.task.job, self.task.step)
    }

    /// Nothing secret reaches the journal in what is said of a failure.
    fn hide(&self, mut result: StepResult) -> StepResult {
        if let StepResult::Failed { failure, .. } = &mut result {
            failure.message = self.masks.hide(&failure.message);
            failure.hint = failure.hint.as_ref().map(|hint| self.masks.hide(hint));
        }
        result
    }

    /// For what reads and writes files, or takes its time.
    pub(crate) async fn blocking<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(Arc<Self>) -> Result<T, Problem> + Send + 'static,
    ) -> Result<T, Problem> {
        let step = Arc::clone(self);
        match tokio::task::spawn_blocking(move || work(step)).await {
            Ok(done) => done,
            Err(error) => Err(Problem::internal(error.to_string())),
        }
    }

    /// A place among the steps in boxes that may run at once.
    pub(crate) async fn place_for_a_box(&self) -> Result<SemaphorePermit<'_>, Problem> {
        self.place(&self.control.inner.boxes, "Waiting for other steps to end").await
    }

    /// A place among the builds that may run at once.
    async fn build_place(&self) -> Result<SemaphorePermit<'_>, Problem> {
        self.place(&self.control.inner.builds, "Waiting for other builds to end").await
    }

    async fn place<'p>(
        &self,
        places: &'p Semaphore,
        waiting: &str,
    ) -> Result<SemaphorePermit<'p>, Problem> {
        if let Ok(place) = places.try_acquire() {
            return Ok(place);
        }
        self.transcript.step(waiting);
        tokio::select! {
            place = places.acquire() => place.map_err(|_| Problem::Cancelled),
            () = self.cancel.cancelled() => Err(Problem::Cancelled),
        }
    }
}
