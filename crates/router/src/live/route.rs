use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use types::{AppName, EnvironmentName, InstanceId};

use super::{Instance, Ledger};
use crate::metrics::{Counters, Key};
use crate::split;
use crate::table::Route;

/// A route with live instances and counters.
#[derive(Debug)]
pub(crate) struct LiveRoute {
    pub(crate) app: AppName,
    pub(crate) environment: EnvironmentName,
    pub(crate) hold: bool,
    pub(crate) sides: Vec<LiveSide>,
    /// `app/environment`: what a sticky key is hashed with.
    name: String,
    choice: Choice,
}

#[derive(Debug)]
pub(crate) struct LiveSide {
    pub(crate) release: Arc<str>,
    pub(crate) counters: Arc<Counters>,
    pub(super) instances: Vec<Arc<Instance>>,
    /// The weight, or 0 when there is no instance.
    weight: u32,
    /// Where the next choice starts, so that equally busy instances take turns.
    cursor: AtomicUsize,
}

#[derive(Debug)]
enum Choice {
    None,
    Only(usize),
    ByKey,
}

impl LiveRoute {
    pub(super) fn new(route: &Route, ledger: &mut Ledger) -> Self {
        let sides: Vec<LiveSide> = route
            .sides
            .iter()
            .map(|side| {
                let release: Arc<str> = side.release.as_str().into();
                let key = Key {
                    app: route.app.clone(),
                    environment: route.environment.clone(),
                    release: Arc::clone(&release),
                };
                LiveSide {
                    release,
                    counters: ledger.counters(&key),
                    instances: side.instances.iter().map(|one| ledger.instance(one)).collect(),
                    weight: if side.instances.is_empty() { 0 } else { side.weight },
                    cursor: AtomicUsize::new(0),
                }
            })
            .collect();
        let weighted: Vec<usize> =
            (0..sides.len()).filter(|index| sides[*index].weight > 0).collect();
        let choice = match weighted[..] {
            [] => Choice::None,
            [only] => Choice::Only(only),
            _ => Choice::ByKey,
        };
        Self {
            app: route.app.clone(),
            environment: route.environment.clone(),
            hold: route.hold,
            name: format!("{}/{}", route.app, route.environment),
            sides,
            choice,
        }
    }

    /// The side for a request; `key` gives the user's place and is only asked when there is a choice.
    pub(super) fn side(&self, key: impl FnOnce(&Self) -> u64) -> Option<usize> {
        match self.choice {
            Choice::None => None,
            Choice::Only(side) => Some(side),
            Choice::ByKey => split::side_at(self.sides.iter().map(|side| side.weight), key(self)),
        }
    }

    /// Where a sticky key lies on this route.
    pub(crate) fn point(&self, key: &[u8]) -> u64 {
        split::point(&self.name, key)
    }

    pub(super) fn key(&self, side: usize) -> Key {
        Key {
            app: self.app.clone(),
            environment: self.environment.clone(),
            release: Arc::clone(&self.sides[side].release),
        }
    }
}

impl LiveSide {
    /// The instance with the least in flight that is not in `passed_over`; those that refused a connection
    /// lately come last; equals take turns.
    pub(super) fn choose(&self, passed_over: &[InstanceId]) -> Option<&Arc<Instance>> {
        if let [only] = &self.instances[..] {
            return (!passed_over.contains(&only.id)).then_some(only);
        }
        let start = self.cursor.fetch_add(1, Ordering::Relaxed) % self.instances.len().max(1);
        let (before, after) = self.instances.split_at(start);
        after
            .iter()
            .chain(before)
            .filter(|instance| !passed_over.contains(&instance.id))
            .min_by_key(|instance| (instance.is_avoided(), instance.in_flight()))
    }
}
