//! Says in a run's transcript what waits for people: who may decide, until when, and how.
//!
//! Found among the deadlines in the outbox, as each wait has one; so it is said whichever input led to it, and after a
//! crash as well. What was said before is not said again.

use store::{PendingTimer, Topic};
use types::RunId;
use workflow::{StepPhase, Wait};

use crate::error::chain;
use crate::{Control, Error, text};

/// Deadlines that are read from the outbox at once.
const BATCH: u32 = 256;

pub(crate) async fn run(control: Control) {
    let mut wake = control.inner.store.subscribe(Topic::Outbox);
    let mut last = 0;
    let mut resumed = true;
    loop {
        let more = match announce(&control, &mut last, resumed).await {
            Ok(more) => more,
            Err(error) => {
                tracing::error!(error = %chain(&error), "what waits for people could not be told");
                if !super::pause(&control).await {
                    return;
                }
                true
            }
        };
        if more {
            continue;
        }
        resumed = false;
        tokio::select! {
            () = wake.changed() => {}
            () = control.inner.stop.cancelled() => return,
        }
    }
}

/// Whether there may be more.
async fn announce(control: &Control, last: &mut i64, resumed: bool) -> Result<bool, Error> {
    let timers = control.inner.store.pending_deadlines(*last, BATCH).await?;
    let more = timers.len() == BATCH as usize;
    for PendingTimer { id, run, timer } in timers {
        if let Some(step) = &timer.step
            && let Some(wait) = find(control, run, &timer.job, step).await?
        {
            tell(control, run, &timer.job, step, &wait, resumed)?;
        }
        *last = (*last).max(id);
    }
    Ok(more)
}

/// What the step waits for, if it still does.
async fn find(control: &Control, run: RunId, job: &str, step: &str) -> Result<Option<Wait>, Error> {
    let state = match control.inner.store.run_state(run).await {
        Err(store::Error::NotFound { .. }) => return Ok(None),
        state => state?,
    };
    let step = state.leg(job).and_then(|leg| leg.step(step));
    Ok(match step.map(|step| &step.phase) {
        Some(StepPhase::Waiting { wait, .. }) => Some(wait.clone()),
        _ => None,
    })
}

fn tell(
    control: &Control,
    run: RunId,
    job: &str,
    step: &str,
    wait: &Wait,
    resumed: bool,
) -> Result<(), Error> {
    let lines = text::waits_for_people(run, job, step, wait);
    // A step waits once: its heading is in the transcript once.
    let transcripts = &control.inner.transcripts;
    let heading = text::waits_heading(job, step);
    let was_said = || transcripts.has_said(run, &heading);
    if !(resumed && was_said().map_err(Error::io("read a run's transcript"))?) {
        transcripts.of(run).write_together(&lines);
    }
    Ok(())
}
