//! One router process, from taking over to its last connection.
//!
//! Starting a router while one runs in the same directory is the upgrade: the new generation takes over the
//! listening sockets, accepts, and only then tells the old one to stop accepting. A connection that waits
//! in the kernel's queue meanwhile is accepted by either.
//!
//! The order at start matters: the control socket is bound before the table is read, and whoever publishes
//! a table writes it before looking for control sockets. So a table that is published at that
//! moment is either read, or sent, or both.

mod listen;

use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::net::UnixListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

use crate::control::socket::{Directory, nobody_there};
use crate::control::{Command, Generation, PROTOCOL, Reply, handover, server};
use crate::metrics::ReleaseMetrics;
use crate::serve::worker;
use crate::shared::{Shared, Stage};
use crate::{Config, Error, table_file};

const START_LOCK: &str = "start.lock";
/// How long a generation that ends waits for the answers to commands to be taken.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// A generation as its control socket shows it.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) shared: Arc<Shared>,
    pub(crate) listen: SocketAddr,
    /// For the next generation; nobody accepts on this descriptor. A retired generation keeps it too: should its
    /// successor die, connections wait in the kernel's queue for the one after it, instead of being refused.
    pub(crate) listener: Mutex<Option<TcpListener>>,
    directory: Directory,
    number: u64,
    /// Set when the successor has our sums, so that they are not counted twice.
    handed_on: AtomicBool,
    ended: watch::Sender<bool>,
}

/// Runs a router until it has been replaced and its last connection has ended, or it was stopped.
///
/// # Errors
///
/// When it cannot start: the address is taken by another program, the directory cannot be used, or the
/// generation that runs does not answer.
pub fn run(config: Config) -> Result<(), Error> {
    run_then(config, |_| {})
}

/// As [`run`]; `ready` is told the address once connections are accepted there and the generation before, if
/// any, has stopped accepting.
pub fn run_then(mut config: Config, ready: impl FnOnce(SocketAddr)) -> Result<(), Error> {
    config.limits.connections = config.limits.connections.min(listen::raise_open_files());
    table_file::create_directory(&config.directory)?;
    let directory = Directory::open(&config.directory)
        .map_err(Error::file("open", config.directory.clone()))?;
    let starting = table_file::lock(&config.directory, START_LOCK)?;
    let (predecessor, number) = find_predecessor(&directory)?;
    let control = directory
        .bind(number)
        .map_err(Error::file("bind the control socket in", config.directory.clone()))?;
    let (listen, listener, took_over) = match listen::obtain(&config, &directory, predecessor) {
        Ok(obtained) => obtained,
        Err(error) => {
            // Nobody has spoken to it yet.
            let _ = directory.remove(number);
            return Err(error);
        }
    };
    let running = Arc::new(Running {
        shared: Arc::new(Shared::new(config)),
        directory,
        listen,
        listener: Mutex::new(Some(listener)),
        number,
        handed_on: AtomicBool::new(false),
        ended: watch::Sender::new(false),
    });
    running.load_table();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Error::system("start the router"))?;
    runtime.block_on(async {
        let tasks = TaskTracker::new();
        let result = match running.serve_control(control, &tasks) {
            Ok(serving) => {
                let result = running.live(predecessor, took_over, starting, ready).await;
                serving.abort();
                result
            }
            Err(error) => Err(error),
        };
        running.end(&tasks).await;
        result
    })
}

/// The generation to take over from, and the number for the next one: the one that accepts, or else
/// the newest that is still there. Removes the sockets of dead ones.
fn find_predecessor(directory: &Directory) -> Result<(Option<u64>, u64), Error> {
    let numbers = directory.generations().map_err(Error::system("list the control sockets"))?;
    let next = numbers.first().map_or(1, |newest| newest + 1);
    let mut predecessor: Option<(u64, bool)> = None;
    for number in numbers {
        match directory.connect(number) {
            Ok(stream) => {
                let reply = handover::ask(stream, number, Command::Status)?;
                if let Some(Reply::Status(status)) = reply
                    && predecessor.is_none_or(|(_, accepting)| !accepting && status.accepting)
                {
                    predecessor = Some((number, status.accepting));
                }
            }
            Err(error) if nobody_there(&error) => {
                // Whoever removed it meanwhile wanted the same.
                let _ = directory.remove(number);
            }
            Err(source) => {
                return Err(Error::System { action: "reach the running router", source });
            }
        }
    }
    Ok((predecessor.map(|(number, _)| number), next))
}

/// What a worker says to its generation.
enum Event {
    Accepting,
    Ended(Result<(), Error>),
}

impl Running {
    /// The last table, if it can be read; else the reason is shown to whoever asks for the status.
    fn load_table(&self) {
        let shared = &self.shared;
        match table_file::load(&shared.config.directory) {
            Ok(None) => {}
            Ok(Some(table)) => {
                // Refused only when a later one was sent already.
                let _ = shared.live.swap(&table);
            }
            Err(error) => {
                let message = format!("the routing table on disk cannot be used: {error}");
                tracing::error!("{message}; serving nothing until a table is published");
                *shared.table_error.lock() = Some(message);
            }
        }
    }

    fn serve_control(
        self: &Arc<Self>,
        control: std::os::unix::net::UnixListener,
        tasks: &TaskTracker,
    ) -> Result<JoinHandle<()>, Error> {
        let action = "use the control socket";
        control.set_nonblocking(true).map_err(Error::system(action))?;
        let control = UnixListener::from_std(control).map_err(Error::system(action))?;
        Ok(tasks.spawn(server::serve(Arc::clone(self), control, tasks.clone())))
    }

    /// From the first connection to the last.
    async fn live(
        self: &Arc<Self>,
        predecessor: Option<u64>,
        took_over: bool,
        starting: File,
        ready: impl FnOnce(SocketAddr),
    ) -> Result<(), Error> {
        let mut events = self.start_workers()?;
        let mut left = self.shared.config.workers;
        for _ in 0..self.shared.config.workers {
            if let Some(Event::Ended(result)) = events.recv().await {
                self.stop();
                return result;
            }
        }
        if let Some(predecessor) = predecessor {
            self.retire(predecessor, took_over).await;
        }
        drop(starting);
        tracing::info!(listen = %self.listen, generation = self.number, "the router accepts");
        ready(self.listen);
        let signalled = Error::system("listen for signals");
        let mut terminate = signal(SignalKind::terminate()).map_err(signalled)?;
        let signalled = Error::system("listen for signals");
        let mut interrupt = signal(SignalKind::interrupt()).map_err(signalled)?;
        while left > 0 {
            tokio::select! {
                event = events.recv() => match event {
                    Some(Event::Ended(result)) => {
                        left -= 1;
                        result?;
                    }
                    Some(Event::Accepting) => {}
                    // Every worker has gone, the last of them without a word.
                    None => return Err(Error::WorkerPanicked),
                },
                _ = terminate.recv() => self.stop(),
                _ = interrupt.recv() => self.stop(),
            }
        }
        Ok(())
    }

    fn start_workers(&self) -> Result<mpsc::Receiver<Event>, Error> {
        let workers = self.shared.config.workers;
        let (sender, events) = mpsc::channel(2 * workers.max(1));
        for index in 0..workers {
            let listener = self.share_listener()?;
            let (shared, sender) = (Arc::clone(&self.shared), sender.clone());
            thread::Builder::new()
                .name(format!("worker-{index}"))
                .spawn(move || {
                    // There is room for both events of every worker.
                    let result = worker::run(&shared, listener, || {
                        let _ = sender.try_send(Event::Accepting);
                    });
                    let _ = sender.try_send(Event::Ended(result));
                })
                .map_err(Error::system("start a worker"))?;
        }
        Ok(events)
    }

    fn share_listener(&self) -> Result<TcpListener, Error> {
        let listener = self.listener.lock();
        let listener = listener.as_ref().expect("it is given up only after the workers have it");
        listener.try_clone().map_err(Error::system("share the listening socket"))
    }

    /// Tells the generation before to stop accepting. When that fails both accept, and nothing is lost.
    async fn retire(self: &Arc<Self>, predecessor: u64, took_over: bool) {
        let running = Arc::clone(self);
        let asked = tokio::task::spawn_blocking(move || {
            let stream = running
                .directory
                .connect(predecessor)
                .map_err(Error::system("reach the running router"))?;
            handover::ask(stream, predecessor, Command::Retire { took_over })
        });
        match asked.await {
            Ok(Ok(Some(Reply::Done) | None)) => {}
            Ok(Ok(Some(other))) => tracing::warn!(?other, "the old router does not retire"),
            Ok(Err(error)) => tracing::warn!(%error, "the old router does not retire"),
            Err(error) => tracing::warn!(%error, "the old router was not told to retire"),
        }
    }

    async fn end(self: &Arc<Self>, tasks: &TaskTracker) {
        if !self.is_stopping() {
            let running = Arc::clone(self);
            // What cannot be handed on is not counted; that is no reason not to end.
            let _ = tokio::task::spawn_blocking(move || running.hand_on_metrics()).await;
        }
        // A socket that is left behind is only in the way until the next start.
        let _ = self.directory.remove(self.number);
        self.ended.send_replace(true);
        tasks.close();
        if tokio::time::timeout(LAST_WORDS, tasks.wait()).await.is_err() {
            tracing::warn!("ending although somebody has not taken the answer to a command");
        }
    }

    /// Gives what was counted to the newest generation.
    fn hand_on_metrics(&self) {
        let counted = self.shared.live.metrics();
        let newest = self.directory.generations().ok().and_then(|all| all.first().copied());
        let Some(successor) = newest.filter(|newest| *newest > self.number) else { return };
        self.handed_on.store(true, Ordering::SeqCst);
        let absorbed = self
            .directory
            .connect(successor)
            .map_err(Error::system("reach the new router"))
            .and_then(|stream| handover::ask(stream, successor, Command::Absorb(counted)));
        if let Err(error) = absorbed {
            tracing::warn!(%error, "what this router counted is lost");
        }
    }

    pub(crate) fn metrics(&self) -> Vec<ReleaseMetrics> {
        if self.handed_on.load(Ordering::SeqCst) {
            return Vec::new();
        }
        self.shared.live.metrics()
    }

    pub(crate) fn status(&self) -> Generation {
        let shared = &self.shared;
        Generation {
            number: self.number,
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            protocol: PROTOCOL,
            listen: self.listen,
            revision: shared.live.revision(),
            connections: shared.connections.load(Ordering::SeqCst),
            in_flight: shared.live.in_flight(),
            held: shared.held.load(Ordering::SeqCst),
            accepting: shared.is_accepting(),
            table_error: shared.table_error.lock().clone(),
        }
    }

    /// Ends soon, and lets go of the address.
    pub(crate) fn stop(&self) {
        self.shared.advance(Stage::Stopping);
        self.listener.lock().take();
    }

    fn is_stopping(&self) -> bool {
        *self.shared.stage().borrow() == Stage::Stopping
    }

    /// Returns when the last connection has ended.
    pub(crate) async fn ended(&self) {
        // The sender lives as long as `self`.
        let _ = self.ended.subscribe().wait_for(|ended| *ended).await;
    }
}
