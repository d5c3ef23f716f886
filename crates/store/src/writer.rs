//! The one writer: a thread that owns the writing connection and commits in groups.
//!
//! Each write runs inside a savepoint of the group's transaction, so that one that fails takes only
//! itself back. Callers are answered after the commit.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{Connection, Savepoint, Transaction, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};
use types::Clock;

use crate::ballast::Ballast;
use crate::error::is_full;
use crate::run_cache::RunCache;
use crate::topic::{Topic, Topics};
use crate::{Error, Store, failpoint};

/// Writes that may wait before callers are held back.
const QUEUE: usize = 1_024;
/// The most writes that share one commit.
const GROUP: usize = 128;

#[derive(Debug, Clone)]
pub(crate) struct Writer {
    queue: mpsc::Sender<Job>,
}

/// Runs against the group's transaction; what it returns answers the caller, told whether the commit
/// went through.
type Job = Box<dyn FnOnce(&mut Group<'_>) -> Answer + Send>;
type Answer = Box<dyn FnOnce(Result<(), &rusqlite::Error>) + Send>;

pub(crate) struct Group<'g> {
    transaction: Transaction<'g>,
    runs: &'g RefCell<RunCache>,
    clock: &'g dyn Clock,
    touched: u8,
    journalled: u32,
}

/// One use-case's view of the transaction it is part of.
pub(crate) struct Write<'w> {
    pub(crate) sql: Savepoint<'w>,
    /// One time for everything that this use-case writes.
    pub(crate) now: Timestamp,
    pub(crate) clock: &'w dyn Clock,
    pub(crate) runs: &'w RefCell<RunCache>,
    touched: Cell<u8>,
    journalled: Cell<u32>,
}

impl Write<'_> {
    pub(crate) fn touch(&self, topic: Topic) {
        self.touched.set(self.touched.get() | topic.bit());
    }

    pub(crate) fn count_journalled(&self, records: usize) {
        let records = u32::try_from(records).unwrap_or(u32::MAX);
        self.journalled.set(self.journalled.get().saturating_add(records));
    }
}

impl Writer {
    pub(crate) fn start(
        mut connection: Connection,
        topics: Arc<Topics>,
        clock: Arc<dyn Clock>,
        ballast: Arc<Ballast>,
    ) -> Result<Self, Error> {
        let (queue, mut jobs) = mpsc::channel::<Job>(QUEUE);
        std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || {
                let runs = RefCell::new(RunCache::default());
                while let Some(first) = jobs.blocking_recv() {
                    ballast.balance();
                    let full =
                        run_group(&mut connection, &runs, &topics, &*clock, first, &mut jobs);
                    if full {
                        ballast.give_up();
                    }
                }
            })
            .map_err(Error::Thread)?;
        Ok(Self { queue })
    }
}

/// Whether the disk was full.
fn run_group(
    connection: &mut Connection,
    runs: &RefCell<RunCache>,
    topics: &Topics,
    clock: &dyn Clock,
    first: Job,
    jobs: &mut mpsc::Receiver<Job>,
) -> bool {
    let transaction = match connection.transaction_with_behavior(TransactionBehavior::Immediate) {
        Ok(transaction) => transaction,
        Err(error) => {
            refuse_group(&error, first, jobs);
            return is_full(&error);
        }
    };
    let mut group = Group { transaction, runs, clock, touched: 0, journalled: 0 };
    let mut answers = vec![first(&mut group)];
    // SQLite takes a whole transaction back when it finds the disk full in the middle of one: nothing may be written
    // outside of it then, and the commit below fails.
    while answers.len() < GROUP && !group.transaction.is_autocommit() {
        let Ok(job) = jobs.try_recv() else { break };
        answers.push(job(&mut group));
    }
    let (touched, journalled) = (group.touched, group.journalled);
    let outcome = group.transaction.commit();
    match &outcome {
        Ok(()) => {
            failpoint::after_commit(journalled);
            topics.notify(touched);
        }
        Err(error) => {
            tracing::error!(%error, "a group of writes could not be committed");
            runs.borrow_mut().clear();
        }
    }
    let full = outcome.as_ref().is_err_and(is_full);
    for answer in answers {
        answer(outcome.as_ref().copied());
    }
    full
}

/// No transaction could be had: whoever waits is told, instead of waiting for the next try.
fn refuse_group(error: &rusqlite::Error, first: Job, jobs: &mut mpsc::Receiver<Job>) {
    tracing::error!(%error, "no transaction could be started");
    // Dropping a job drops its answer channel, which its caller reads as `Error::Closed`.
    drop(first);
    while jobs.try_recv().is_ok() {}
}

impl Store {
    /// Runs `work` in the writer's transaction and waits until it is on the disk.
    pub(crate) async fn write<T, E, F>(&self, work: F) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<Error> + Send + 'static,
        F: FnOnce(&Write<'_>) -> Result<T, E> + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        let job: Job = Box::new(move |group| {
            let result = group.run(work);
            Box::new(move |committed| {
                let result = match (result, committed) {
                    (Ok(_), Err(error)) => Err(Error::of_commit(error).into()),
                    (result, _) => result,
                };
                // A caller that has gone away does not take its write back.
                let _ = sender.send(result);
            })
        });
        self.writer.queue.send(job).await.map_err(|_| Error::Closed)?;
        receiver.await.map_err(|_| Error::Closed)?
    }
}

impl Group<'_> {
    fn run<T, E: From<Error>>(
        &mut self,
        work: impl FnOnce(&Write<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        let savepoint = self.transaction.savepoint().map_err(Error::from)?;
        let write = Write {
            sql: savepoint,
            now: self.clock.now(),
            clock: self.clock,
            runs: self.runs,
            touched: Cell::new(0),
            journalled: Cell::new(0),
        };
        let result = work(&write);
        let (touched, journalled) = (write.touched.get(), write.journalled.get());
        match result {
            Ok(value) => {
                write.sql.commit().map_err(Error::from)?;
                self.touched |= touched;
                self.journalled += journalled;
                Ok(value)
            }
            Err(error) => {
                // Dropping the savepoint takes the work back; the cache may have run ahead of it.
                self.runs.borrow_mut().clear();
                drop(write);
                Err(error)
            }
        }
    }
}
