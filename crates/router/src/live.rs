//! The routing table as requests meet it: claim, then swap, then drain.
//!
//! Invariant: a request claims its instance under the lock that a swap takes for writing. So once a swap has
//! returned, no request claims an instance that it removed, and the instance's count of what is
//! in flight only falls. The lock is never held over an await.

mod instance;
mod route;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Weak};

use parking_lot::{Mutex, RwLock};
use tokio::sync::watch;
use types::{HostName, InstanceId};

pub(crate) use instance::{InFlight, Instance, Phase};
pub(crate) use route::LiveRoute;

use crate::metrics::{Counters, Key, ReleaseMetrics};
use crate::table::{Backend, RouteTable};

/// How many releases that no route names any more keep their counters.
const RETIRED_RELEASES: usize = 256;

#[derive(Debug)]
pub(crate) struct LiveTable {
    current: RwLock<Current>,
    /// Held by whoever changes the table or the counters, so that changes are made one after the other.
    changing: Mutex<Ledger>,
    swaps: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Current {
    revision: u64,
    hosts: HashMap<HostName, Arc<LiveRoute>>,
}

/// What outlives a table.
#[derive(Debug, Default)]
struct Ledger {
    /// Every instance that is routed or still has something in flight. One id has several entries when it
    /// came back with another address.
    instances: HashMap<InstanceId, Vec<Weak<Instance>>>,
    counters: HashMap<Key, Arc<Counters>>,
    /// Releases without a route, the longest gone first.
    retired: VecDeque<Key>,
}

/// The right to send one request to an instance, and to count it as in flight until this is dropped.
#[derive(Debug)]
pub(crate) struct Claim {
    pub(crate) in_flight: InFlight,
    pub(crate) route: Arc<LiveRoute>,
    pub(crate) side: usize,
}

impl Claim {
    pub(crate) fn counters(&self) -> &Counters {
        &self.route.sides[self.side].counters
    }
}

/// Why a request has no instance.
#[derive(Debug)]
pub(crate) enum Refusal {
    UnknownHost,
    /// No side with weight has an instance.
    NoInstance(Arc<LiveRoute>),
    /// Every instance of the side was passed over.
    Exhausted(Arc<LiveRoute>, usize),
}

/// A table that is older than the one in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stale {
    pub(crate) current: u64,
}

impl LiveTable {
    pub(crate) fn new() -> Self {
        Self {
            current: RwLock::default(),
            changing: Mutex::default(),
            swaps: watch::Sender::new(0),
        }
    }

    pub(crate) fn revision(&self) -> u64 {
        self.current.read().revision
    }

    /// Changes with every swap.
    pub(crate) fn swaps(&self) -> watch::Receiver<u64> {
        self.swaps.subscribe()
    }

    /// Claims an instance for a request to `host`, leaving out those in `passed_over`. `key` gives the user's
    /// place on the route; it is only asked when the route is split.
    pub(crate) fn claim(
        &self,
        host: &str,
        passed_over: &[InstanceId],
        key: impl FnOnce(&LiveRoute) -> u64,
    ) -> Result<Claim, Refusal> {
        let current = self.current.read();
        let route = current.hosts.get(host).ok_or(Refusal::UnknownHost)?;
        let Some(side) = route.side(key) else {
            return Err(Refusal::NoInstance(Arc::clone(route)));
        };
        match route.sides[side].choose(passed_over) {
            Some(instance) => {
                let in_flight = instance.begin();
                Ok(Claim { in_flight, route: Arc::clone(route), side })
            }
            None => Err(Refusal::Exhausted(Arc::clone(route), side)),
        }
    }

    /// Puts `table` in force. It has been validated.
    pub(crate) fn swap(&self, table: &RouteTable) -> Result<(), Stale> {
        let mut ledger = self.changing.lock();
        let revision = self.current.read().revision;
        if table.revision < revision {
            return Err(Stale { current: revision });
        }
        let mut hosts = HashMap::new();
        for route in &table.routes {
            let live = Arc::new(LiveRoute::new(route, &mut ledger));
            for host in &route.hosts {
                hosts.insert(host.clone(), Arc::clone(&live));
            }
        }
        let fresh = Current { revision: table.revision, hosts };
        let old = {
            let mut current = self.current.write();
            let old = std::mem::replace(&mut *current, fresh);
            // Flags change under the lock too, so that a claim never meets an instance between two tables.
            old.instances().for_each(|instance| instance.set_routed(false));
            current.instances().for_each(|instance| instance.set_routed(true));
            old
        };
        drop(old);
        ledger.retire(&self.current.read());
        self.swaps.send_modify(|swaps| *swaps += 1);
        Ok(())
    }

    /// The live instances with these ids, told to drain; or those of them that are still routed.
    pub(crate) fn begin_drain(
        &self,
        ids: &[InstanceId],
    ) -> Result<Vec<Arc<Instance>>, Vec<InstanceId>> {
        let ledger = self.changing.lock();
        let instances: Vec<Arc<Instance>> = ids
            .iter()
            .filter_map(|id| ledger.instances.get(id))
            .flatten()
            .filter_map(Weak::upgrade)
            .collect();
        let routed: Vec<InstanceId> = instances
            .iter()
            .filter(|instance| instance.is_routed())
            .map(|instance| instance.id)
            .collect();
        if !routed.is_empty() {
            return Err(routed);
        }
        instances.iter().for_each(|instance| instance.set_phase(Phase::Draining));
        Ok(instances)
    }

    /// What is in flight on all instances.
    pub(crate) fn in_flight(&self) -> usize {
        let ledger = self.changing.lock();
        let instances = ledger.instances.values().flatten().filter_map(Weak::upgrade);
        instances.map(|instance| instance.in_flight()).sum()
    }

    pub(crate) fn metrics(&self) -> Vec<ReleaseMetrics> {
        let ledger = self.changing.lock();
        ledger.counters.iter().map(|(key, counters)| counters.snapshot(key)).collect()
    }

    pub(crate) fn absorb(&self, counted: &[ReleaseMetrics]) {
        let mut ledger = self.changing.lock();
        for one in counted {
            let key = Key {
                app: one.app.clone(),
                environment: one.environment.clone(),
                release: one.release.as_str().into(),
            };
            ledger.counters(&key).absorb(one);
        }
        ledger.retire(&self.current.read());
    }
}

impl Current {
    fn instances(&self) -> impl Iterator<Item = &Arc<Instance>> {
        self.hosts.values().flat_map(|route| &route.sides).flat_map(|side| &side.instances)
    }
}

impl Ledger {
    /// The instance as it is known, so that what is in flight on it stays counted, or a new one.
    fn instance(&mut self, backend: &Backend) -> Arc<Instance> {
        let known = self.instances.entry(backend.instance).or_default();
        known.retain(|instance| instance.strong_count() > 0);
        let same = known
            .iter()
            .filter_map(Weak::upgrade)
            .find(|known| known.address == backend.address && known.uid == backend.uid);
        same.unwrap_or_else(|| {
            let instance = Arc::new(Instance::new(backend));
            known.push(Arc::downgrade(&instance));
            instance
        })
    }

    fn counters(&mut self, key: &Key) -> Arc<Counters> {
        Arc::clone(self.counters.entry(key.clone()).or_default())
    }

    /// Forgets what nobody can ask for any more.
    fn retire(&mut self, current: &Current) {
        self.instances.retain(|_, known| known.iter().any(|instance| instance.strong_count() > 0));
        let routed: std::collections::HashSet<Key> = current
            .hosts
            .values()
            .flat_map(|route| (0..route.sides.len()).map(|side| route.key(side)))
            .collect();
        self.retired.retain(|key| !routed.contains(key));
        for key in self.counters.keys() {
            if !routed.contains(key) && !self.retired.contains(key) {
                self.retired.push_back(key.clone());
            }
        }
        while self.retired.len() > RETIRED_RELEASES {
            if let Some(key) = self.retired.pop_front() {
                self.counters.remove(&key);
            }
        }
    }
}

#[cfg(test)]
mod tests;
