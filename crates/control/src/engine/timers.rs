//! Fires what is due. A timer stands in the store with its absolute time; firing it twice is refused there.

use std::time::Duration;

use store::{PendingTimer, Topic, TransitionError};
use workflow::Input;

use crate::error::chain;
use crate::{Control, Error};

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
    for timer in control.inner.store.pending_timers().await? {
        let now = control.inner.clock.now();
        if timer.due_at > now {
            let wait = Duration::try_from(timer.due_at.duration_since(now)).unwrap_or_default();
            return Ok(wait.min(LOOK_AGAIN));
        }
        fire(control, timer).await?;
    }
    Ok(LOOK_AGAIN)
}

async fn fire(control: &Control, timer: PendingTimer) -> Result<(), Error> {
    let PendingTimer { run, job, step, attempt, .. } = timer;
    let input = Input::BackoffElapsed { job, step, attempt };
    match control.inner.store.transition(run, input).await {
        Ok(_) | Err(TransitionError::Refused(_)) => Ok(()),
        Err(TransitionError::Store(error)) => Err(error.into()),
    }
}
