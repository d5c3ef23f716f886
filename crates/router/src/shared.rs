//! What the threads of one generation share.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::sync::{Notify, watch};

use crate::Config;
use crate::live::LiveTable;

/// Where a generation stands in its life; it only moves forward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    Accepting,
    /// A successor accepts; this one ends with its last connection.
    Retired,
    /// It ends soon.
    Stopping,
}

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) live: LiveTable,
    /// Whether the kernel tells whose program listens at an address.
    pub(crate) tells_listeners: bool,
    pub(crate) connections: AtomicUsize,
    /// Requests that wait for an instance.
    pub(crate) held: AtomicUsize,
    /// Why there was no table to start with.
    pub(crate) table_error: Mutex<Option<String>>,
    stage: watch::Sender<Stage>,
    /// Whether answers say that their connection ends; read for every request.
    closing: AtomicBool,
    cuts: watch::Sender<u64>,
    /// Workers that accept.
    accepting: watch::Sender<usize>,
    room: Notify,
}

impl Shared {
    pub(crate) fn new(config: Config) -> Self {
        let workers = config.workers;
        let tells_listeners = listeners::can_tell();
        if !tells_listeners {
            tracing::warn!(
                "this kernel does not tell who listens at an address (CONFIG_INET_DIAG): an app could \
                 take requests for another one while that one restarts"
            );
        }
        Self {
            config,
            live: LiveTable::new(),
            tells_listeners,
            connections: AtomicUsize::new(0),
            held: AtomicUsize::new(0),
            table_error: Mutex::new(None),
            stage: watch::Sender::new(Stage::Accepting),
            closing: AtomicBool::new(false),
            cuts: watch::Sender::new(0),
            accepting: watch::Sender::new(workers),
            room: Notify::new(),
        }
    }

    pub(crate) fn stage(&self) -> watch::Receiver<Stage> {
        self.stage.subscribe()
    }

    pub(crate) fn is_accepting(&self) -> bool {
        *self.stage.borrow() == Stage::Accepting
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }

    /// Moves on to `stage`, unless it is further already.
    pub(crate) fn advance(&self, stage: Stage) {
        self.closing.store(true, Ordering::Relaxed);
        self.stage.send_if_modified(|current| {
            let moves = *current < stage;
            *current = (*current).max(stage);
            moves
        });
    }

    /// Changes when there are instances to be cut off.
    pub(crate) fn cuts(&self) -> watch::Receiver<u64> {
        self.cuts.subscribe()
    }

    pub(crate) fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }

    pub(crate) fn stopped_accepting(&self) {
        self.accepting.send_modify(|workers| *workers = workers.saturating_sub(1));
    }

    /// Returns when no worker accepts any more.
    pub(crate) async fn nobody_accepts(&self) {
        // The sender lives as long as `self`.
        let _ = self.accepting.subscribe().wait_for(|workers| *workers == 0).await;
    }

    /// Returns when another connection may be accepted.
    pub(crate) async fn room_for_a_connection(&self) {
        while self.connections.load(Ordering::SeqCst) >= self.config.limits.connections {
            let room = self.room.notified();
            tokio::pin!(room);
            // Registered before the count is read again, so that an end in between is not missed.
            room.as_mut().enable();
            if self.connections.load(Ordering::SeqCst) >= self.config.limits.connections {
                room.await;
            }
        }
    }

    pub(crate) fn connection_ended(&self) {
        let before = self.connections.fetch_sub(1, Ordering::SeqCst);
        if before >= self.config.limits.connections {
            self.room.notify_waiters();
        }
    }
}
