//! Clients that never stop asking, and count what went wrong.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::until;
use super::wire::Wire;

/// Keep-alive clients behave like a browser: they send on a connection until an answer says that it closes.
pub(crate) struct Load {
    counts: Arc<Counts>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

#[derive(Default)]
struct Counts {
    answered: AtomicUsize,
    failures: Mutex<Vec<String>>,
}

impl Load {
    pub(crate) fn start(address: SocketAddr, keep_alive: usize, one_shot: usize) -> Self {
        let load = Self {
            counts: Arc::default(),
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        };
        for number in 0..keep_alive + one_shot {
            let (counts, stop) = (Arc::clone(&load.counts), load.stop.clone());
            load.tasks.spawn(client(address, number < keep_alive, counts, stop));
        }
        load
    }

    pub(crate) fn answered(&self) -> usize {
        self.counts.answered.load(Ordering::SeqCst)
    }

    /// Waits for so many more answers.
    pub(crate) async fn answers(&self, more: usize) {
        let wanted = self.answered() + more;
        until(async || self.answered() >= wanted || !self.counts.failures.lock().is_empty()).await;
    }

    /// Stops, and fails the test if a single request failed.
    pub(crate) async fn end_without_failure(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
        let failures = self.counts.failures.lock();
        assert!(failures.is_empty(), "{} of {}: {failures:?}", failures.len(), self.answered());
        assert!(self.answered() > 0);
    }
}

async fn client(
    address: SocketAddr,
    keep_alive: bool,
    counts: Arc<Counts>,
    stop: CancellationToken,
) {
    let mut kept: Option<Wire> = None;
    while !stop.is_cancelled() {
        let mut wire = match kept.take() {
            Some(wire) => wire,
            None => Wire::connect(address).await,
        };
        let request = if keep_alive { "" } else { "Connection: close\r\n" };
        let request = format!("GET / HTTP/1.1\r\nHost: {}\r\n{request}\r\n", super::HOST);
        let answer =
            match tokio::io::AsyncWriteExt::write_all(&mut wire.stream, request.as_bytes()).await {
                Ok(()) => wire.try_answer().await,
                Err(error) => Err(error),
            };
        match answer {
            Ok(answer) if answer.status == 200 => {
                counts.answered.fetch_add(1, Ordering::SeqCst);
                kept = Some(wire).filter(|_| keep_alive && !answer.closes());
            }
            Ok(answer) => counts.failures.lock().push(format!("{answer:?}")),
            Err(error) => counts.failures.lock().push(error.to_string()),
        }
    }
}
