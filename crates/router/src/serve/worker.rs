//! A worker: one thread with a runtime of its own, which accepts connections and serves them until its
//! generation has been retired and the last of them has ended.

use std::cell::RefCell;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use hyper::server::conn::http1;
use rustix::net::{Shutdown, SocketFlags};
use slab::Slab;
use tokio::io::Interest;
use tokio::sync::Notify;
use tokio::task::{LocalSet, coop};
use tokio::time::MissedTickBehavior;
use tokio_util::task::TaskTracker;

use super::connection;
use super::pool::{Pool, is_shortage};
use super::socket::{ClientSocket, UpstreamSocket};
use super::watch;
use crate::Error;
use crate::shared::{Shared, Stage};

/// How long to wait before accepting again when there are no file descriptors left. Nothing tells when
/// another process gives some back.
const OUT_OF_DESCRIPTORS: Duration = Duration::from_millis(50);

#[derive(Debug)]
pub(super) struct Worker {
    pub(super) shared: Arc<Shared>,
    pub(super) pool: Pool,
    pub(super) tasks: TaskTracker,
    pub(super) http1: http1::Builder,
    /// Where clients reach us.
    pub(super) local: SocketAddr,
    clients: List<ClientSocket>,
    upstreams: List<UpstreamSocket>,
    /// Told when the last client's connection has ended.
    emptied: Notify,
}

type List<T> = Rc<RefCell<Slab<Rc<T>>>>;

/// Keeps a socket in a worker's list, where the watch finds it.
#[derive(Debug)]
pub(super) struct ListedIn<T> {
    list: List<T>,
    key: usize,
}

pub(super) type Listed = ListedIn<UpstreamSocket>;

impl<T> ListedIn<T> {
    fn new(list: &List<T>, socket: &Rc<T>) -> Self {
        let key = list.borrow_mut().insert(Rc::clone(socket));
        Self { list: Rc::clone(list), key }
    }
}

impl<T> Drop for ListedIn<T> {
    fn drop(&mut self) {
        self.list.borrow_mut().remove(self.key);
    }
}

/// Serves connections from `listener` until the generation's last one has ended. `accepting` is called once
/// connections are being accepted.
pub(crate) fn run(
    shared: &Arc<Shared>,
    listener: TcpListener,
    accepting: impl FnOnce(),
) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Error::system("start a worker"))?;
    let tasks = LocalSet::new();
    tasks.block_on(&runtime, async {
        let local = listener.local_addr().map_err(Error::system("read the listening address"))?;
        let listener = Listener::new(listener).map_err(Error::system("listen"))?;
        let worker = Rc::new(Worker::new(shared, local));
        accepting();
        worker.serve(listener).await;
        Ok(())
    })
}

impl Worker {
    fn new(shared: &Arc<Shared>, local: SocketAddr) -> Self {
        let limits = &shared.config.limits;
        let mut http1 = http1::Builder::new();
        http1
            // The watch keeps the time.
            .header_read_timeout(None)
            .max_header_size(limits.request_head)
            .max_buf_size(limits.buffer);
        Self {
            pool: Pool::new(limits.pooled, shared.config.timeouts.pooled),
            tasks: TaskTracker::new(),
            http1,
            local,
            clients: List::default(),
            upstreams: List::default(),
            emptied: Notify::new(),
            shared: Arc::clone(shared),
        }
    }

    pub(super) fn list_upstream(&self, socket: &Rc<UpstreamSocket>) -> Listed {
        ListedIn::new(&self.upstreams, socket)
    }

    async fn serve(self: Rc<Self>, listener: Listener) {
        let watching = self.tasks.spawn_local(Rc::clone(&self).watch());
        let mut stage = self.shared.stage();
        tokio::select! {
            () = Rc::clone(&self).accept(&listener) => {}
            _ = stage.wait_for(|stage| *stage != Stage::Accepting) => {}
        }
        drop(listener);
        self.shared.stopped_accepting();
        tokio::select! {
            () = self.until_empty() => {}
            _ = stage.wait_for(|stage| *stage == Stage::Stopping) => self.stop().await,
        }
        watching.abort();
        self.pool.clear();
    }

    /// Accepts until it is dropped.
    async fn accept(self: Rc<Self>, listener: &Listener) {
        loop {
            self.shared.room_for_a_connection().await;
            // However many come, those that are here have their turn.
            coop::consume_budget().await;
            match listener.accept().await {
                Ok((stream, peer)) => self.open(stream, peer),
                Err(error) if is_shortage(&error) => {
                    tracing::warn!(%error, "cannot accept a connection for now");
                    self.pool.clear();
                    tokio::time::sleep(OUT_OF_DESCRIPTORS).await;
                }
                // The client went away before it was accepted.
                Err(error) => tracing::debug!(%error, "a connection was lost while accepting it"),
            }
        }
    }

    fn open(self: &Rc<Self>, stream: TcpStream, peer: SocketAddr) {
        let counted = Counted::new(self);
        let socket = Rc::new(ClientSocket::new(stream));
        let listed = ListedIn::new(&self.clients, &socket);
        let worker = Rc::clone(self);
        self.tasks.spawn_local(async move {
            connection::serve(worker, socket, peer).await;
            drop(listed);
            drop(counted);
        });
    }

    /// Keeps the time limits, and follows the routing table with the pool.
    async fn watch(self: Rc<Self>) {
        let timeouts = &self.shared.config.timeouts;
        let mut ticks = tokio::time::interval(watch::tick(timeouts));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut swaps = self.shared.live.swaps();
        let mut cuts = self.shared.cuts();
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                swapped = swaps.changed() => if swapped.is_err() { return },
                cut = cuts.changed() => if cut.is_err() { return },
            }
            let now = Instant::now();
            self.pool.sweep(now);
            for (_, client) in &*self.clients.borrow() {
                client.look(now, timeouts);
            }
            for (_, upstream) in &*self.upstreams.borrow() {
                upstream.look(now, timeouts);
            }
        }
    }

    async fn until_empty(&self) {
        loop {
            let emptied = self.emptied.notified();
            if self.clients.borrow().is_empty() {
                return;
            }
            emptied.await;
        }
    }

    /// Ends what is idle, waits for the rest, and cuts what takes too long.
    async fn stop(&self) {
        for (_, client) in &*self.clients.borrow() {
            client.end_idle();
        }
        if tokio::time::timeout(self.shared.config.timeouts.stop, self.until_empty()).await.is_ok()
        {
            return;
        }
        for (_, client) in &*self.clients.borrow() {
            client.shut_down(Shutdown::Both);
        }
        // Every task finds its socket shut when it runs next.
        let _ = tokio::time::timeout(Duration::from_secs(1), self.until_empty()).await;
    }
}

/// A listening socket whose connections the event loop does not know yet. tokio's own listener introduces every
/// connection to it at once; its stream is the type that lets another call than its own wait for readiness, which
/// does not depend on what kind of socket it is.
struct Listener(tokio::net::TcpStream);

impl Listener {
    fn new(listener: TcpListener) -> io::Result<Self> {
        tokio::net::TcpStream::from_std(TcpStream::from(OwnedFd::from(listener))).map(Self)
    }

    /// The next connection, as a stream that does not block.
    async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let accept = || Ok(rustix::net::acceptfrom_with(&self.0, flags)?);
        let (stream, peer) = self.0.async_io(Interest::READABLE, accept).await?;
        let peer = peer.and_then(|peer| SocketAddr::try_from(peer).ok());
        Ok((stream.into(), peer.ok_or(io::ErrorKind::AddrNotAvailable)?))
    }
}

/// One open connection of the generation.
#[derive(Debug)]
struct Counted {
    worker: Rc<Worker>,
}

impl Counted {
    fn new(worker: &Rc<Worker>) -> Self {
        worker.shared.connections.fetch_add(1, Ordering::SeqCst);
        Self { worker: Rc::clone(worker) }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.worker.shared.connection_ended();
        if self.worker.clients.borrow().is_empty() {
            self.worker.emptied.notify_one();
        }
    }
}
