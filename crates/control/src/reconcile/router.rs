//! Keeps a router running, and replaces one of another version.

use std::process::{Command, Stdio};
use std::time::Duration;

use crate::Control;
use crate::error::chain;
use crate::reconcile::routes;

/// How often the router is looked at. It restarts from its own table, so nothing waits for this.
const PERIOD: Duration = Duration::from_secs(1);
/// How long a router has to begin to serve.
const START: Duration = Duration::from_secs(10);

pub(crate) async fn supervise(control: Control) {
    loop {
        if let Err(error) = ensure(&control).await {
            tracing::error!(error, "the router does not run");
        }
        tokio::select! {
            () = tokio::time::sleep(PERIOD) => {}
            () = control.inner.stop.cancelled() => return,
        }
    }
}

/// Makes sure that a router of this version takes connections.
pub(crate) async fn ensure(control: &Control) -> Result<(), String> {
    // One at a time: a second start would take over from the first.
    let _turn = control.inner.routes.router_turn().await;
    let accepting = match control.inner.router.status().await {
        Ok(status) => status.accepting().cloned(),
        Err(router::Error::NotRunning(_)) => None,
        Err(error) => return Err(chain(&error)),
    };
    match accepting {
        Some(generation) if generation.version == env!("CARGO_PKG_VERSION") => return Ok(()),
        Some(generation) => {
            tracing::info!(from = generation.version, "replacing the router by this version");
        }
        None => {}
    }
    start(control).await?;
    routes::forget(control).await;
    routes::sync(control).await.map_err(|error| chain(&error))
}

/// Starts a router that outlives this server, and waits until it takes connections.
async fn start(control: &Control) -> Result<(), String> {
    let settings = &control.inner.settings;
    let mut command = Command::new(&settings.program);
    command
        .arg("router")
        .arg("--data-dir")
        .arg(&settings.data_directory)
        .arg("--listen")
        .arg(settings.router_listen.to_string())
        .arg("--detach");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    let output = tokio::time::timeout(START, tokio::process::Command::from(command).output()).await;
    let output = match output {
        Ok(Ok(output)) => output,
        Ok(Err(error)) => return Err(format!("it cannot be started: {error}")),
        Err(_) => return Err(format!("it did not begin to serve within {START:?}")),
    };
    if output.status.success() {
        Ok(())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
    }
}
