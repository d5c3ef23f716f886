//! What a run leaves behind when it has ended: its tree, and the pin on its commit.

use deploy::steps::StepError;
use types::RunId;

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
    if let Some(change) = control.inner.store.change_of_run(run).await? {
        let app = control.inner.store.app_by_id(change.app).await?;
        control.inner.repositories.unpin(&app.name, change.id).await?;
    }
    Ok(())
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
