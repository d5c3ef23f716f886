//! The actions that are built in: carried out by the server, in the job's directories.

use std::collections::BTreeMap;
use std::sync::Arc;

use types::Timestamp;
use workflow::language::Action;
use workflow::{Produced, Stage, StepResult};

use super::ground::{self, StepFiles};
use super::launch::github;
use super::{Here, boxed, telling};
use crate::actions::artifacts::{Artifact, Download, IfNoFiles, Upload};
use crate::actions::cache::{Cache, Saved};
use crate::actions::checkout::{Checkout, Subject};
use crate::actions::inputs::Inputs;
use crate::actions::job::JobDirectory;
use crate::error::chain;
use crate::steps::{Problem, Step};

/// What the main part of `actions/cache` hands to its `post` part.
const KEY: &str = "key";
const EXACT: &str = "exact";

struct Scene {
    job: JobDirectory,
    name: String,
    inputs: BTreeMap<String, String>,
}

/// What an action has to say, and what it leaves.
#[derive(Default)]
struct Done {
    notes: Vec<String>,
    produced: Produced,
}

pub(super) async fn perform(step: &Arc<Step>) -> Result<StepResult, Problem> {
    let key = super::key(step.run.id, &step.task);
    let Some(scene) = set(step).await? else { return Ok(StepResult::Skipped) };
    let mut scribe = telling::open(step, &key, step.masks.clone(), &scene.name)?;
    let done = carry_out(step, &scene).await;
    let now = step.control.inner.clock.now();
    let notes = match &done {
        Ok(done) => done.notes.clone(),
        Err(Problem::Failed(failure)) => vec![failure.message.clone()],
        Err(Problem::Cancelled) => Vec::new(),
    };
    step.blocking(move |_| {
        notes.iter().try_for_each(|note| scribe.note(now, note)).map_err(boxed::untold)?;
        scribe.finish(now).map_err(boxed::untold)
    })
    .await?;
    done.map(|done| StepResult::Succeeded { produced: done.produced })
}

/// `None` if the step's condition does not hold.
async fn set(step: &Arc<Step>) -> Result<Option<Scene>, Problem> {
    step.blocking(move |step| {
        let job = ground::job_directory(&step.control, step.run.id, &step.task.job, step.app.uid)
            .map_err(crate::Error::io("make the directories of a job"))?;
        let files = StepFiles::of(&super::key(step.run.id, &step.task));
        let here = Here { secrets: &step.secrets, job: Some((&job, &files)), action_path: None };
        let view = step.view();
        if step.task.check_condition && !view.condition(&here).map_err(Problem::Failed)? {
            return Ok(None);
        }
        let name = view.name(&here).map_err(Problem::Failed)?;
        let name = step.masks.hide(&step.vault.open(&name));
        let inputs = view.inputs(&here).map_err(Problem::Failed)?;
        let opened = |(name, value): (String, String)| (name, step.vault.open(&value).into_owned());
        let mut inputs: BTreeMap<String, String> = inputs.into_iter().map(opened).collect();
        // The key that was looked for, whatever it would be now.
        let state = view.action_state();
        if let (Stage::Post, Some(key)) = (view.step().stage, state.get(KEY)) {
            inputs.insert(KEY.to_owned(), (*key).to_owned());
        }
        Ok(Some(Scene { job, name, inputs }))
    })
    .await
}

async fn carry_out(step: &Arc<Step>, scene: &Scene) -> Result<Done, Problem> {
    let view = step.view();
    let Action::BuiltIn { name, .. } = view.action() else {
        return Err(Problem::internal("the step is no built-in action"));
    };
    match (name.as_str(), view.step().stage) {
        ("actions/checkout", _) => check_out(step, scene).await,
        ("actions/cache", Stage::Post) => save(step, scene).await,
        ("actions/cache", _) => restore(step, scene).await,
        ("actions/upload-artifact", _) => upload(step, scene).await,
        ("actions/download-artifact", _) => download(step, scene).await,
        (other, _) => Err(Problem::internal(format!("there is no built-in action `{other}`"))),
    }
}

async fn check_out(step: &Step, scene: &Scene) -> Result<Done, Problem> {
    let github = github(step);
    let text =
        |name: &str| github.get(name).map(|it| it.to_text().into_owned()).unwrap_or_default();
    let checkout = Checkout::read(Inputs(&scene.inputs), &text("repository")).map_err(refused)?;
    let inner = &step.control.inner;
    let subject = Subject {
        app: step.app.name.clone(),
        commit: step.commit()?.clone(),
        reference: text("ref"),
        remote: format!("{}/{}.git", inner.settings.api_url, step.app.name),
    };
    let done =
        checkout.perform(&inner.repositories, &subject, &scene.job).await.map_err(refused)?;
    let mut notes: Vec<String> = done.warnings.iter().map(ToString::to_string).collect();
    notes.push(format!("{} is at {}", done.reference, done.commit));
    let outputs =
        [("ref".to_owned(), done.reference), ("commit".to_owned(), done.commit.to_string())];
    Ok(left(notes, outputs, []))
}

async fn restore(step: &Arc<Step>, scene: &Scene) -> Result<Done, Problem> {
    let cache = Cache::read(Inputs(&scene.inputs)).map_err(refused)?;
    let key = cache.key.clone();
    let job = scene.job.clone();
    let restored = step
        .blocking(move |step| {
            let caches = &step.control.inner.caches;
            caches.restore(step.app.id, &cache, &job, now(&step)).map_err(refused)
        })
        .await?;
    let (note, hit, matched) = match &restored {
        Some(found) if found.exact => {
            (format!("Restored the cache {key}"), "true", found.key.clone())
        }
        Some(found) => (
            format!("Restored the cache {} instead of {key}", found.key),
            "false",
            found.key.clone(),
        ),
        None => (format!("There is no cache {key}"), "", String::new()),
    };
    let outputs = [
        ("cache-hit".to_owned(), hit.to_owned()),
        ("cache-primary-key".to_owned(), key.clone()),
        ("cache-matched-key".to_owned(), matched),
    ];
    let state = [(KEY.to_owned(), key), (EXACT.to_owned(), (hit == "true").to_string())];
    Ok(left(vec![note], outputs, state))
}

async fn save(step: &Arc<Step>, scene: &Scene) -> Result<Done, Problem> {
    let cache = Cache::read(Inputs(&scene.inputs)).map_err(refused)?;
    let key = cache.key.clone();
    if step.view().action_state().get(EXACT) == Some(&"true") {
        return Ok(left(vec![format!("The cache {key} is there already")], [], []));
    }
    let job = scene.job.clone();
    let saved = step
        .blocking(move |step| {
            let (caches, trusted) = (&step.control.inner.caches, step.state.context().trusted);
            caches.save(step.app.id, &cache, &job, trusted, now(&step)).map_err(refused)
        })
        .await?;
    let note = match saved {
        Saved::Saved => format!("Saved the cache {key}"),
        Saved::Exists => format!("The cache {key} is there already"),
        Saved::Untrusted => {
            "Not saved: what runs here does not come from the deploy branch".to_owned()
        }
        Saved::Nothing => "Not saved: the paths hold nothing".to_owned(),
    };
    Ok(left(vec![note], [], []))
}

async fn upload(step: &Arc<Step>, scene: &Scene) -> Result<Done, Problem> {
    let upload = Upload::read(Inputs(&scene.inputs)).map_err(refused)?;
    let (job, asked) = (scene.job.clone(), upload.clone());
    let kept = step
        .blocking(move |step| {
            let artifacts = &step.control.inner.run_artifacts;
            let by = step.idempotency_key();
            let kept = artifacts.upload(step.run.id, &asked, &by, &job, now(&step));
            let kept = kept.map_err(refused)?;
            let digest = match &kept {
                Some(kept) => Some(artifacts.digest(step.run.id, &kept.name).map_err(refused)?),
                None => None,
            };
            Ok(kept.zip(digest))
        })
        .await?;
    let Some((kept, digest)) = kept else {
        let note = format!("No files were found under {}", upload.paths.join(", "));
        let note = match upload.if_no_files {
            IfNoFiles::Ignore => Vec::new(),
            IfNoFiles::Warn | IfNoFiles::Error => vec![note],
        };
        return Ok(left(note, [], []));
    };
    let server = &step.control.inner.settings.api_url;
    let url = format!("{server}/api/v1/runs/{}/artifacts/{}", step.run.id, kept.name);
    let outputs = [
        ("artifact-id".to_owned(), kept.name.clone()),
        ("artifact-url".to_owned(), url),
        ("artifact-digest".to_owned(), digest),
    ];
    Ok(left(vec![format!("Kept {}", in_words(&kept))], outputs, []))
}

async fn download(step: &Arc<Step>, scene: &Scene) -> Result<Done, Problem> {
    let download = Download::read(Inputs(&scene.inputs)).map_err(refused)?;
    let path = format!("{}/{}", scene.job.places().workspace, download.path);
    let job = scene.job.clone();
    let found = step
        .blocking(move |step| {
            let artifacts = &step.control.inner.run_artifacts;
            artifacts.download(step.run.id, &download, &job).map_err(refused)
        })
        .await?;
    let notes = match found.is_empty() {
        true => vec!["The run has no such artifacts".to_owned()],
        false => found.iter().map(|artifact| format!("Laid out {}", in_words(artifact))).collect(),
    };
    Ok(left(notes, [("download-path".to_owned(), path)], []))
}

fn in_words(artifact: &Artifact) -> String {
    let Artifact { name, files, bytes, .. } = artifact;
    format!("artifact `{name}`: {files} files, {bytes} bytes")
}

fn left<const O: usize, const S: usize>(
    notes: Vec<String>,
    outputs: [(String, String); O],
    state: [(String, String); S],
) -> Done {
    let produced = Produced { outputs: outputs.into(), state: state.into(), ..Produced::default() };
    Done { notes, produced }
}

fn now(step: &Step) -> Timestamp {
    step.control.inner.clock.now()
}

fn refused(error: impl std::error::Error) -> Problem {
    Problem::failed("action_failed", chain(&error))
}
