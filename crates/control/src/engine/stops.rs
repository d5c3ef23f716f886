//! Tells steps under way to stop, as their runs ask in the outbox.

use store::{PendingStop, Topic};

use crate::Control;
use crate::error::chain;

/// Stops that are read from the outbox at once.
const BATCH: u32 = 256;

pub(crate) async fn run(control: Control) {
    let mut wake = control.inner.store.subscribe(Topic::Outbox);
    let mut last = 0;
    loop {
        let more = match pass_on(&control, &mut last).await {
            Ok(more) => more,
            Err(error) => {
                tracing::error!(error = %chain(&error), "steps could not be told to stop");
                if !super::pause(&control).await {
                    return;
                }
                true
            }
        };
        if more {
            continue;
        }
        tokio::select! {
            () = wake.changed() => {}
            () = control.inner.stop.cancelled() => return,
        }
    }
}

/// What a former server left is passed on before any step is taken up again.
pub(crate) async fn recall(control: &Control) -> Result<(), store::Error> {
    let mut last = 0;
    while pass_on(control, &mut last).await? {}
    Ok(())
}

/// Whether there may be more.
async fn pass_on(control: &Control, last: &mut i64) -> Result<bool, store::Error> {
    let stops = control.inner.store.pending_stops(*last, BATCH).await?;
    let more = stops.len() == BATCH as usize;
    for PendingStop { id, run, task } in stops {
        let step = format!("{}/{}", task.job, task.step);
        control.inner.cancellations.of(run, &step).cancel();
        // A deployment that waits in its queue has nobody who listens.
        control.inner.deployments_nudge.notify_one();
        if task.force {
            // Nobody waits for its report.
            control.inner.store.forget_effect(id).await?;
        }
        *last = (*last).max(id);
    }
    Ok(more)
}
