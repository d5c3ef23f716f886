//! What an app's instances write, brought together.

use std::collections::{BTreeSet, HashSet};

use deploy::{LogLine, LogReader, LogStart};
use store::{Environment, Topic};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use types::{AppName, EnvironmentId, EnvironmentName, InstanceId, ProcessType};

use crate::{Control, Error};

/// Lines that wait for a reader.
const QUEUE: usize = 256;
/// The most lines that are read back.
const MAX_LINES: usize = 10_000;

/// What to read.
#[derive(Debug, Clone)]
pub struct LogQuery {
    pub environment: EnvironmentName,
    /// Only this process.
    pub process: Option<ProcessType>,
    /// How many of the last lines; 10,000 at most.
    pub lines: usize,
    /// Whether to go on with what is written from now on, new instances included.
    pub follow: bool,
}

/// A line with whose it is.
#[derive(Debug, Clone)]
pub struct LogEntry {
    /// `web.1`.
    pub instance: String,
    pub instance_id: InstanceId,
    pub line: LogLine,
}

/// Lines as they come. Dropping it ends the reading.
#[derive(Debug)]
pub struct AppLogs {
    lines: mpsc::Receiver<LogEntry>,
    _stop: tokio_util::sync::DropGuard,
}

impl AppLogs {
    /// The next line; `None` at the end, which a reader that follows reaches when the server stops.
    pub async fn next(&mut self) -> Option<LogEntry> {
        self.lines.recv().await
    }
}

#[derive(Clone)]
struct Feed {
    control: Control,
    environment: EnvironmentId,
    process: Option<ProcessType>,
    lines: mpsc::Sender<LogEntry>,
    stop: CancellationToken,
}

impl Control {
    pub async fn logs(&self, app: &AppName, query: LogQuery) -> Result<AppLogs, Error> {
        let environment = self.find_environment(app, &query.environment).await?;
        if let Some(process) = &query.process {
            self.check_process(&environment, process).await?;
        }
        let (sender, receiver) = mpsc::channel(QUEUE);
        let stop = self.inner.stop.child_token();
        let feed = Feed {
            control: self.clone(),
            environment: environment.id,
            process: query.process,
            lines: sender,
            stop: stop.clone(),
        };
        let count = query.lines.min(MAX_LINES);
        let (past, seen) = feed.past(count).await?;
        self.inner.tracker.spawn(async move {
            let told = tokio::select! {
                told = feed.tell(past, seen, query.follow) => told,
                () = feed.stop.cancelled() => Ok(()),
            };
            if let Err(error) = told {
                tracing::warn!(error = %crate::error::chain(&error), "logs broke off");
            }
        });
        Ok(AppLogs { lines: receiver, _stop: stop.drop_guard() })
    }

    /// A process that neither the present release has nor any instance whose log is kept will not say anything.
    async fn check_process(
        &self,
        environment: &Environment,
        wanted: &ProcessType,
    ) -> Result<(), Error> {
        let store = &self.inner.store;
        let kept = self.inner.settings.limits.stopped_instances;
        let mut instances = store.stopped_instances(environment.id, kept).await?;
        instances.extend(store.instances_in(environment.id).await?);
        let mut known: BTreeSet<_> = instances.into_iter().map(|it| it.process).collect();
        if let Some((_, _, bundle)) = self.current(environment).await? {
            known.extend(bundle.manifest.processes.into_keys());
        }
        if known.is_empty() || known.contains(wanted) {
            return Ok(());
        }
        let names: Vec<&str> = known.iter().map(ProcessType::as_str).collect();
        Err(Error::Invalid {
            code: "unknown_process",
            message: format!("{} has no process `{wanted}`", environment.app),
            hint: Some(format!("it has: {}", names.join(", "))),
        })
    }
}

/// An instance whose log has been read up to a place.
struct Read {
    name: String,
    id: InstanceId,
    start: LogStart,
}

impl Feed {
    /// The last lines of all instances together, in the order of their times.
    async fn past(&self, count: usize) -> Result<(Vec<LogEntry>, Vec<Read>), Error> {
        let store = &self.control.inner.store;
        let kept = self.control.inner.settings.limits.stopped_instances;
        let mut instances = store.stopped_instances(self.environment, kept).await?;
        instances.extend(store.instances_in(self.environment).await?);
        let (mut entries, mut read) = (Vec::new(), Vec::new());
        for instance in instances.into_iter().filter(|i| self.wants(&i.process)) {
            let name = format!("{}.{}", instance.process, instance.ordinal);
            let driver = &self.control.inner.driver;
            let mut start = LogStart::Last(0);
            // One that never started has no log.
            if let Ok(mut reader) = driver.logs(instance.id, LogStart::Last(count), false).await {
                while let Some(line) = reader.next().await.map_err(Error::Logs)? {
                    start = LogStart::After(line.position);
                    entries.push(LogEntry {
                        instance: name.clone(),
                        instance_id: instance.id,
                        line,
                    });
                }
            }
            read.push(Read { name, id: instance.id, start });
        }
        entries.sort_by_key(|entry| entry.line.at);
        entries.drain(..entries.len().saturating_sub(count));
        Ok((entries, read))
    }

    fn wants(&self, process: &ProcessType) -> bool {
        self.process.as_ref().is_none_or(|wanted| wanted == process)
    }

    async fn tell(&self, past: Vec<LogEntry>, read: Vec<Read>, follow: bool) -> Result<(), Error> {
        for entry in past {
            if self.lines.send(entry).await.is_err() {
                return Ok(());
            }
        }
        if !follow {
            return Ok(());
        }
        let mut known = HashSet::new();
        for read in read {
            known.insert(read.id);
            self.follow(read);
        }
        let store = &self.control.inner.store;
        let mut wake = store.subscribe(Topic::Instances);
        loop {
            for instance in store.instances_in(self.environment).await? {
                if self.wants(&instance.process) && known.insert(instance.id) {
                    let name = format!("{}.{}", instance.process, instance.ordinal);
                    self.follow(Read { name, id: instance.id, start: LogStart::Last(MAX_LINES) });
                }
            }
            tokio::select! {
                () = wake.changed() => {}
                () = self.lines.closed() => return Ok(()),
            }
        }
    }

    fn follow(&self, read: Read) {
        let feed = self.clone();
        self.control.inner.tracker.spawn(async move {
            tokio::select! {
                () = feed.copy(read) => {}
                () = feed.lines.closed() => {}
                () = feed.stop.cancelled() => {}
            }
        });
    }

    async fn copy(&self, read: Read) {
        let Some(mut reader) = self.open(&read).await else { return };
        while let Ok(Some(line)) = reader.next().await {
            let entry = LogEntry { instance: read.name.clone(), instance_id: read.id, line };
            if self.lines.send(entry).await.is_err() {
                return;
            }
        }
    }

    /// Its log is there once it has been started, which may be a moment after its row.
    async fn open(&self, read: &Read) -> Option<Box<dyn LogReader>> {
        let mut wake = self.control.inner.store.subscribe(Topic::Instances);
        loop {
            match self.control.inner.driver.logs(read.id, read.start, true).await {
                Ok(reader) => return Some(reader),
                Err(deploy::Error::Absent(_)) => {}
                Err(_) => return None,
            }
            let row = self.control.inner.store.find_instance(read.id).await.ok()??;
            if types::Transition::is_terminal(row.state) {
                return None;
            }
            wake.changed().await;
        }
    }
}
