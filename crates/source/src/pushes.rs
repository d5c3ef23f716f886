//! The pushes that are under way, by the random id that git hands from the request to the hooks.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use types::{Actor, AppName};

use crate::push::RefUpdate;

/// Shared by what serves git's requests and what answers git's hooks. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Pushes {
    under_way: Arc<Mutex<HashMap<String, Arc<Push>>>>,
}

/// One push, from its request to the end of git's work on it.
#[derive(Debug)]
pub(crate) struct Push {
    pub(crate) app: AppName,
    pub(crate) actor: Actor,
    /// Cancelled when the client hangs up.
    pub(crate) client_gone: CancellationToken,
    /// What `pre-receive` found out about its refs.
    found: Mutex<Vec<RefUpdate>>,
}

impl Push {
    pub(crate) fn remember(&self, updates: Vec<RefUpdate>) {
        *self.found.lock() = updates;
    }

    /// What was found out about an update when it was admitted.
    pub(crate) fn found(&self, update: &RefUpdate) -> Option<RefUpdate> {
        let found = self.found.lock();
        found
            .iter()
            .find(|f| f.name == update.name && f.old == update.old && f.new == update.new)
            .cloned()
    }
}

/// A push that is known as long as this is held.
#[derive(Debug)]
pub(crate) struct Registration {
    pushes: Pushes,
    pub(crate) id: String,
    pub(crate) push: Arc<Push>,
}

impl Pushes {
    pub(crate) fn register(&self, app: AppName, actor: Actor) -> Registration {
        let id = format!("{:032x}", rand::random::<u128>());
        let client_gone = CancellationToken::new();
        let push = Arc::new(Push { app, actor, client_gone, found: Mutex::default() });
        self.under_way.lock().insert(id.clone(), Arc::clone(&push));
        Registration { pushes: self.clone(), id, push }
    }

    pub(crate) fn find(&self, id: &str) -> Option<Arc<Push>> {
        self.under_way.lock().get(id).map(Arc::clone)
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.pushes.under_way.lock().remove(&self.id);
    }
}
