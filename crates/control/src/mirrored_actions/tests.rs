use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use types::{ManualClock, RunStatus};

use super::*;
use crate::testbed::{Testbed, commit, token};
use crate::{DispatchRequest, Looked, PlannedEvent, SentFiles};

const ACTION: &str = "runs: { using: node20, main: index.js }\n";
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A mirror with the actions `octo/a` and `octo/b`, and a control plane that knows it.
struct Scene {
    bed: Testbed,
    clock: Arc<ManualClock>,
    directory: tempfile::TempDir,
}

impl Scene {
    async fn start() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("mirror");
        for name in ["a", "b"] {
            release(&root.join("octo").join(name));
        }
        let clock = Arc::new(ManualClock::at("2026-11-22T12:10:00Z".parse().unwrap()));
        let mirror = root.to_str().unwrap().parse().unwrap();
        let bed = Testbed::start_with(Arc::clone(&clock) as _, Some(mirror)).await;
        Self { bed, clock, directory }
    }

    /// The mirror goes away, or comes back.
    fn rename(&self, from: &str, to: &str) {
        std::fs::rename(self.directory.path().join(from), self.directory.path().join(to)).unwrap();
    }

    fn shelf(&self) -> Vec<String> {
        let shelf = self.bed.control.inner.settings.actions_directory().join("octo");
        let names = std::fs::read_dir(shelf).into_iter().flatten();
        let mut names: Vec<_> =
            names.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    async fn sweep(&self) {
        self.bed.control.inner.actions.sweep().await.unwrap();
    }
}

fn release(place: &Path) {
    std::fs::create_dir_all(place).unwrap();
    let made = Command::new("git").current_dir(place).args(["init", "--quiet"]).status();
    assert!(made.unwrap().success());
    commit(&place.join(".git"), place, &[("action.yml", ACTION), ("index.js", "")]);
    let tagged = Command::new("git").current_dir(place).args(["tag", "v1"]).status();
    assert!(tagged.unwrap().success());
}

fn by_hand() -> DispatchRequest {
    DispatchRequest { reference: None, inputs: BTreeMap::new() }
}

const WAITS: &str = "
on: workflow_dispatch
jobs:
  ask: { runs-on: solum, steps: [{ uses: solum/approve, with: { timeout: 2000h } }] }
  later: { needs: ask, runs-on: linux, steps: [{ uses: octo/a@v1 }] }
";
const ENDED: &str = "
on: workflow_dispatch
jobs: { j: { runs-on: linux, if: false, steps: [{ uses: octo/b@v1 }] } }
";

#[tokio::test]
async fn what_a_waiting_run_needs_is_kept_and_the_rest_goes_when_it_was_not_used_for_long() {
    let scene = Scene::start().await;
    let (bed, control) = (&scene.bed, &scene.bed.control);
    bed.commit(&[(".solum/workflows/waits.yml", WAITS), (".solum/workflows/ended.yml", ENDED)]);
    let dispatch = async |file: &str| {
        control.dispatch(&bed.app.name, file, by_hand(), &token("bob")).await.unwrap().id
    };
    let waiting = dispatch("waits.yml").await;
    bed.until(waiting, RunStatus::Waiting).await;
    let ended = dispatch("ended.yml").await;
    bed.until(ended, RunStatus::Succeeded).await;
    scene.clock.advance(29 * DAY);
    scene.sweep().await;
    assert_eq!(scene.shelf(), ["a", "b"]);
    scene.clock.advance(2 * DAY);
    scene.sweep().await;
    assert_eq!(scene.shelf(), ["a"]);
    control.cancel_run(waiting, &token("bob")).await.unwrap();
    bed.until(waiting, RunStatus::Cancelled).await;
    scene.sweep().await;
    assert_eq!(scene.shelf(), [""; 0]);
    scene.bed.stop().await;
}

const OFTEN: &str = "
on:
  schedule: [{ cron: '*/15 * * * *' }]
  repository_dispatch: { types: [nightly] }
jobs: { j: { runs-on: solum, steps: [{ uses: solum/approve, undo: { uses: octo/a@v1 } }] } }
";

#[tokio::test]
async fn an_event_from_outside_is_refused_and_not_lost_while_the_mirror_is_away() {
    let scene = Scene::start().await;
    let (control, app) = (&scene.bed.control, &scene.bed.app.name);
    scene.bed.commit(&[(".solum/workflows/often.yml", OFTEN)]);
    let ask = async || {
        let bob = token("bob");
        let asked = control.dispatch_from_outside(app, "nightly", serde_json::Map::new(), &bob);
        asked.await.map(|runs| runs.len())
    };
    assert_eq!(ask().await.unwrap(), 1);
    scene.rename("mirror", "away");
    let error = ask().await.unwrap_err();
    let words = "the mirror of actions cannot be asked: the mirror cannot be reached: its directory is not there";
    assert_eq!(error.to_string(), words);
    let read = control.tip_workflows(&control.ready_app(app).await.unwrap()).await.unwrap();
    let (_, workflows) = read.unwrap();
    assert!(workflows.mirror_trouble.is_some());
    let mistake = &workflows.mistakes()[0];
    assert!(mistake.contains("'octo/a@v1' is not here: the mirror cannot be reached"), "{mistake}");
    scene.rename("away", "mirror");
    assert_eq!(ask().await.unwrap(), 1);
    scene.bed.stop().await;
}

#[tokio::test]
async fn files_that_are_sent_are_read_with_the_mirror_too() {
    let scene = Scene::start().await;
    let control = &scene.bed.control;
    let text = "on: push\njobs: { j: { runs-on: linux, steps: [{ uses: octo/a@v1 }] } }\n";
    let files: SentFiles = [("w.yml".to_owned(), Some(text.to_owned()))].into();
    let event = PlannedEvent {
        name: "push".to_owned(),
        activity: None,
        reference: None,
        changed: None,
        inputs: Vec::new(),
    };
    let planned = control.plan_workflow("w.yml".to_owned(), files.clone(), event).await.unwrap();
    assert!(matches!(planned, Looked::At(Ok(_))), "{planned:?}");
    let scenario = "workflow w.yml\non push main\njob j succeeds\nexpect run succeeded\n";
    let scenario = ("a.scenario".to_owned(), scenario.to_owned());
    let Looked::At(Ok(played)) = control.rehearse_workflow(scenario, None, files).await.unwrap()
    else {
        panic!("it is played")
    };
    assert_eq!((played.held, played.broken), (1, None));
    let gone = text.replace("octo/a@v1", "octo/a@v2");
    let files: SentFiles = [("w.yml".to_owned(), Some(gone))].into();
    let Looked::At(checked) =
        control.check_workflow("w.yml".to_owned(), files, None).await.unwrap()
    else {
        panic!("nothing else is wanted")
    };
    let mistake = checked.mistakes[0].to_string();
    assert!(mistake.contains("octo/a has no tag and no branch 'v2' in the mirror"), "{mistake}");
    scene.bed.stop().await;
}
