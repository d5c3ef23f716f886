//! What drives runs: queues are moved up, steps carried out and stopped, timers fired, people told what waits for them.
//!
//! Nothing is decided here. Each of the five looks at the store, does what it finds there, and gives
//! the run an input; what follows is the engine's to say. All of them start from the store alone, which
//! is what makes a crash harmless: whatever was under way is found in the outbox again.

mod queue;
mod stops;
mod tasks;
mod timers;
mod waits;

use std::time::Duration;

use crate::Control;
pub(crate) use stops::recall as recall_stops;

/// How long to wait before a store that failed is asked again.
const STORE_RETRY: Duration = Duration::from_secs(1);

pub(crate) fn spawn(control: &Control) {
    let tracker = &control.inner.tracker;
    tracker.spawn(queue::run(control.clone()));
    tracker.spawn(stops::run(control.clone()));
    tracker.spawn(tasks::run(control.clone()));
    tracker.spawn(timers::run(control.clone()));
    tracker.spawn(waits::run(control.clone()));
}

/// Waits before the next try; `false` once the server is to end.
async fn pause(control: &Control) -> bool {
    tokio::select! {
        () = tokio::time::sleep(STORE_RETRY) => true,
        () = control.inner.stop.cancelled() => false,
    }
}
