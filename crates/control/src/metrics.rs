use router::ReleaseMetrics;

use crate::{Control, Error};

/// What is measured of the whole server.
#[derive(Debug, Clone)]
pub struct Metrics {
    pub apps: usize,
    /// Runs that have not ended.
    pub unfinished_runs: usize,
    /// Instances that are not stopped.
    pub instances: usize,
    pub unfinished_deployments: usize,
    /// By app, environment and release; empty while the router does not answer.
    pub releases: Vec<ReleaseMetrics>,
    pub router_running: bool,
}

impl Control {
    pub async fn metrics(&self) -> Result<Metrics, Error> {
        let store = &self.inner.store;
        let releases = self.inner.router.metrics().await;
        Ok(Metrics {
            apps: store.apps().await?.len(),
            unfinished_runs: store.unfinished_runs(None).await?.len(),
            instances: store.live_instances().await?.len(),
            unfinished_deployments: store.unfinished_deployments().await?.len(),
            router_running: releases.is_ok(),
            releases: releases.unwrap_or_default(),
        })
    }
}
