//! A waker that can be told to keep quiet.
//!
//! A task that drives a connection to an instance itself also takes what the connection has made ready. That
//! hyper's channels wake the taker, and the maker when something was taken, is of no use then: the task is
//! running, and would run once more for nothing, for every answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Wake, Waker};

use parking_lot::Mutex;

/// All on one thread; the locks and atomics are what a waker has to have.
#[derive(Debug)]
struct Relay {
    task: Mutex<Waker>,
    quiet: AtomicBool,
    /// Somebody wanted to wake the task meanwhile.
    wanted: AtomicBool,
}

#[derive(Debug)]
pub(super) struct RelayWaker {
    relay: Arc<Relay>,
    waker: Waker,
}

impl Wake for Relay {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.quiet.load(Relaxed) {
            self.wanted.store(true, Relaxed);
        } else {
            self.task.lock().wake_by_ref();
        }
    }
}

impl RelayWaker {
    pub(super) fn new() -> Self {
        let relay = Arc::new(Relay {
            task: Mutex::new(Waker::noop().clone()),
            quiet: AtomicBool::new(false),
            wanted: AtomicBool::new(false),
        });
        Self { waker: Waker::from(Arc::clone(&relay)), relay }
    }

    /// What wakes `task`, unless it is quiet.
    pub(super) fn to(&self, task: &Waker) -> &Waker {
        let mut current = self.relay.task.lock();
        if !current.will_wake(task) {
            current.clone_from(task);
        }
        &self.waker
    }

    /// Runs `step` without waking the task. What would have woken it counts when `matters` says so of the outcome.
    pub(super) fn quietly<T>(
        &self,
        step: impl FnOnce() -> T,
        matters: impl FnOnce(&T) -> bool,
    ) -> T {
        self.relay.quiet.store(true, Relaxed);
        let outcome = step();
        self.relay.quiet.store(false, Relaxed);
        if self.relay.wanted.swap(false, Relaxed) && matters(&outcome) {
            self.relay.task.lock().wake_by_ref();
        }
        outcome
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    #[derive(Debug, Default)]
    struct Counter(AtomicUsize);

    impl Wake for Counter {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Relaxed);
        }
    }

    #[test]
    fn a_wake_reaches_the_task_of_the_moment() {
        let (first, second) = (Arc::new(Counter::default()), Arc::new(Counter::default()));
        let relay = RelayWaker::new();
        relay.to(&Waker::from(Arc::clone(&first))).wake_by_ref();
        let kept = relay.to(&Waker::from(Arc::clone(&second))).clone();
        kept.wake();
        assert_eq!((first.0.load(Relaxed), second.0.load(Relaxed)), (1, 1));
    }

    #[test]
    fn a_wake_in_quiet_counts_only_when_it_matters() {
        let task = Arc::new(Counter::default());
        let relay = RelayWaker::new();
        let waker = relay.to(&Waker::from(Arc::clone(&task))).clone();
        relay.quietly(|| waker.wake_by_ref(), |()| false);
        assert_eq!(task.0.load(Relaxed), 0);
        relay.quietly(|| waker.wake_by_ref(), |()| true);
        assert_eq!(task.0.load(Relaxed), 1);
        relay.quietly(|| (), |()| true);
        assert_eq!(task.0.load(Relaxed), 1);
    }
}
