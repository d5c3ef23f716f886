//! Steps that run a command: begun or found again, followed to their end, and told to stop.

use std::sync::Arc;

use deploy::Exit;
use deploy::steps::{OutputLine, Patience, StepError, StepKey, StepObservation, StepSpec};
use futures_util::FutureExt as _;
use types::{Timestamp, Transcript as _};
use workflow::language::Action;
use workflow::{Failure, Produced, Stage, StepResult, StepView};

use super::action_files::ActionFiles;
use super::ground::{self, StepFiles};
use super::launch::Launch;
use super::left::{LeftError, Written};
use super::vault::Vault;
use super::{Here, telling};
use crate::actions::job::JobDirectory;
use crate::actions::scribe::Scribe;
use crate::error::chain;
use crate::steps::{Problem, Step};
use crate::text;

/// Lines that are taken in at once.
const AT_ONCE: usize = 4_096;

/// The directories and files of a step, and what it is called.
struct Scene {
    job: JobDirectory,
    files: StepFiles,
    name: String,
    /// What is to be started, where that is still to be done.
    spec: Option<StepSpec>,
}

pub(super) async fn perform(step: &Arc<Step>) -> Result<StepResult, Problem> {
    let (inner, key) = (&step.control.inner, super::key(step.run.id, &step.task));
    let there = inner.steps.attach(&key, inner.epoch).await;
    let is_new = matches!(seen(&key, there).await?, StepObservation::Absent);
    // Held to the end. What runs already has its place.
    let _place = match is_new {
        true => Some(step.place_for_a_box().await?),
        false => None,
    };
    let action = ActionFiles::of(step, is_new).await?;
    let Some(scene) = set(step, &key, action, is_new).await? else {
        return Ok(StepResult::Skipped);
    };
    if !is_new {
        step.transcript.step(&text::resumed(&scene.name));
    }
    let scribe = telling::open(step, &key, step.masks.clone(), &scene.name)?;
    if let Some(spec) = &scene.spec {
        let started = inner.steps.start(&key, spec, inner.epoch).await;
        seen(&key, started).await?;
    }
    let scribe = follow(step, &key, scribe).await?;
    let ended = seen(&key, inner.steps.ended(&key).await).await?;
    conclude(step, scene, scribe, ended).await
}

/// `None` if the step's condition does not hold.
async fn set(
    step: &Arc<Step>,
    key: &StepKey,
    action: Option<ActionFiles>,
    is_new: bool,
) -> Result<Option<Scene>, Problem> {
    let key = key.clone();
    step.blocking(move |step| {
        let job = ground::job_directory(&step.control, step.run.id, &step.task.job, step.app.uid)
            .map_err(crate::Error::io("make the directories of a job"))?;
        let files = StepFiles::of(&key);
        let view = step.view();
        let action_path = action.as_ref().map(|action| action.path(job.places()));
        let here = Here { secrets: &step.secrets, job: Some((&job, &files)), action_path };
        if is_before_its_files(&view) {
            return Ok(None);
        }
        if is_new && step.task.check_condition && !view.condition(&here).map_err(Problem::Failed)? {
            return Ok(None);
        }
        let name = step.masks.hide(&step.vault.open(&view.name(&here).map_err(Problem::Failed)?));
        let spec = if is_new {
            let (job, files, action, vault) = (&job, &files, action.as_ref(), &step.vault);
            let launch = Launch { step: &step, view, job, files, action, vault };
            Some(launch.prepare(&here)?)
        } else {
            None
        };
        Ok(Some(Scene { job, files, name, spec }))
    })
    .await
}

/// Whether it is the part before an action of the run's own repository, whose files come with `actions/checkout`, later.
fn is_before_its_files(view: &StepView<'_>) -> bool {
    match view.action() {
        Action::JavaScript { action, .. } => {
            view.step().stage == Stage::Pre && action.origin.is_run()
        }
        _ => false,
    }
}

/// Takes in what the step says until its end, and tells it to stop when it is to.
async fn follow(step: &Arc<Step>, key: &StepKey, mut scribe: Scribe) -> Result<Scribe, Problem> {
    let inner = &step.control.inner;
    let mut output = seen(key, inner.steps.output(key, 0, true).await).await?;
    let mut told = false;
    loop {
        let line = tokio::select! {
            line = output.next() => seen(key, line).await?,
            () = step.cancel.cancelled(), if !told => {
                told = true;
                let asked = inner.steps.cancel(key, inner.epoch, Patience::default()).await;
                seen(key, asked).await?;
                continue;
            }
        };
        let Some(line) = line else { return Ok(scribe) };
        let mut lines = vec![line];
        while lines.len() < AT_ONCE {
            // A line that is there is there at once; a dropped call loses none.
            match output.next().now_or_never() {
                Some(Ok(Some(line))) => lines.push(line),
                _ => break,
            }
        }
        scribe = take(step, scribe, lines).await?;
    }
}

async fn take(
    step: &Arc<Step>,
    mut scribe: Scribe,
    lines: Vec<OutputLine>,
) -> Result<Scribe, Problem> {
    step.blocking(move |_| {
        let last = lines.len() - 1;
        for (index, line) in lines.iter().enumerate() {
            scribe.take(line, index == last).map_err(untold)?;
        }
        Ok(scribe)
    })
    .await
}

async fn conclude(
    step: &Arc<Step>,
    scene: Scene,
    scribe: Scribe,
    ended: StepObservation,
) -> Result<StepResult, Problem> {
    step.blocking(move |step| {
        let now = step.control.inner.clock.now();
        let Scene { job, files, name, .. } = scene;
        let (produced, wrong) = gather(&step, &job, &files, scribe, now)?;
        Ok(match outcome(&name, ended).and(wrong.map_or(Ok(()), Err)) {
            Ok(()) => StepResult::Succeeded { produced },
            Err(_) if step.cancel.is_cancelled() => StepResult::Cancelled { produced },
            Err(failure) => StepResult::Failed { failure, produced },
        })
    })
    .await
}

/// What the step left, and what is wrong with that.
fn gather(
    step: &Step,
    job: &JobDirectory,
    files: &StepFiles,
    mut scribe: Scribe,
    now: Timestamp,
) -> Result<(Produced, Option<Failure>), Problem> {
    let (written, mut wrong) = match Written::read(job, files, &mut scribe, now) {
        Ok(written) => (written, None),
        Err(LeftError::File(error)) => {
            (Written::default(), Some(failure("bad_file", error.to_string())))
        }
        Err(LeftError::Scribe(error)) => return Err(untold(error)),
    };
    let masks = scribe.masks().clone();
    let said = scribe.finish(now).map_err(untold)?;
    wrong = wrong.or(said.refused.clone().map(|why| failure("refused_command", why)));
    let mut more = Vault::default();
    let produced = written.into_produced(&said, |value| masks.hide(value) != value, &mut more);
    more.hide(said.masks);
    let directory = crate::steps::workspace_directory(&step.control, step.run.id);
    step.control
        .inner
        .vaults
        .add(&directory, more)
        .map_err(|error| Problem::failed("secrets_too_large", chain(&error)))?;
    Ok((produced, wrong))
}

fn failure(code: &str, message: String) -> Failure {
    Failure { code: code.to_owned(), message, hint: None, retryable: true }
}

/// How the command ended, in words for people.
fn outcome(name: &str, ended: StepObservation) -> Result<(), Failure> {
    let exit = match ended {
        StepObservation::Ended { exit, .. } => exit,
        _ => Exit::Lost,
    };
    let (code, message) = match exit {
        Exit::Code(0) => return Ok(()),
        Exit::Code(code) => ("exit_code", format!("`{name}` ended with exit code {code}")),
        Exit::Signal(signal) => ("signal", format!("`{name}` was ended by signal {signal}")),
        Exit::OutOfMemory => {
            ("out_of_memory", format!("`{name}` was killed: it took more memory than it may"))
        }
        Exit::NotRun => ("not_run", format!("`{name}` was ended before it began")),
        Exit::Lost => {
            let hint =
                "if it may be done twice, give the step `retry`, or retry the run's failed jobs";
            let message = format!(
                "`{name}` was lost: its shim was killed or the machine went down, and nobody saw how it ended"
            );
            return Err(Failure { hint: Some(hint.to_owned()), ..failure("lost", message) });
        }
    };
    Err(failure(code, message))
}

/// Whoever holds a newer lease carries the step out now: nothing may be reported of it here.
async fn seen<T>(key: &StepKey, result: Result<T, StepError>) -> Result<T, Problem> {
    match result {
        Ok(value) => Ok(value),
        Err(error @ StepError::Stale { .. }) => {
            tracing::error!(%key, %error, "a step is let go");
            std::future::pending().await
        }
        Err(error) => Err(Problem::internal(chain(&error))),
    }
}

pub(super) fn untold(error: crate::actions::scribe::ScribeError) -> Problem {
    Problem::internal(chain(&error))
}
