//! What a run leaves behind when it has ended: its tree, and the pin on its commit.

use deploy::steps::StepError;
use store::Change;
use types::{RunId, Transition as _};

use crate::error::chain;
use crate::{Control, Error, steps};

pub(crate) async fn tidy_up(control: &Control, run: RunId) {
    control.inner.cancellations.forget(run);
    if let Err(error) = remove_leftovers(control, run).await {
        // The sweep finds them again.
        tracing::warn!(%run, error = %chain(&error), "what a run left behind was not removed");
    }
}

async fn remove_leftovers(control: &Control, run: RunId) -> Result<(), Error> {
    forget_steps(control, run).await?;
    let directory = steps::workspace_directory(control, run);
    match tokio::fs::remove_dir_all(&directory).await {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(Error::io("remove a run's directory")(error));
        }
        _ => {}
    }
    let store = &control.inner.store;
    if let Some(change) = store.change_of_run(run).await?
        && !needs_pin(control, &change).await?
    {
        let app = store.app_by_id(change.app).await?;
        control.inner.repositories.unpin(&app.name, change.id).await?;
    }
    Ok(())
}

/// Whether anything may still want the change's commit: it can land yet, or a run of it goes on.
pub(super) async fn needs_pin(control: &Control, change: &Change) -> Result<bool, Error> {
    if !change.state.is_terminal() {
        return Ok(true);
    }
    let runs = control.inner.store.runs_of_change(change.id).await?;
    Ok(runs.iter().any(|run| !run.status.is_terminal()))
}

/// What a step that still ends needs, the sweep removes later.
pub(super) async fn forget_steps(control: &Control, run: RunId) -> Result<(), Error> {
    let inner = &control.inner;
    match inner.steps.forget_run(run, inner.epoch).await {
        Ok(()) | Err(StepError::StillRunning(_)) => Ok(()),
        Err(error) => {
            Err(Error::Io { doing: "forget a run's steps", source: std::io::Error::other(error) })
        }
    }
}
