//! Carries out what stands in the outbox, and reports.

use store::{PendingTask, Topic, TransitionError};
use types::{RunId, Transition as _};
use workflow::{Failure, Input, StepResult};

use crate::error::chain;
use crate::{Control, Error, jobs, reconcile, steps};

/// Tasks that are read from the outbox at once.
const BATCH: u32 = 256;

pub(crate) async fn run(control: Control) {
    let mut wake = control.inner.store.subscribe(Topic::Outbox);
    let mut last = 0;
    let mut resumed = true;
    while let Err(error) = quarantine(&control).await {
        tracing::error!(error = %chain(&error), "what was taken up too often could not be looked for");
        if !super::pause(&control).await {
            return;
        }
    }
    loop {
        match control.inner.store.pending_tasks(last, BATCH).await {
            Ok(tasks) => {
                let more = tasks.len() == BATCH as usize;
                for task in tasks {
                    last = last.max(task.id);
                    let carried_out = carry_out(control.clone(), task, resumed);
                    control.inner.tracker.spawn(carried_out);
                }
                if more {
                    continue;
                }
                resumed = false;
            }
            Err(error) => {
                tracing::error!(error = %chain(&error), "the outbox could not be read");
                if !super::pause(&control).await {
                    return;
                }
                continue;
            }
        }
        tokio::select! {
            () = wake.changed() => {}
            () = control.inner.stop.cancelled() => return,
        }
    }
}

async fn carry_out(control: Control, pending: PendingTask, resumed: bool) {
    let PendingTask { run, task, .. } = pending;
    let (job, step, attempt) = (task.job.clone(), task.step.clone(), task.attempt);
    let performed = steps::perform(control.clone(), run, task.clone(), resumed);
    let mut work = control.inner.tracker.spawn(performed);
    let result = tokio::select! {
        result = &mut work => result.unwrap_or_else(|error| {
            tracing::error!(%run, %error, "a step of a run broke off");
            StepResult::failed(broke_off())
        }),
        // Not reported: the next server finds the task in the outbox.
        () = control.inner.stop.cancelled() => return work.abort(),
    };
    store::failpoint::after_effect();
    report(&control, run, Input::Report { job, step, attempt, result }).await;
    if jobs::carries_out(&task) {
        jobs::forget(&control, run, &task).await;
    }
}

/// Fails the steps that may be what ends the servers, each time that one takes them up.
async fn quarantine(control: &Control) -> Result<(), Error> {
    for PendingTask { run, task, .. } in control.inner.store.take_up_tasks().await? {
        tracing::error!(%run, job = task.job, step = task.step, "a step was taken up too often");
        let result = StepResult::failed(poison());
        let (job, step, attempt) = (task.job, task.step, task.attempt);
        report(control, run, Input::Report { job, step, attempt, result }).await;
    }
    Ok(())
}

async fn report(control: &Control, run: RunId, input: Input) {
    loop {
        match control.inner.store.transition(run, input.clone()).await {
            Ok(transition) => {
                if transition.status.is_terminal() {
                    reconcile::tidy_up_run(control, run).await;
                }
                return;
            }
            Err(TransitionError::Refused(refused)) => {
                tracing::info!(%run, %refused, "a report came too late");
                return;
            }
            Err(TransitionError::Store(error)) => {
                let error = Error::from(error);
                tracing::error!(%run, error = %chain(&error), "a step's result could not be recorded");
                if matches!(error, Error::NotFound(_)) || !super::pause(control).await {
                    return;
                }
            }
        }
    }
}

fn poison() -> Failure {
    Failure {
        code: "poison".to_owned(),
        ..Failure::indeterminate(
            "the server ended five times soon after it had taken this step up; it is not taken up again",
        )
    }
}

fn broke_off() -> Failure {
    Failure {
        code: "internal".to_owned(),
        message:
            "the step broke off because of a mistake in Solum; the server's log has the details"
                .to_owned(),
        hint: None,
        retryable: false,
    }
}
