//! Keeps instances what their rows say: those that serve run, those that are to go are drained and
//! stopped, and each environment has as many as it should. A place whose instance does not come up stays empty for a while,
//! longer each time (`store::Setback`).

mod serving;

use std::collections::HashSet;
use std::time::Duration;

use deploy::Driver;
use jiff::Timestamp;
use store::{Instance, Store, Topic};
use types::{EnvironmentId, InstanceId, InstanceState};

use super::bring_up::{bring_up, lay_out};
use super::specification::{FIRST_DEPLOY, RELEASE};
use super::{PERIOD, RETRY, Specification, routes};
use crate::error::chain;
use crate::under_way::Key;
use crate::{Control, Error};

/// Looks on a wake-up, on the period, and when a place that is empty after a failure is due.
pub(super) async fn run(control: Control) {
    let mut wake = control.inner.store.subscribe(Topic::Instances);
    loop {
        let pause = match reconcile(&control).await {
            Ok(due) => due.map_or(PERIOD, |due| left(control.inner.clock.now(), due).min(PERIOD)),
            Err(error) => {
                tracing::warn!(error = %chain(&error), "instances could not be reconciled; trying again");
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

/// Says when there is something to do that nobody wakes us for.
async fn reconcile(control: &Control) -> Result<Option<Timestamp>, Error> {
    let live = control.inner.store.live_instances().await?;
    let mut environments = HashSet::new();
    for owner in live {
        environments.insert(owner.environment);
        let id = owner.instance.id;
        let Some(driving) = control.inner.driven.begin(Key::Instance(id)) else { continue };
        let work = control.clone();
        control.inner.tracker.spawn(async move {
            let kept = tokio::select! {
                kept = keep(&work, id) => kept,
                () = work.inner.stop.cancelled() => return,
            };
            if let Err(error) = kept {
                tracing::warn!(%id, error = %chain(&error), "an instance could not be reconciled");
            }
            drop(driving);
        });
    }
    converge_all(control, environments).await?;
    Ok(control.inner.store.next_comeback(control.inner.clock.now()).await?)
}

/// Does what the row of one instance asks for, until it asks for nothing more.
async fn keep(control: &Control, id: InstanceId) -> Result<(), Error> {
    let store = &control.inner.store;
    // Subscribed before the row is read: what is written in between wakes it.
    let mut wake = store.subscribe(Topic::Instances);
    while let Some(instance) = store.find_instance(id).await? {
        match instance.state {
            // Whoever started it brings it up.
            InstanceState::Starting => wake.changed().await,
            InstanceState::Serving => serving::serve(control, &instance, &mut wake).await?,
            InstanceState::Draining => {
                drain(control, &instance).await?;
                store.set_instance_state(id, InstanceState::Stopping).await?;
            }
            InstanceState::Stopping => stop(control, &instance).await?,
            InstanceState::Stopped => break,
        }
    }
    Ok(())
}

/// Lets requests end, until the deadline that stands in the row.
async fn drain(control: &Control, instance: &Instance) -> Result<(), Error> {
    // Only once the router has confirmed that it sends nothing more is "nothing in flight" an answer.
    loop {
        match routes::sync(control).await {
            Ok(()) => break,
            Err(router::Error::NotRunning(_)) => return Ok(()),
            Err(error) => {
                tracing::warn!(error = %chain(&error), "the router does not confirm; not draining yet");
                tokio::time::sleep(RETRY).await;
            }
        }
    }
    let left =
        instance.drain_until.map_or(Duration::ZERO, |until| left(control.inner.clock.now(), until));
    match control.inner.router.drain(&[instance.id], left).await {
        Ok(drained) if !drained.is_clean() => {
            tracing::warn!(id = %instance.id, cut = ?drained.cut, "requests were cut at the drain deadline");
        }
        Ok(_) | Err(router::Error::NotRunning(_)) => {}
        Err(error) => {
            return Err(Error::Io {
                doing: "drain an instance",
                source: std::io::Error::other(chain(&error)),
            });
        }
    }
    Ok(())
}

fn left(now: Timestamp, until: Timestamp) -> Duration {
    Duration::try_from(until.duration_since(now)).unwrap_or(Duration::ZERO)
}

async fn stop(control: &Control, instance: &Instance) -> Result<(), Error> {
    let driver = &control.inner.driver;
    let grace = control.inner.settings.limits.stop_grace;
    driver.stop(instance.id, grace).await.map_err(Error::Logs)?;
    control.inner.store.set_instance_state(instance.id, InstanceState::Stopped).await?;
    Ok(())
}

/// Brings each environment to the number of instances that it should have.
async fn converge_all(
    control: &Control,
    mut environments: HashSet<EnvironmentId>,
) -> Result<(), Error> {
    let store = &control.inner.store;
    environments.extend(store.serving_environments().await?);
    let busy: HashSet<EnvironmentId> =
        store.unfinished_deployments().await?.iter().map(|d| d.environment).collect();
    for id in environments.difference(&busy).copied().collect::<Vec<_>>() {
        let Some(driving) = control.inner.driven.begin(Key::Scale(id)) else { continue };
        let work = control.clone();
        control.inner.tracker.spawn(async move {
            let converged = tokio::select! {
                converged = converge(&work, id) => converged,
                () = work.inner.stop.cancelled() => return,
            };
            if let Err(error) = converged {
                tracing::warn!(%id, error = %chain(&error), "an environment could not be scaled");
            }
            drop(driving);
        });
    }
    Ok(())
}

async fn converge(control: &Control, id: EnvironmentId) -> Result<(), Error> {
    let store: &Store = &control.inner.store;
    let environment = store.environment_by_id(id).await?;
    let Some(current) = environment.current else { return Ok(()) };
    let instances = store.instances_of(current).await?;
    let here: Vec<&Instance> = instances
        .iter()
        .filter(|i| matches!(i.state, InstanceState::Starting | InstanceState::Serving))
        .filter(|i| ![RELEASE, FIRST_DEPLOY].contains(&i.process.as_str()))
        .collect();
    let specification = Specification::load(control, store.deployment(current).await?).await?;
    let counts = specification.counts();
    for extra in here.iter().filter(|i| i.ordinal > counts.get(&i.process).copied().unwrap_or(0)) {
        if extra.state == InstanceState::Serving {
            let process = specification.process(&extra.process);
            let drain = process.map_or(Duration::ZERO, |process| process.drain);
            store.drain_instance(extra.id, drain).await?;
        } else {
            store.set_instance_state(extra.id, InstanceState::Stopping).await?;
        }
    }
    // Already there, but for a machine that lost it.
    lay_out(control, &specification).await.map_err(|why| Error::Io {
        doing: "lay the bundle out",
        source: std::io::Error::other(why),
    })?;
    for (process, count) in counts {
        for instance in store.ensure_instances(current, process, count).await? {
            if instance.state == InstanceState::Starting {
                bring_into_service(control, &specification, &instance).await?;
            }
        }
    }
    Ok(())
}

async fn bring_into_service(
    control: &Control,
    specification: &Specification,
    instance: &Instance,
) -> Result<(), Error> {
    match bring_up(control, specification, instance).await? {
        Ok(_) => {
            control.inner.store.set_instance_state(instance.id, InstanceState::Serving).await?;
        }
        Err(why) => {
            let name = format!("{}.{}", instance.process, instance.ordinal);
            tracing::warn!(id = %instance.id, name, why, "an additional instance did not come up");
            control.inner.store.instance_failed(instance.id, why).await?;
        }
    }
    Ok(())
}

/// How long instances have after SIGTERM when everything is to end.
const LAST_GRACE: Duration = Duration::from_secs(10);

/// Stops every instance of a target, whatever the rows say: for `solum server stop --all`.
pub(crate) async fn stop_all(driver: &dyn Driver) {
    let instances = match driver.list().await {
        Ok(instances) => instances,
        Err(error) => {
            tracing::error!(error = %chain(&error), "the instances cannot be listed");
            return;
        }
    };
    let stops = instances.into_iter().map(|id| async move {
        if let Err(error) = driver.stop(id, LAST_GRACE).await {
            tracing::error!(%id, error = %chain(&error), "an instance was not stopped");
        }
    });
    futures_util::future::join_all(stops).await;
}
