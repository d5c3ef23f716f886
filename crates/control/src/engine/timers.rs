//! Fires what is due. A timer stands in the store with its absolute time; firing it twice is refused there.

use std::time::Duration;

use store::{PendingTimer, Topic, TransitionError};
use types::{Transcript as _, Transition as _};
use workflow::Record;

use crate::error::chain;
use crate::{Control, Error, reconcile};

/// Timers that are looked at at once.
const BATCH: u32 = 64;
/// The longest sleep: after this the clock is looked at again, in case it was set.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

pub(crate) async fn run(control: Control) {
    let mut wake = control.inner.store.subscribe(Topic::Outbox);
    loop {
        let wait = match fire_due(&control).await {
            Ok(wait) => wait,
            Err(error) => {
                tracing::error!(error = %chain(&error), "timers could not be fired");
                super::STORE_RETRY
            }
        };
        tokio::select! {
            () = wake.changed() => {}
            () = tokio::time::sleep(wait) => {}
            () = control.inner.stop.cancelled() => return,
        }
    }
}

/// How long until the next timer is due.
async fn fire_due(control: &Control) -> Result<Duration, Error> {
    loop {
        let timers = control.inner.store.pending_timers(BATCH).await?;
        let more = timers.len() == BATCH as usize;
        for timer in timers {
            let now = control.inner.clock.now();
            if timer.timer.at > now {
                let wait = timer.timer.at.duration_since(now);
                let wait = Duration::try_from(wait).unwrap_or_default();
                return Ok(wait.min(LOOK_AGAIN));
            }
            fire(control, timer).await?;
        }
        if !more {
            return Ok(LOOK_AGAIN);
        }
    }
}

async fn fire(control: &Control, timer: PendingTimer) -> Result<(), Error> {
    match control.inner.store.transition(timer.run, timer.input()).await {
        Ok(transition) => {
            tell(control, &timer, &transition.records);
            if transition.status.is_terminal() {
                reconcile::tidy_up_run(control, timer.run).await;
            }
            Ok(())
        }
        Err(TransitionError::Refused(_)) => Ok(control.inner.store.forget_effect(timer.id).await?),
        Err(TransitionError::Store(error)) => Err(error.into()),
    }
}

/// What ends by a timer has nobody else who says so: a step that waited for people.
fn tell(control: &Control, timer: &PendingTimer, records: &[Record]) {
    let failure = records.iter().find_map(|record| match record {
        Record::StepFailed { job, step, failure, .. }
            if *job == timer.timer.job && Some(step) == timer.timer.step.as_ref() =>
        {
            Some(failure)
        }
        _ => None,
    });
    if let Some(failure) = failure {
        let transcript = control.inner.transcripts.of(timer.run);
        let words =
            failure.message.lines().chain(failure.hint.iter().flat_map(|hint| hint.lines()));
        words.for_each(|line| transcript.warning(line));
    }
}
