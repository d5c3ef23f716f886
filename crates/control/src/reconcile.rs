//! Keeps what runs equal to what the store says should run.
//!
//! Each reconciler takes no input: it looks at the store and at the world, and does what is missing.
//! It runs when something it depends on was written, and on a period in case something changed by
//! itself. Doing it twice is the same as doing it once.

mod apps;
mod bring_up;
mod changes;
mod deployments;
mod garbage;
mod instances;
mod router;
mod routes;
mod run_logs;
mod runs;
mod schedules;
mod specification;
mod uploads;

use std::future::Future;
use std::time::Duration;

use store::{Topic, Wake};

use crate::error::chain;
use crate::{Control, Error};
pub(crate) use instances::stop_all as stop_instances;
pub(crate) use router::ensure as ensure_router;
pub(crate) use routes::Routes;
pub(crate) use runs::tidy_up as tidy_up_run;
pub(crate) use specification::Specification;

/// How often a reconciler looks even if nobody woke it.
const PERIOD: Duration = Duration::from_secs(5);
/// How long one waits before it tries again what failed.
const RETRY: Duration = Duration::from_millis(500);

pub(crate) fn spawn(control: &Control) {
    let tracker = &control.inner.tracker;
    let store = &control.inner.store;
    let on = |topic| store.subscribe(topic);
    tracker.spawn(deployments::run(control.clone()));
    tracker.spawn(instances::run(control.clone()));
    tracker.spawn(repeat(control.clone(), on(Topic::Instances), "routes", routes::reconcile));
    tracker.spawn(repeat(control.clone(), on(Topic::Apps), "apps", apps::reconcile));
    tracker.spawn(repeat(control.clone(), on(Topic::Runs), "changes", changes::reconcile));
    tracker.spawn(repeat(control.clone(), on(Topic::Uploads), "uploads", uploads::reconcile));
    tracker.spawn(schedules::run(control.clone()));
    tracker.spawn(router::supervise(control.clone()));
    tracker.spawn(garbage::run(control.clone()));
}

/// Runs `reconcile` now, whenever it is woken, and on the period.
async fn repeat<F, R>(control: Control, mut wake: Wake, name: &'static str, reconcile: R)
where
    R: Fn(Control) -> F,
    F: Future<Output = Result<(), Error>>,
{
    loop {
        let pause = match reconcile(control.clone()).await {
            Ok(()) => PERIOD,
            Err(error) => {
                tracing::warn!(name, error = %chain(&error), "could not reconcile; trying again");
                RETRY
            }
        };
        tokio::select! {
            () = wake.changed() => {}
            () = tokio::time::sleep(pause) => {}
            () = control.inner.stop.cancelled() => return,
        }
    }
}
