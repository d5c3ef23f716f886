use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, watch};
use types::InstanceId;

use crate::table::Backend;

/// How long an instance that refused a connection is only tried when there is no other.
const AVOIDED: Duration = Duration::from_secs(1);

/// What is asked of the connections to an instance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    Serving,
    /// WebSockets are closed in order; everything else goes on.
    Draining,
    /// The deadline has passed: everything is cut.
    Cut,
}

/// An instance and what is in flight on it. It lives as long as a table, a request or a pooled connection
/// knows it.
#[derive(Debug)]
pub(crate) struct Instance {
    pub(crate) id: InstanceId,
    pub(crate) address: SocketAddr,
    /// Whose program has to listen there.
    pub(crate) uid: Option<u32>,
    in_flight: AtomicUsize,
    routed: AtomicBool,
    phase: watch::Sender<Phase>,
    /// Told when nothing is in flight any more on an instance without a route.
    ended: Notify,
    born: Instant,
    /// Milliseconds after `born`; 0 while it is not avoided.
    avoided_until: AtomicU64,
}

impl Instance {
    pub(super) fn new(backend: &Backend) -> Self {
        Self {
            id: backend.instance,
            address: backend.address,
            uid: backend.uid,
            in_flight: AtomicUsize::new(0),
            routed: AtomicBool::new(false),
            phase: watch::Sender::new(Phase::Serving),
            ended: Notify::new(),
            born: Instant::now(),
            avoided_until: AtomicU64::new(0),
        }
    }

    /// Counts one more in flight. Only a claim may do so, under the table's lock.
    pub(super) fn begin(self: &Arc<Self>) -> InFlight {
        self.in_flight.fetch_add(1, Ordering::SeqCst);
        InFlight { instance: Arc::clone(self) }
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::SeqCst)
    }

    pub(crate) fn is_routed(&self) -> bool {
        self.routed.load(Ordering::SeqCst)
    }

    /// An instance that is routed again has nothing to drain any more.
    pub(super) fn set_routed(&self, routed: bool) {
        self.routed.store(routed, Ordering::SeqCst);
        if routed {
            self.set_phase(Phase::Serving);
        }
    }

    pub(crate) fn set_phase(&self, phase: Phase) {
        self.phase.send_if_modified(|current| std::mem::replace(current, phase) != phase);
    }

    pub(crate) fn phase(&self) -> Phase {
        *self.phase.borrow()
    }

    pub(crate) fn phases(&self) -> watch::Receiver<Phase> {
        self.phase.subscribe()
    }

    /// Returns when nothing is in flight. The instance has no route, so that nothing can begin.
    pub(crate) async fn ended(&self) {
        loop {
            let ended = self.ended.notified();
            tokio::pin!(ended);
            // Registered before the count is read, so that an end in between is not missed.
            ended.as_mut().enable();
            if self.in_flight() == 0 {
                return;
            }
            ended.await;
        }
    }

    /// It refused a connection: others go first for a while.
    pub(crate) fn avoid(&self) {
        let until = self.born.elapsed() + AVOIDED;
        let until = u64::try_from(until.as_millis()).unwrap_or(u64::MAX).max(1);
        self.avoided_until.store(until, Ordering::Relaxed);
    }

    pub(super) fn is_avoided(&self) -> bool {
        let until = self.avoided_until.load(Ordering::Relaxed);
        if until == 0 {
            return false;
        }
        let avoided = self.born.elapsed().as_millis() < u128::from(until);
        if !avoided {
            self.avoided_until.store(0, Ordering::Relaxed);
        }
        avoided
    }
}

/// One request or upgraded connection under way.
#[derive(Debug)]
pub(crate) struct InFlight {
    pub(crate) instance: Arc<Instance>,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let before = self.instance.in_flight.fetch_sub(1, Ordering::SeqCst);
        if before == 1 && !self.instance.is_routed() {
            self.instance.ended.notify_waiters();
        }
    }
}
