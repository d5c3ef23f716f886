//! Lands the changes that no deployment has landed: all of their runs have succeeded, or there was none to wait for.

use store::Change;

use crate::error::chain;
use crate::landing::{self, Landing};
use crate::{Control, Error, text};

pub(super) async fn reconcile(control: Control) -> Result<(), Error> {
    for change in control.inner.store.changes_to_land().await? {
        if let Err(error) = land(&control, &change).await {
            // Others need not wait for it; it is tried again on the period.
            tracing::warn!(change = %change.id, error = %chain(&error), "a change could not be landed");
        }
    }
    Ok(())
}

async fn land(control: &Control, change: &Change) -> Result<(), Error> {
    let store = &control.inner.store;
    let app = store.app_by_id(change.app).await?;
    match landing::advance(control, &app, change).await? {
        Landing::Done => {
            let (outline, _) = control.outline(&app.name, &change.commit).await?;
            let deploy_branch = outline.deploy_branch.unwrap_or_else(|| app.default_branch.clone());
            store.land_change(change.id, deploy_branch).await?;
        }
        Landing::Stale(message) => {
            for run in store.runs_of_change(change.id).await? {
                let transcript = control.inner.transcripts.of(run.id);
                transcript.write(&text::warning(&message));
                transcript.write(&text::warning(text::STALE_HINT));
            }
            store.refuse_change(change.id).await?;
        }
    }
    Ok(control.inner.repositories.unpin(&app.name, change.id).await?)
}
