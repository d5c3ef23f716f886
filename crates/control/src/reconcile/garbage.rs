//! Throws away what nothing needs any more: once at the start, when a crash may have left something, and then by the hour.

use std::collections::HashSet;
use std::time::Duration;

use jiff::SignedDuration;
use types::{Digest, RunId};

use crate::error::chain;
use crate::{Control, Error};

const PERIOD: Duration = Duration::from_secs(60 * 60);
/// What is younger than this may belong to something that is about to be recorded: longer than the longest build.
const YOUNG: Duration = Duration::from_secs(3 * 60 * 60);
/// How long what became of an upload is known.
const UPLOADS: SignedDuration = SignedDuration::from_hours(24);

pub(super) async fn run(control: Control) {
    loop {
        let collected = tokio::select! {
            collected = collect(&control) => collected,
            () = control.inner.stop.cancelled() => return,
        };
        if let Err(error) = collected {
            tracing::warn!(error = %chain(&error), "garbage could not be collected");
        }
        tokio::select! {
            () = tokio::time::sleep(PERIOD) => {}
            () = control.inner.stop.cancelled() => return,
        }
    }
}

async fn collect(control: &Control) -> Result<(), Error> {
    sweep_workspaces(control).await?;
    sweep_steps(control).await?;
    expire_artifacts(control).await?;
    super::run_logs::expire(control).await?;
    sweep_pins(control).await?;
    sweep_logs(control).await?;
    sweep_said(control).await?;
    let store = &control.inner.store;
    if let Ok(before) = control.inner.clock.now().checked_sub(UPLOADS) {
        store.forget_uploads(before).await?;
    }
    collect_artifacts(control).await?;
    trim_caches(control).await?;
    control.inner.actions.sweep().await?;
    for app in store.apps().await? {
        if app.state == store::AppState::Ready {
            control.inner.repositories.maintain(&app.name).await?;
        }
    }
    Ok(())
}

/// Directories of runs that have ended, or that never were.
async fn sweep_workspaces(control: &Control) -> Result<(), Error> {
    let work = control.inner.settings.work_directory();
    let mut entries =
        tokio::fs::read_dir(&work).await.map_err(Error::io("read the work directory"))?;
    while let Some(entry) =
        entries.next_entry().await.map_err(Error::io("read the work directory"))?
    {
        let name = entry.file_name();
        let run = name.to_str().and_then(|name| name.parse::<RunId>().ok());
        // Asked for each, after the directory was seen: a run is recorded before it has one.
        let ended = match run {
            Some(run) => has_ended(control, run).await?,
            None => true,
        };
        if ended {
            let removed = tokio::fs::remove_dir_all(entry.path()).await;
            removed.map_err(Error::io("remove a run's directory"))?;
        }
    }
    Ok(())
}

/// Whether nothing more comes of a run, or there is none.
async fn has_ended(control: &Control, run: RunId) -> Result<bool, Error> {
    match control.inner.store.run(run).await {
        Ok(run) => Ok(types::Transition::is_terminal(run.status)),
        Err(store::Error::NotFound { .. }) => Ok(true),
        Err(error) => Err(error.into()),
    }
}

/// What is left of the steps of runs that have ended.
async fn sweep_steps(control: &Control) -> Result<(), Error> {
    let runs = control.inner.steps.runs().await.map_err(|error| Error::Io {
        doing: "look for the steps of runs",
        source: std::io::Error::other(error),
    })?;
    for run in runs {
        if has_ended(control, run).await? {
            super::runs::forget_steps(control, run).await?;
        }
    }
    Ok(())
}

/// Artifacts of runs that have been kept for as long as was asked.
async fn expire_artifacts(control: &Control) -> Result<(), Error> {
    let (artifacts, now) = (&control.inner.run_artifacts, control.inner.clock.now());
    let expired = || artifacts.runs()?.into_iter().try_for_each(|run| artifacts.expire(run, now));
    expired().map_err(Error::io("remove artifacts of runs"))
}

/// Pins whose change has ended, or was never recorded because the server died in between.
async fn sweep_pins(control: &Control) -> Result<(), Error> {
    let store = &control.inner.store;
    let repositories = &control.inner.repositories;
    for app in store.apps().await?.into_iter().filter(|app| app.state == store::AppState::Ready) {
        for (change, _) in repositories.pins(&app.name).await? {
            let needed = match store.change(change).await? {
                Some(change) => super::runs::needs_pin(control, &change).await?,
                None => control.inner.pushes_under_way.holds(change),
            };
            if !needed {
                repositories.unpin(&app.name, change).await?;
            }
        }
    }
    Ok(())
}

/// The logs of instances that were stopped long ago.
async fn sweep_logs(control: &Control) -> Result<(), Error> {
    let store = &control.inner.store;
    let driver = &control.inner.driver;
    let limit = control.inner.settings.limits.stopped_instances;
    store.forget_stopped_instances(limit).await?;
    let mut kept = HashSet::new();
    kept.extend(store.live_instances().await?.into_iter().map(|owner| owner.instance.id));
    for app in store.apps().await? {
        for environment in store.environments(app.id).await? {
            let stopped = store.stopped_instances(environment.id, limit).await?;
            kept.extend(stopped.into_iter().map(|instance| instance.id));
        }
    }
    for id in driver.list().await.map_err(Error::Logs)? {
        // One that was recorded after the list of the kept ones was made is found by its row.
        if kept.contains(&id) {
            continue;
        }
        let row = store.find_instance(id).await?;
        if row.is_none_or(|row| row.state == types::InstanceState::Stopped) {
            driver.stop(id, Duration::ZERO).await.map_err(Error::Logs)?;
            driver.remove(id).await.map_err(Error::Logs)?;
        }
    }
    Ok(())
}

async fn sweep_said(control: &Control) -> Result<(), Error> {
    let unfinished = control.inner.store.unfinished_deployments().await?;
    control.inner.waiting.retain(&unfinished.into_iter().map(|d| d.id).collect());
    Ok(())
}

/// The caches of apps whose builds keep too much.
async fn trim_caches(control: &Control) -> Result<(), Error> {
    let limit = control.inner.settings.limits.build_cache_bytes;
    let trimmed = control.inner.builder.trim(limit).await.map_err(|error| Error::Io {
        doing: "trim build caches",
        source: std::io::Error::other(chain(&error)),
    })?;
    if !trimmed.is_empty() {
        tracing::info!(apps = ?trimmed, "build caches had become too large and begin anew");
    }
    Ok(())
}

async fn collect_artifacts(control: &Control) -> Result<(), Error> {
    let window = control.inner.settings.limits.rollback_window;
    let keep = control.inner.store.pinned_artifacts(window).await?;
    let mut layers: Vec<Digest> = Vec::new();
    for digest in &keep {
        if let Ok(bundle) = control.inner.artifacts.bundle(digest).await {
            layers.extend(bundle.layers.into_iter().map(|layer| layer.digest));
        }
    }
    let collected = control.inner.artifacts.collect(&keep, YOUNG).await.map_err(|error| {
        Error::Io { doing: "collect artifacts", source: std::io::Error::other(chain(&error)) }
    })?;
    tracing::debug!(?collected, "artifacts collected");
    control.inner.verified.lock().retain(|layer| layers.contains(layer));
    control.inner.driver.collect(&layers).await.map_err(Error::Logs)?;
    Ok(())
}
