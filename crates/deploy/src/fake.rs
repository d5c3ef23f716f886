//! A target without a machine behind it: a real state machine, moved by tests.
//!
//! What a command does is told beforehand ([`FakeDriver::program`]); what befalls an instance later, by name
//! ([`FakeDriver::exit`], [`FakeDriver::lose`]). Every call is recorded. It promises what [`Driver`](crate::Driver) promises, and the
//! contract suite holds it to that.

mod driver;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use types::{Clock, Digest, InstanceId};

use crate::{Exit, InstanceSpec, LogLine, LogPosition, Observation, OutputStream, Restart};

/// What a command does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Behaviour {
    /// Runs, and answers its health check with this status.
    Answers(u16),
    /// Runs, and nothing ever listens on its port.
    Silent,
    /// Ends as soon as it is started.
    Exits(Exit),
    /// Cannot be started at all, for this reason.
    Refused(String),
}

/// A call that was made, in the order in which they were.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Call {
    Prepare(Digest),
    Start(InstanceId),
    Stop(InstanceId, Duration),
    Remove(InstanceId),
    Exec(Vec<String>),
}

#[derive(Debug)]
struct Instance {
    spec: InstanceSpec,
    observation: watch::Sender<Observation>,
    behaviour: Behaviour,
    exits: u32,
    log: watch::Sender<Vec<LogLine>>,
    address: Option<SocketAddr>,
}

#[derive(Debug, Default)]
struct World {
    programs: BTreeMap<String, Behaviour>,
    instances: BTreeMap<InstanceId, Instance>,
    prepared: BTreeSet<(types::AppId, Digest)>,
    calls: Vec<Call>,
    refusals: VecDeque<String>,
    ports: u16,
}

#[derive(Debug, Clone)]
pub struct FakeDriver {
    world: Arc<Mutex<World>>,
    clock: Arc<dyn Clock>,
}

impl FakeDriver {
    /// Every command answers 200 until told otherwise.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { world: Arc::default(), clock }
    }

    /// Says what a command does, from its next start on.
    pub fn program(&self, command: &str, behaviour: Behaviour) {
        self.world().programs.insert(command.to_owned(), behaviour);
    }

    /// Lets the next start of any instance fail.
    pub fn refuse_next_start(&self, reason: &str) {
        self.world().refusals.push_back(reason.to_owned());
    }

    /// Ends an instance's process, as it would end by itself. One that restarts backs off and stays so until
    /// [`restart`](Self::restart).
    pub fn exit(&self, id: InstanceId, exit: Exit) {
        let now = self.clock.now();
        if let Some(instance) = self.world().instances.get_mut(&id) {
            instance.process_exited(exit, now);
        }
    }

    /// Starts the process of an instance that backs off again.
    pub fn restart(&self, id: InstanceId) {
        let now = self.clock.now();
        if let Some(instance) = self.world().instances.get_mut(&id)
            && matches!(*instance.observation.borrow(), Observation::BackingOff { .. })
        {
            instance.run(now);
        }
    }

    /// Kills whatever watches over an instance, and the instance with it.
    pub fn lose(&self, id: InstanceId) {
        let at = self.clock.now();
        if let Some(instance) = self.world().instances.get(&id)
            && !instance.observation.borrow().is_final()
        {
            instance.observation.send_replace(Observation::Exited { exit: Exit::Lost, at });
        }
    }

    /// Lets an instance write a line.
    pub fn write(&self, id: InstanceId, text: &str) {
        let now = self.clock.now();
        if let Some(instance) = self.world().instances.get(&id) {
            instance.write(text, now);
        }
    }

    /// Every call so far that changes something.
    #[must_use]
    pub fn calls(&self) -> Vec<Call> {
        self.world().calls.clone()
    }

    /// The specs of the instances that run now.
    #[must_use]
    pub fn running(&self) -> Vec<InstanceSpec> {
        let world = self.world();
        let alive = world.instances.values().filter(|it| !it.observation.borrow().is_final());
        alive.map(|instance| instance.spec.clone()).collect()
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn watch(&self, id: InstanceId) -> Option<watch::Receiver<Observation>> {
        self.world().instances.get(&id).map(|instance| instance.observation.subscribe())
    }
}

impl Instance {
    fn run(&mut self, now: types::Timestamp) {
        let (restarts, address) = (self.exits, self.address);
        self.observation.send_replace(Observation::Running {
            pid: 1,
            since: now,
            restarts,
            address,
        });
        if let Behaviour::Exits(exit) = self.behaviour {
            self.process_exited(exit, now);
        }
    }

    fn process_exited(&mut self, exit: Exit, now: types::Timestamp) {
        if self.observation.borrow().is_final() {
            return;
        }
        let next = match self.spec.restart {
            Restart::Never => Observation::Exited { exit, at: now },
            Restart::Always => {
                self.exits += 1;
                Observation::BackingOff { restarts: self.exits - 1, until: now, last: exit }
            }
        };
        self.observation.send_replace(next);
    }

    fn write(&self, text: &str, at: types::Timestamp) {
        self.log.send_modify(|lines| {
            let position = LogPosition { file: 1, offset: lines.len() as u64 + 1 };
            let (stream, text) = (OutputStream::Stdout, text.to_owned());
            lines.push(LogLine { position, at, stream, text });
        });
    }
}
