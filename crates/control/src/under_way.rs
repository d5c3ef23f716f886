//! What this process is at: kept in memory only, and forgotten with it. Whatever has to outlive it is in the store.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use types::RunId;

/// Which runs are to stop. What was asked for is in their journals; this only wakes who works on them.
#[derive(Debug, Default)]
pub(crate) struct Cancellations {
    /// By run, and by job and step in it: `deploy/deploy`.
    tokens: Mutex<HashMap<RunId, HashMap<String, CancellationToken>>>,
}

impl Cancellations {
    pub(crate) fn of(&self, run: RunId, step: &str) -> CancellationToken {
        self.tokens.lock().entry(run).or_default().entry(step.to_owned()).or_default().clone()
    }

    pub(crate) fn forget(&self, run: RunId) {
        self.tokens.lock().remove(&run);
    }
}

/// Things that a reconciler is at work on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Driven {
    keys: Arc<Mutex<HashSet<Key>>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    Deployments(types::EnvironmentId),
    Scale(types::EnvironmentId),
    Instance(types::InstanceId),
    App(types::AppId),
    Upload(types::UploadId),
}

/// Held while something is driven.
#[derive(Debug)]
pub(crate) struct Driving {
    driven: Driven,
    key: Key,
}

impl Driven {
    /// `None` if somebody is at it already.
    pub(crate) fn begin(&self, key: Key) -> Option<Driving> {
        self.keys.lock().insert(key).then(|| Driving { driven: self.clone(), key })
    }
}

impl Drop for Driving {
    fn drop(&mut self) {
        self.driven.keys.lock().remove(&self.key);
    }
}

/// What has been said once and need not be said again.
#[derive(Debug, Default)]
pub(crate) struct Said(Mutex<HashSet<types::DeploymentId>>);

impl Said {
    /// Whether it is new.
    pub(crate) fn insert(&self, id: types::DeploymentId) -> bool {
        self.0.lock().insert(id)
    }

    pub(crate) fn retain(&self, still: &HashSet<types::DeploymentId>) {
        self.0.lock().retain(|id| still.contains(id));
    }
}

/// Commits that are pinned and whose change is about to be recorded: a sweep leaves their pins alone.
#[derive(Debug, Clone, Default)]
pub(crate) struct PinsUnderWay(Arc<Mutex<HashSet<types::ChangeId>>>);

#[derive(Debug)]
pub(crate) struct PinUnderWay(PinsUnderWay, types::ChangeId);

impl PinsUnderWay {
    pub(crate) fn begin(&self, change: types::ChangeId) -> PinUnderWay {
        self.0.lock().insert(change);
        PinUnderWay(self.clone(), change)
    }

    pub(crate) fn holds(&self, change: types::ChangeId) -> bool {
        self.0.lock().contains(&change)
    }
}

impl Drop for PinUnderWay {
    fn drop(&mut self) {
        self.0.0.lock().remove(&self.1);
    }
}
