//! Throws away what runs said that ended long ago, and the oldest of it where all of it takes too much room. The runs stay
//! listed, with their jobs and steps; who asks for their logs is told that they are gone.
//!
//! A run that has not ended keeps its logs, whatever they take. That they are gone is recorded before they are removed: what a
//! crash leaves, the next sweep finds.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use types::{RunId, Timestamp, Transition as _};

use crate::{Control, Error};

/// The logs of a run that has ended.
struct Kept {
    finished_at: Timestamp,
    run: RunId,
    bytes: u64,
}

pub(super) async fn expire(control: &Control) -> Result<(), Error> {
    let mut kept = Vec::new();
    for (run, bytes) in logs(control).await? {
        kept.extend(look(control, run, bytes).await?);
    }
    kept.sort_unstable_by_key(|logs| (logs.finished_at, logs.run));
    let limits = &control.inner.settings.limits;
    let age = SignedDuration::try_from(limits.run_logs_kept).unwrap_or(SignedDuration::MAX);
    let oldest = control.inner.clock.now().checked_sub(age).unwrap_or(Timestamp::MIN);
    let mut bytes = kept.iter().map(|logs| logs.bytes).sum::<u64>();
    for logs in kept {
        if logs.finished_at >= oldest && bytes <= limits.run_logs_bytes {
            break;
        }
        bytes -= logs.bytes;
        control.inner.store.mark_logs_removed(logs.run).await?;
        remove(control, logs.run).await?;
        tracing::info!(run = %logs.run, bytes = logs.bytes, "the logs of a run were thrown away");
    }
    Ok(())
}

/// What is to be weighed: not what goes on yet, and not what nobody can ask for, which is removed.
async fn look(control: &Control, run: RunId, bytes: u64) -> Result<Option<Kept>, Error> {
    let store = &control.inner.store;
    let found = match store.run(run).await {
        Err(store::Error::NotFound { .. }) => None,
        found => Some(found?),
    };
    let is_gone = match &found {
        Some(found) if !found.status.is_terminal() => return Ok(None),
        Some(_) => store.logs_removed_at(run).await?.is_some(),
        None => true,
    };
    if is_gone {
        remove(control, run).await?;
    }
    let finished_at =
        found.filter(|_| !is_gone).map(|run| run.finished_at.unwrap_or(run.created_at));
    Ok(finished_at.map(|finished_at| Kept { finished_at, run, bytes }))
}

/// Every run that has said something that is there, and how much room that takes.
async fn logs(control: &Control) -> Result<Vec<(RunId, u64)>, Error> {
    let inner = control.inner.clone();
    let found = tokio::task::spawn_blocking(move || {
        let runs: BTreeSet<RunId> =
            inner.step_logs.runs()?.into_iter().chain(inner.transcripts.runs()?).collect();
        let sizes = runs
            .into_iter()
            .map(|run| Ok((run, inner.step_logs.bytes(run)? + inner.transcripts.bytes(run)?)));
        sizes.collect::<std::io::Result<Vec<_>>>()
    });
    let found = found.await.map_err(std::io::Error::other).and_then(|found| found);
    found.map_err(Error::io("look for the logs of runs"))
}

async fn remove(control: &Control, run: RunId) -> Result<(), Error> {
    let inner = control.inner.clone();
    let removed = tokio::task::spawn_blocking(move || {
        inner.step_logs.remove(run)?;
        inner.transcripts.remove(run)
    });
    let removed = removed.await.map_err(std::io::Error::other).and_then(|removed| removed);
    removed.map_err(Error::io("remove the logs of a run"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use types::{ManualClock, RunStatus};

    use super::*;
    use crate::run_logs::StepLogQuery;
    use crate::testbed::Testbed;

    const DAY: Duration = Duration::from_secs(24 * 60 * 60);
    const ENDS: &str =
        "on: push\njobs: { a: { runs-on: solum, if: false, steps: [{ uses: solum/test }] } }\n";
    const WAITS: &str = "on: push\njobs: { a: { runs-on: solum, environment: dev, steps: [{ uses: solum/approve }] } }\n";

    async fn start() -> (Testbed, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::at("2026-11-22T12:10:00Z".parse().unwrap()));
        (Testbed::start_at(clock.clone()).await, clock)
    }

    /// A run that stands so, and has said something.
    async fn said(bed: &Testbed, workflow: &str, status: RunStatus) -> RunId {
        let run = bed.run(workflow).await;
        bed.until(run.id, status).await;
        bed.control.inner.transcripts.of(run.id).write(&"x".repeat(1_000));
        run.id
    }

    fn is_there(bed: &Testbed, run: RunId) -> bool {
        bed.control.inner.transcripts.bytes(run).unwrap() > 0
    }

    #[tokio::test]
    async fn logs_of_runs_that_ended_long_ago_go_and_the_runs_stay() {
        let (bed, clock) = start().await;
        let old = said(&bed, ENDS, RunStatus::Succeeded).await;
        let waiting = said(&bed, WAITS, RunStatus::Waiting).await;
        clock.advance(60 * DAY);
        let young = said(&bed, ENDS, RunStatus::Succeeded).await;
        expire(&bed.control).await.unwrap();
        assert!([old, waiting, young].iter().all(|run| is_there(&bed, *run)));
        bed.control.logs_are_kept(old).await.unwrap();
        clock.advance(31 * DAY);
        expire(&bed.control).await.unwrap();
        assert!(!is_there(&bed, old) && is_there(&bed, waiting) && is_there(&bed, young));
        assert_eq!(bed.control.run(old).await.unwrap().status, RunStatus::Succeeded);
        let query = StepLogQuery {
            run: old,
            job: "a".to_owned(),
            step: "__solum_test".to_owned(),
            attempt: None,
            after: None,
            follow: false,
        };
        let refused = bed.control.step_log(query).await.unwrap_err();
        assert!(matches!(refused, Error::Invalid { code: "logs_gone", .. }), "{refused}");
        // What is written there once more, by whoever was late, goes with the next sweep.
        bed.control.inner.transcripts.of(old).write("late");
        expire(&bed.control).await.unwrap();
        assert!(!is_there(&bed, old));
        bed.stop().await;
    }

    #[tokio::test]
    async fn the_oldest_logs_go_where_all_take_too_much_room() {
        let (bed, clock) = start().await;
        let most = bed.control.inner.settings.limits.run_logs_bytes;
        let old = said(&bed, ENDS, RunStatus::Succeeded).await;
        clock.advance(DAY);
        let young = said(&bed, ENDS, RunStatus::Succeeded).await;
        // A log as large as all may be, but for what the young one takes: a file with nothing in it.
        let path = bed.control.inner.settings.transcripts_directory().join(format!("{old}.log"));
        let file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
        let room = most - bed.control.inner.transcripts.bytes(young).unwrap();
        file.set_len(room).unwrap();
        expire(&bed.control).await.unwrap();
        assert!(is_there(&bed, old) && is_there(&bed, young));
        file.set_len(room + 1).unwrap();
        expire(&bed.control).await.unwrap();
        assert!(!is_there(&bed, old) && is_there(&bed, young));
        bed.stop().await;
    }
}
