//! Drives deployments through their states, one at a time in each environment, oldest first.

mod phases;

use std::collections::HashSet;
use std::time::Duration;

use store::{Deployment, Topic};
use types::{DeploymentId, DeploymentState, EnvironmentId};

use super::{PERIOD, RETRY, Specification};
use crate::error::chain;
use crate::transcripts::RunTranscript;
use crate::under_way::Key;
use crate::{Control, Error, text};
use phases::Driver;

pub(super) async fn run(control: Control) {
    let mut wake = control.inner.store.subscribe(Topic::Deployments);
    loop {
        let pause = match drive_all(&control).await {
            Ok(()) => PERIOD,
            Err(error) => {
                tracing::warn!(error = %chain(&error), "deployments could not be looked up");
                RETRY
            }
        };
        tokio::select! {
            () = wake.changed() => {}
            () = control.inner.deployments_nudge.notified() => {}
            () = tokio::time::sleep(pause) => {}
            () = control.inner.stop.cancelled() => return,
        }
    }
}

async fn drive_all(control: &Control) -> Result<(), Error> {
    let unfinished = control.inner.store.unfinished_deployments().await?;
    let mut environments = HashSet::new();
    for deployment in unfinished {
        if environments.insert(deployment.environment) {
            if let Some(driving) =
                control.inner.driven.begin(Key::Deployments(deployment.environment))
            {
                let control = control.clone();
                control.inner.tracker.clone().spawn(async move {
                    drive_latest(&control, deployment.id).await;
                    drop(driving);
                    // The next one in line may have come while this one was driven.
                    control.inner.deployments_nudge.notify_one();
                });
            }
        } else if control.inner.cancellations.of(deployment.run, &deployment.step).is_cancelled() {
            control.inner.store.cancel_queued_deployment(deployment.id).await?;
        } else {
            say_that_it_waits(control, &deployment).await?;
        }
    }
    Ok(())
}

/// The row was listed before it was this driver's: somebody else may have moved it on since.
async fn drive_latest(control: &Control, id: DeploymentId) {
    match control.inner.store.deployment(id).await {
        Ok(deployment) => drive(control, deployment).await,
        // What is unfinished is looked up again.
        Err(error) => {
            let error = Error::from(error);
            tracing::warn!(%id, error = %chain(&error), "a deployment could not be looked up");
        }
    }
}

/// Takes one deployment to its end.
async fn drive(control: &Control, mut deployment: Deployment) {
    while !types::Transition::is_terminal(deployment.state) {
        let advanced = tokio::select! {
            advanced = advance(control, deployment.clone()) => advanced,
            () = control.inner.stop.cancelled() => return,
        };
        deployment = match advanced {
            Ok(deployment) => deployment,
            Err(Error::NotFound(_)) => return,
            Err(error) => {
                let id = deployment.id;
                tracing::warn!(%id, error = %chain(&error), "a deployment is stuck; trying again");
                if !pause(control, RETRY).await {
                    return;
                }
                match control.inner.store.deployment(id).await {
                    Ok(deployment) => deployment,
                    Err(_) => return,
                }
            }
        };
    }
}

async fn pause(control: &Control, time: Duration) -> bool {
    tokio::select! {
        () = tokio::time::sleep(time) => true,
        () = control.inner.stop.cancelled() => false,
    }
}

/// Does the work of the state that the deployment is in, and moves it on.
async fn advance(control: &Control, deployment: Deployment) -> Result<Deployment, Error> {
    let store = &control.inner.store;
    let id = deployment.id;
    let state = deployment.state;
    let transcript = control.inner.transcripts.of(deployment.run);
    let cancelled = control.inner.cancellations.of(deployment.run, &deployment.step).is_cancelled();
    if cancelled && state == DeploymentState::Queued {
        return Ok(store.cancel_queued_deployment(id).await?);
    }
    let abortable = matches!(
        state,
        DeploymentState::Preparing
            | DeploymentState::Releasing
            | DeploymentState::Stopping
            | DeploymentState::Starting
    );
    if cancelled && abortable {
        return Ok(store.abort_deployment(id, None).await?);
    }
    if state == DeploymentState::Queued {
        return Ok(store.advance_deployment(id, DeploymentState::Preparing, false).await?);
    }
    let specification = match Specification::load(control, deployment).await {
        Ok(specification) => specification,
        Err(error) if abortable => {
            let phase = types::FailedPhase::Preparing;
            let error = store::DeploymentError { phase, message: chain(&error) };
            return Ok(store.abort_deployment(id, Some(error)).await?);
        }
        Err(error) => return Err(error),
    };
    let driver = Driver::new(control, specification, transcript);
    match state {
        DeploymentState::Preparing => driver.prepare().await,
        DeploymentState::Releasing => driver.release().await,
        DeploymentState::Stopping => driver.stop_predecessors().await,
        DeploymentState::Starting => driver.start().await,
        DeploymentState::Switching => driver.switch().await,
        DeploymentState::Aborting => driver.abort().await,
        DeploymentState::Queued
        | DeploymentState::Succeeded
        | DeploymentState::Failed
        | DeploymentState::Cancelled => Ok(driver.into_deployment()),
    }
}

/// Tells whoever watches what this one waits for; once.
async fn say_that_it_waits(control: &Control, deployment: &Deployment) -> Result<(), Error> {
    use types::Transcript as _;
    if deployment.state != DeploymentState::Queued || !control.inner.waiting.insert(deployment.id) {
        return Ok(());
    }
    let ahead = first_of(control, deployment.environment).await?;
    if let Some(ahead) = ahead.filter(|ahead| ahead.id != deployment.id) {
        let environment = control.inner.store.environment_by_id(deployment.environment).await?;
        let transcript: RunTranscript = control.inner.transcripts.of(deployment.run);
        transcript.step(&text::deployment_waits(&environment.name, &ahead.reason));
    }
    Ok(())
}

async fn first_of(
    control: &Control,
    environment: EnvironmentId,
) -> Result<Option<Deployment>, Error> {
    let unfinished = control.inner.store.unfinished_deployments().await?;
    Ok(unfinished.into_iter().find(|deployment| deployment.environment == environment))
}
