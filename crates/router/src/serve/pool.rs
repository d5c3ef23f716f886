//! Idle connections to instances, by worker. The one that was used last goes out first, so that those
//! that are not needed grow old and are closed.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use types::InstanceId;

use super::upstream::Link;
use crate::live::Instance;

/// An idle connection that is younger than this is taken as it is; an older one is asked for in the kernel first.
const FRESH: Duration = Duration::from_millis(50);

#[derive(Debug)]
pub(super) struct Pool {
    idle: RefCell<HashMap<InstanceId, Vec<Idle>>>,
    /// Of one instance.
    limit: usize,
    max_age: Duration,
}

#[derive(Debug)]
struct Idle {
    link: Box<Link>,
    since: Instant,
}

impl Pool {
    pub(super) fn new(limit: usize, max_age: Duration) -> Self {
        Self { idle: RefCell::default(), limit, max_age }
    }

    /// A connection to `instance` that can be used at once.
    pub(super) fn take(&self, instance: &Arc<Instance>, now: Instant) -> Option<Box<Link>> {
        let mut idle = self.idle.borrow_mut();
        let links = idle.get_mut(&instance.id)?;
        while let Some(Idle { link, since }) = links.pop() {
            let age = now.saturating_duration_since(since);
            if age >= self.max_age {
                // The rest is older still.
                links.clear();
                return None;
            }
            let is_same = Arc::ptr_eq(&link.socket.instance, instance);
            if is_same && link.is_open() && (age < FRESH || link.socket.is_quiet()) {
                return Some(link);
            }
        }
        None
    }

    /// Keeps `link` for another request, if it can serve one.
    pub(super) fn give(&self, mut link: Box<Link>) {
        if !link.socket.instance.is_routed() || !link.is_reusable() {
            return;
        }
        let mut idle = self.idle.borrow_mut();
        let links = idle.entry(link.socket.instance.id).or_default();
        if links.len() < self.limit {
            links.push(Idle { link, since: Instant::now() });
        }
    }

    /// Closes what is too old, or leads to an instance without a route.
    pub(super) fn sweep(&self, now: Instant) {
        self.idle.borrow_mut().retain(|_, links| {
            links.retain(|idle| {
                now.saturating_duration_since(idle.since) < self.max_age
                    && idle.link.socket.instance.is_routed()
            });
            !links.is_empty()
        });
    }

    /// Closes everything, to have file descriptors again.
    pub(super) fn clear(&self) {
        self.idle.borrow_mut().clear();
    }
}

/// Errors that say that the machine has nothing left to connect with, rather than that somebody refused.
pub(super) fn is_shortage(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let errno = error.raw_os_error().map(Errno::from_raw_os_error);
    matches!(
        errno,
        Some(Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM | Errno::ADDRNOTAVAIL)
    )
}
