//! How many connections there may be, and which has to go when there are too many.
//!
//! Whoever opens connections and asks for nothing must not keep others out: when all places are taken, the connection
//! that has been without a request for longest gives its place up. One with a request under way never does.

use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

#[derive(Debug, Clone)]
pub(super) struct Places {
    free: Arc<Semaphore>,
    taken: Arc<Taken>,
}

type Idle = BTreeMap<u64, CancellationToken>;

#[derive(Debug, Default)]
struct Taken {
    /// By when they were last without a request; those with one under way are not in it.
    idle: Mutex<Idle>,
    /// Grows with every connection and request.
    turn: AtomicU64,
}

/// A connection's place, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    _permit: tokio::sync::OwnedSemaphorePermit,
    pub(super) connection: Connection,
}

/// What a connection and its requests know of each other. Its numbers change under the lock of the idle ones only.
#[derive(Debug, Clone)]
pub(super) struct Connection {
    taken: Arc<Taken>,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Cancelled when its place is wanted.
    evicted: CancellationToken,
    /// Cancelled by its first request.
    begun: CancellationToken,
    requests: AtomicUsize,
    /// Where it stands among the idle ones.
    turn: AtomicU64,
    closed: AtomicBool,
}

/// A request that is under way, until its answer has been written.
#[derive(Debug)]
pub(super) struct Busy(Connection);

impl Places {
    pub(super) fn new(count: usize) -> Self {
        Self { free: Arc::new(Semaphore::new(count)), taken: Arc::default() }
    }

    /// The next place, which somebody idle may have to give up.
    pub(super) async fn take(&self) -> Place {
        let permit = match Arc::clone(&self.free).try_acquire_owned() {
            Ok(permit) => permit,
            Err(_) => {
                self.taken.evict_one();
                let free = Arc::clone(&self.free).acquire_owned().await;
                free.expect("places are never closed")
            }
        };
        let connection = Connection { taken: Arc::clone(&self.taken), state: Arc::default() };
        connection.rest(&mut self.taken.idle.lock());
        Place { _permit: permit, connection }
    }
}

impl Taken {
    fn evict_one(&self) {
        if let Some((_, evicted)) = self.idle.lock().pop_first() {
            evicted.cancel();
        }
    }
}

impl Connection {
    pub(super) fn request(&self) -> Busy {
        self.state.begun.cancel();
        let mut idle = self.taken.idle.lock();
        if self.state.requests.fetch_add(1, Relaxed) == 0 {
            idle.remove(&self.state.turn.load(Relaxed));
        }
        Busy(self.clone())
    }

    /// Its first request has come.
    pub(super) async fn begun(&self) {
        self.state.begun.cancelled().await;
    }

    /// Its place is wanted.
    pub(super) async fn evicted(&self) {
        self.state.evicted.cancelled().await;
    }

    fn rest(&self, idle: &mut Idle) {
        let turn = self.taken.turn.fetch_add(1, Relaxed);
        self.state.turn.store(turn, Relaxed);
        idle.insert(turn, self.state.evicted.clone());
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Connection { taken, state } = &self.connection;
        let mut idle = taken.idle.lock();
        state.closed.store(true, Relaxed);
        idle.remove(&state.turn.load(Relaxed));
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let mut idle = self.0.taken.idle.lock();
        // An answer may outlive its connection, which is then nobody's to evict.
        if self.0.state.requests.fetch_sub(1, Relaxed) == 1 && !self.0.state.closed.load(Relaxed) {
            self.0.rest(&mut idle);
        }
    }
}

/// The body of an answer; its request is under way until it has been taken. Not a mapped body: that would not tell its size.
pub(super) struct Answering {
    body: Body,
    _busy: Busy,
}

impl Answering {
    pub(super) fn new(body: Body, busy: Busy) -> Self {
        Self { body, _busy: busy }
    }
}

impl HttpBody for Answering {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn is_evicted(place: &Place) -> bool {
        place.connection.evicted().now_or_never().is_some()
    }

    #[tokio::test]
    async fn the_longest_idle_connection_gives_its_place_up_and_a_busy_one_never() {
        let places = Places::new(3);
        let (busy, first, second) = (places.take().await, places.take().await, places.take().await);
        let request = busy.connection.request();
        // It asked for something and has its answer: others have been idle for longer.
        drop(first.connection.request());
        let mut waiting = Box::pin(places.take());
        assert!((&mut waiting).now_or_never().is_none());
        assert!(is_evicted(&second) && !is_evicted(&first) && !is_evicted(&busy));
        drop(second);
        let _new = waiting.await;
        drop(request);
        drop(busy);
        let _free = places.take().now_or_never().unwrap();
    }

    #[tokio::test]
    async fn when_all_are_busy_the_next_waits() {
        let places = Places::new(1);
        let only = places.take().await;
        let (one, other) = (only.connection.request(), only.connection.request());
        drop(one);
        let mut waiting = Box::pin(places.take());
        assert!((&mut waiting).now_or_never().is_none());
        assert!(!is_evicted(&only), "one of its requests is still under way");
        drop(only);
        waiting.await;
        // Its answer is still being dropped when the connection has gone.
        drop(other);
        assert!(places.taken.idle.lock().is_empty());
    }
}
