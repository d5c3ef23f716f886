//! Makes the repositories of new apps, and takes deleted apps away.

use deploy::Owner;
use store::{App, AppState};

use crate::error::chain;
use crate::under_way::Key;
use crate::{Control, Error};

pub(super) async fn reconcile(control: Control) -> Result<(), Error> {
    for app in control.inner.store.apps().await? {
        if app.state == AppState::Ready {
            continue;
        }
        let Some(driving) = control.inner.driven.begin(Key::App(app.id)) else { continue };
        let work = control.clone();
        control.inner.tracker.spawn(async move {
            let name = app.name.clone();
            let done = tokio::select! {
                done = settle(&work, app) => done,
                () = work.inner.stop.cancelled() => return,
            };
            if let Err(error) = done {
                tracing::warn!(app = %name, error = %chain(&error), "an app could not be settled");
            }
            drop(driving);
        });
    }
    Ok(())
}

async fn settle(control: &Control, app: App) -> Result<(), Error> {
    match app.state {
        AppState::Creating => {
            control.inner.repositories.create(&app.name, &app.default_branch).await?;
            Ok(control.inner.store.mark_app_ready(app.id).await?)
        }
        AppState::Deleting => delete(control, &app).await,
        AppState::Ready => Ok(()),
    }
}

/// First what serves, then what is stored, last the rows: as long as those are there, this is done again.
async fn delete(control: &Control, app: &App) -> Result<(), Error> {
    let store = &control.inner.store;
    for run in store.unfinished_runs(Some(app.id)).await? {
        let cancel = workflow::Input::Cancel { by: types::Actor::System };
        match store.transition(run.id, cancel).await {
            Ok(_) | Err(store::TransitionError::Refused(_)) => {}
            Err(store::TransitionError::Store(error)) => return Err(error.into()),
        }
    }
    super::routes::reconcile(control.clone()).await?;
    let mut wake = store.subscribe(store::Topic::Runs);
    while !store.unfinished_runs(Some(app.id)).await?.is_empty() {
        wake.changed().await;
    }
    let mut stopped = store.subscribe(store::Topic::Instances);
    store.retire_app(app.id).await?;
    let driver = &control.inner.driver;
    for environment in store.environments(app.id).await? {
        while !store.instances_in(environment.id).await?.is_empty() {
            stopped.changed().await;
        }
        for instance in store.stopped_instances(environment.id, u32::MAX).await? {
            driver.remove(instance.id).await.map_err(Error::Logs)?;
        }
    }
    driver.forget(&Owner { app: app.id, uid: app.uid }).await.map_err(Error::Logs)?;
    control.inner.builder.forget(app.id).await.map_err(|error| Error::Io {
        doing: "remove the app's build cache",
        source: std::io::Error::other(chain(&error)),
    })?;
    control.inner.repositories.delete(&app.name).await?;
    for run in store.runs(Some(app.id), None, u32::MAX).await? {
        control.inner.transcripts.remove(run.id).map_err(Error::io("remove a transcript"))?;
        control.inner.step_logs.remove(run.id).map_err(Error::io("remove the logs of a run"))?;
        control
            .inner
            .run_artifacts
            .remove(run.id)
            .map_err(Error::io("remove a run's artifacts"))?;
    }
    control.inner.caches.remove(app.id).map_err(Error::io("remove the app's caches"))?;
    Ok(store.forget_app(app.id).await?)
}
