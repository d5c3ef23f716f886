//! Starts what `on.schedule` asks for, of the workflows that the deploy branch points at.
//!
//! Up to when a schedule has been looked after is in the store, and moves in the transaction that records its run: a time is
//! never run twice. Times that passed while no server ran are made good by one run.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use store::{App, AppState, KnownSchedule, ScheduleKey};
use types::{Actor, AppId, CommitId, Timestamp};
use workflow::language::{Place, Schedule, Workflow};

use crate::error::chain;
use crate::run_contexts::{Occasion, branch_reference};
use crate::{CommitWorkflows, Control, Error};

const EVENT: &str = "schedule";
/// The longest sleep: after this branches are looked at again, and the clock, in case it was set.
const LOOK_AGAIN: Duration = Duration::from_secs(60);
/// A schedule has no place when it comes out of the store.
const NOWHERE: Place = Place { line: 1, column: 1 };

/// The commit of each app whose schedules are those in the store.
type Seen = HashMap<AppId, Option<CommitId>>;

pub(super) async fn run(control: Control) {
    let mut seen = Seen::new();
    loop {
        let wait = match look(&control, &mut seen).await {
            Ok(wait) => wait,
            Err(error) => {
                tracing::warn!(error = %chain(&error), "schedules could not be looked at");
                super::RETRY
            }
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = control.inner.stop.cancelled() => return,
        }
    }
}

/// Runs what is due, and says how long nothing more is.
async fn look(control: &Control, seen: &mut Seen) -> Result<Duration, Error> {
    let mut apps = control.inner.store.apps().await?;
    apps.retain(|app| app.state == AppState::Ready);
    let there: BTreeSet<_> = apps.iter().map(|app| app.id).collect();
    seen.retain(|app, _| there.contains(app));
    let mut wait = LOOK_AGAIN;
    for app in &apps {
        match look_at(control, app, seen).await {
            Ok(next) => wait = wait.min(next),
            Err(error) => {
                tracing::warn!(app = %app.name, error = %chain(&error), "its schedules could not be looked at");
            }
        }
    }
    Ok(wait)
}

async fn look_at(control: &Control, app: &App, seen: &mut Seen) -> Result<Duration, Error> {
    let store = &control.inner.store;
    let tip = control.inner.repositories.tip(&app.name, &app.deploy_branch).await?;
    let now = control.inner.clock.now();
    if seen.get(&app.id) != Some(&tip) {
        let wanted = match &tip {
            Some(tip) => keys(&readable(control, app, tip).await?),
            None => Vec::new(),
        };
        store.keep_schedules(app.id, wanted, now).await?;
        seen.insert(app.id, tip.clone());
    }
    let Some(tip) = tip else { return Ok(LOOK_AGAIN) };
    let mut wait = LOOK_AGAIN;
    for known in store.schedules(app.id).await? {
        let Some(next) = next(&known, known.seen_until) else { continue };
        if next <= now {
            start(control, app, &tip, known, now).await?;
            // What comes after it is looked for in a moment.
            wait = Duration::ZERO;
        } else {
            let left = Duration::try_from(next.duration_since(now)).unwrap_or_default();
            wait = wait.min(left);
        }
    }
    Ok(wait)
}

/// A schedule is not forgotten, and none is passed over, because the mirror of actions is away: it is looked at again later.
async fn readable(control: &Control, app: &App, tip: &CommitId) -> Result<CommitWorkflows, Error> {
    let workflows = control.read_workflows(&app.name, tip).await?;
    match workflows.mirror_trouble {
        Some(trouble) => Err(Error::MirrorAway(trouble)),
        None => Ok(workflows),
    }
}

fn next(known: &KnownSchedule, after: Timestamp) -> Option<Timestamp> {
    let ScheduleKey { cron, timezone, .. } = known.key.clone();
    Schedule { cron, timezone, at: NOWHERE }.next_after(after)
}

fn keys(workflows: &CommitWorkflows) -> Vec<ScheduleKey> {
    let mut keys = Vec::new();
    for file in &workflows.files {
        let Ok(workflow) = &file.reading else { continue };
        keys.extend(schedules(workflow).map(|schedule| ScheduleKey {
            file: file.path.clone(),
            cron: schedule.cron.clone(),
            timezone: schedule.timezone.clone(),
        }));
    }
    keys
}

fn schedules(workflow: &Workflow) -> impl Iterator<Item = &Schedule> {
    workflow.triggers.get(EVENT).into_iter().flat_map(|trigger| &trigger.schedules)
}

async fn start(
    control: &Control,
    app: &App,
    tip: &CommitId,
    known: KnownSchedule,
    now: Timestamp,
) -> Result<(), Error> {
    let workflows = readable(control, app, tip).await?;
    let file = workflows.files.into_iter().find(|file| file.path == known.key.file);
    let Some(Ok(workflow)) = file.map(|file| file.reading) else {
        // An action of it is not in the mirror any more: all else was read when the schedule became known.
        let message = format!("{} cannot be read any more", known.key.file);
        return Err(Error::Invalid { code: "invalid_request", message, hint: None });
    };
    let payload = [("schedule".to_owned(), known.key.cron.clone().into())];
    let occasion = Occasion {
        event: EVENT,
        reference: branch_reference(&app.deploy_branch),
        commit: Some(tip.clone()),
        payload: payload.into_iter().collect(),
        actor: Actor::System,
        trusted: true,
    };
    let definition = workflow.definition;
    let title = definition.name.clone();
    let surroundings = control.surroundings(app, occasion).await?;
    let run = surroundings.run(&*control.inner.clock, definition, &BTreeMap::new(), title);
    control.inner.store.run_schedule(known, now, run).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use types::ManualClock;

    use super::*;
    use crate::testbed::Testbed;

    const OFTEN: &str = "
name: often
on: { schedule: [{ cron: '*/15 * * * *' }] }
jobs: { ask: { runs-on: solum, steps: [{ uses: solum/approve }] } }
";

    /// At ten past twelve, with a workflow that runs every quarter of an hour.
    async fn start() -> (Testbed, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::at("2026-11-22T12:10:00Z".parse().unwrap()));
        let bed = Testbed::start_at(Arc::clone(&clock) as _).await;
        bed.commit(&[(".solum/workflows/often.yml", OFTEN)]);
        (bed, clock)
    }

    /// Looks twice, as two servers would, and says how many runs there are then.
    async fn runs(bed: &Testbed) -> usize {
        for _ in 0..2 {
            look(&bed.control, &mut Seen::new()).await.unwrap();
        }
        bed.control.runs(None, None, 100).await.unwrap().len()
    }

    #[tokio::test]
    async fn a_time_is_run_once_and_those_that_were_missed_are_made_good_by_one_run() {
        let (bed, clock) = start().await;
        assert_eq!(runs(&bed).await, 0, "what was before it was known is not made good");
        clock.advance(Duration::from_secs(299));
        assert_eq!(runs(&bed).await, 0);
        clock.advance(Duration::from_secs(1));
        assert_eq!(runs(&bed).await, 1);
        clock.advance(Duration::from_secs(7_200));
        assert_eq!(runs(&bed).await, 2);
        let run = bed.control.runs(None, None, 1).await.unwrap().remove(0);
        assert_eq!((run.title.as_str(), &run.created_by), ("often", &Actor::System));
        let state = bed.control.inner.store.run_state(run.id).await.unwrap();
        assert!(state.context().trusted);
        let github = serde_json::to_value(&state.context().github).unwrap();
        assert_eq!(github["event"]["schedule"], "*/15 * * * *");
        assert_eq!(github["run_number"], "2");
        bed.stop().await;
    }

    #[tokio::test]
    async fn a_schedule_is_not_forgotten_while_the_mirror_of_its_actions_is_away() {
        let directory = tempfile::tempdir().unwrap();
        let (mirror, away) = (directory.path().join("mirror"), directory.path().join("away"));
        let action = mirror.join("octo/a");
        std::fs::create_dir_all(&action).unwrap();
        let git = |arguments: &[&str]| {
            let git =
                std::process::Command::new("git").current_dir(&action).args(arguments).status();
            assert!(git.unwrap().success());
        };
        git(&["init", "--quiet", "--initial-branch=main"]);
        let files = [("action.yml", "runs: { using: node20, main: index.js }\n")];
        crate::testbed::commit(&action.join(".git"), &action, &files);
        let clock = Arc::new(ManualClock::at("2026-11-22T12:10:00Z".parse().unwrap()));
        let base = mirror.to_str().unwrap().parse().unwrap();
        let bed = Testbed::start_with(Arc::clone(&clock) as _, Some(base)).await;
        let with_action =
            OFTEN.replace("solum/approve", "solum/approve, undo: { uses: octo/a@main }");
        bed.commit(&[(".solum/workflows/often.yml", &with_action)]);
        assert_eq!(runs(&bed).await, 0);
        std::fs::rename(&mirror, &away).unwrap();
        clock.advance(Duration::from_secs(600));
        assert_eq!(runs(&bed).await, 0);
        std::fs::rename(&away, &mirror).unwrap();
        assert_eq!(runs(&bed).await, 1, "it is made good");
        bed.stop().await;
    }

    #[tokio::test]
    async fn a_schedule_that_goes_away_is_forgotten() {
        let (bed, clock) = start().await;
        assert_eq!(runs(&bed).await, 0);
        bed.commit(&[(".solum/workflows/often.yml", &OFTEN.replace("*/15", "0"))]);
        clock.advance(Duration::from_secs(600));
        assert_eq!(runs(&bed).await, 0, "12:15 is none of its times any more");
        clock.advance(Duration::from_secs(3_600));
        assert_eq!(runs(&bed).await, 1);
        bed.stop().await;
    }
}
