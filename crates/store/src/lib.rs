//! The only SQL. Each public method is one use-case, and one transaction.
//!
//! What this crate is not: it decides nothing that a person would call policy, holds no wire format,
//! and keeps no bytes of artifacts, repositories or logs.
//!
//! The invariant: when a method that writes has returned `Ok`, what it wrote is on the disk (SQLite in
//! WAL mode, `synchronous=FULL`, both read back when opened). There is one writer, a thread of its own; writes
//! that arrive while it is busy are committed together. A write that fails leaves nothing behind, also when
//! others of its group succeed. One that finds no room on the disk is [`Error::Full`]; a ballast file beside the database
//! (`src/ballast.rs`) makes that late.
//!
//! Whoever wants to act on what was written subscribes to a [`Topic`]: it is woken after the commit,
//! never before. A wake-up says "look", not what to find.

mod apps;
mod ballast;
mod changes;
mod config;
mod definitions;
mod deployments;
mod environments;
mod epochs;
mod error;
mod events;
pub mod failpoint;
mod groups;
mod idempotency;
mod instances;
mod outbox;
mod readers;
mod releases;
mod routes;
mod row;
mod run_cache;
mod run_logs;
mod runs;
mod schedules;
mod schema;
mod secrets;
mod setbacks;
mod settings;
mod tokens;
mod topic;
mod transitions;
mod uploads;
mod variables;
mod writer;

use std::path::Path;
use std::sync::Arc;

use types::Clock;

pub use apps::{App, AppState, CreateApp, CreateAppError};
pub use changes::{Change, NewPush};
pub use config::{ConfigChange, ConfigRevision};
pub use deployments::{Deployment, DeploymentError, NewDeployment, Phase};
pub use environments::{DeclaredEnvironment, Environment, EnvironmentError};
pub use error::Error;
pub use events::{Event, NewEvent};
pub use idempotency::{Remembered, StoredAnswer};
pub use instances::{Instance, InstanceOwner};
pub use outbox::{PendingStop, PendingTask, PendingTimer};
pub use releases::{NewRelease, Release, Service};
pub use routes::{RoutedEnvironment, RoutedInstance};
pub use runs::{JournalEntry, NewRun, QueueHead, Run};
pub use schedules::{KnownSchedule, ScheduleKey};
pub use secrets::{Sealed, StoredSecret};
pub use setbacks::Setback;
pub use settings::{SettingError, SettingScope};
pub use tokens::Token;
pub use topic::{Topic, Wake};
pub use transitions::{Transition, TransitionError};
pub use uploads::{Upload, UploadState};
pub use variables::Variable;

/// A handle to the database; clones share it.
#[derive(Debug, Clone)]
pub struct Store {
    writer: writer::Writer,
    readers: Arc<readers::Readers>,
    topics: Arc<topic::Topics>,
    ballast: Arc<ballast::Ballast>,
}

impl Store {
    /// Opens the database, makes it if it is not there, and brings an older one up to date.
    pub fn open(path: &Path, clock: Arc<dyn Clock>) -> Result<Self, Error> {
        let ballast = Arc::new(ballast::Ballast::beside(path));
        // Opening takes room too.
        ballast.balance();
        let connection = schema::open_writer(path)?;
        let readers = Arc::new(readers::Readers::new(path.to_owned()));
        let topics = Arc::new(topic::Topics::default());
        let (of_writer, told) = (Arc::clone(&ballast), Arc::clone(&topics));
        let writer = writer::Writer::start(connection, told, clock, of_writer)?;
        Ok(Self { writer, readers, topics, ballast })
    }

    /// On a full disk, gives up what is kept for that case: for work beside the database that mends it.
    pub async fn make_room(&self) {
        let ballast = Arc::clone(&self.ballast);
        // Only a panic or the end of the runtime keeps it from being done.
        let _ = tokio::task::spawn_blocking(move || ballast.balance()).await;
    }

    /// Wakes whoever holds it after each commit that touched `topic`.
    #[must_use]
    pub fn subscribe(&self, topic: Topic) -> Wake {
        self.topics.subscribe(topic)
    }

    /// Whether the database can still be read: for readiness checks.
    pub async fn check(&self) -> Result<(), Error> {
        self.read(|connection| Ok(connection.query_row("SELECT 1", [], |_| Ok(()))?)).await
    }
}
