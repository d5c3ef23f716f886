//! A target without a machine behind it: a real state machine, moved by tests.
//!
//! What a command does is told beforehand ([`FakeDriver::program`]); what befalls an instance later, by name
//! ([`FakeDriver::exit`], [`FakeDriver::lose`]). Every call is recorded. It promises what [`Driver`] promises, and the
//! contract suite holds it to that.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use types::{Bundle, Clock, Digest, HealthCheck, InstanceId};

use crate::{
    Blobs, Collected, Driver, Error, Exit, InstanceSpec, LogLine, LogPosition, LogReader, LogStart,
    NotReady, Observation, Output, OutputStream, Owner, PrepareError, Ready, ReadyBy, Restart,
    StartError, Started,
};

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

#[async_trait]
impl Driver for FakeDriver {
    async fn prepare(
        &self,
        bundle: &Bundle,
        owner: &Owner,
        _blobs: &dyn Blobs,
    ) -> Result<(), PrepareError> {
        let mut world = self.world();
        world.calls.push(Call::Prepare(bundle.digest.clone()));
        world.prepared.extend(bundle.layers.iter().map(|it| (owner.app, it.digest.clone())));
        Ok(())
    }

    async fn start(&self, spec: &InstanceSpec) -> Result<Started, StartError> {
        let now = self.clock.now();
        let mut world = self.world();
        world.calls.push(Call::Start(spec.id));
        if let Some(instance) = world.instances.get_mut(&spec.id) {
            let lost = matches!(
                *instance.observation.borrow(),
                Observation::Exited { exit: Exit::Lost, .. }
            );
            if lost && instance.spec.restart == Restart::Always {
                instance.run(now);
            }
            return Ok(Started { address: instance.address });
        }
        let missing = spec
            .bundle
            .layers
            .iter()
            .find(|layer| !world.prepared.contains(&(spec.owner.app, layer.digest.clone())));
        if let Some(layer) = missing {
            return Err(StartError::NotPrepared(layer.digest.clone()));
        }
        let behaviour = world.programs.get(&spec.command).cloned();
        let behaviour = behaviour.unwrap_or(Behaviour::Answers(200));
        if let Behaviour::Refused(reason) = behaviour {
            return Err(StartError::Refused(reason));
        }
        if let Some(reason) = world.refusals.pop_front() {
            return Err(StartError::Refused(reason));
        }
        let address = spec.port.then(|| {
            world.ports += 1;
            SocketAddr::from((Ipv4Addr::LOCALHOST, 10_000 + world.ports))
        });
        let mut instance = Instance {
            spec: spec.clone(),
            observation: watch::Sender::new(Observation::Starting),
            behaviour,
            exits: 0,
            log: watch::Sender::default(),
            address,
        };
        instance.run(now);
        world.instances.insert(spec.id, instance);
        Ok(Started { address })
    }

    async fn observe(&self, id: InstanceId) -> Result<Observation, Error> {
        Ok(self.watch(id).map_or(Observation::Absent, |watch| watch.borrow().clone()))
    }

    async fn changed(&self, id: InstanceId, seen: &Observation) -> Result<Observation, Error> {
        let Some(mut watch) = self.watch(id) else { return Ok(Observation::Absent) };
        let now = watch.wait_for(|now| now != seen || now.is_final()).await;
        Ok(now.map_or(Observation::Absent, |now| now.clone()))
    }

    async fn ready(&self, id: InstanceId, health: &HealthCheck) -> Result<Ready, NotReady> {
        let Some(mut watch) = self.watch(id) else { return Err(NotReady::Absent) };
        let behaviour =
            self.world().instances.get(&id).map(|it| (it.behaviour.clone(), it.address));
        let Some((behaviour, address)) = behaviour else { return Err(NotReady::Absent) };
        let path = health.path.clone().unwrap_or_else(|| "/".to_owned());
        let exited = watch.wait_for(|now| {
            matches!(now, Observation::Exited { .. } | Observation::BackingOff { .. })
        });
        let last_probe = match (behaviour, address) {
            (Behaviour::Answers(_), None) => {
                let by = ReadyBy::Ran(Duration::ZERO);
                return Ok(Ready { address, by, after: Duration::ZERO });
            }
            (Behaviour::Answers(status), Some(_)) if status < 400 => {
                let by = ReadyBy::Answered { path, status };
                return Ok(Ready { address, by, after: Duration::ZERO });
            }
            (Behaviour::Answers(status), _) => format!("GET {path} answered {status}"),
            _ => format!("nothing listens on port {}", address.map_or(0, |it| it.port())),
        };
        match tokio::time::timeout(health.timeout, exited).await {
            Ok(Ok(now)) => Err(match &*now {
                Observation::Exited { exit, .. } => NotReady::Exited { exit: *exit, restarts: 0 },
                Observation::BackingOff { last, restarts, .. } => {
                    NotReady::Exited { exit: *last, restarts: *restarts }
                }
                _ => NotReady::Absent,
            }),
            Ok(Err(_)) => Err(NotReady::Absent),
            Err(_) => Err(NotReady::TimedOut { after: health.timeout, last_probe, hint: None }),
        }
    }

    async fn stop(&self, id: InstanceId, grace: Duration) -> Result<(), Error> {
        let at = self.clock.now();
        let mut world = self.world();
        world.calls.push(Call::Stop(id, grace));
        if let Some(instance) = world.instances.get_mut(&id) {
            // One that was lost is from now on over: it is not started again.
            instance.spec.restart = Restart::Never;
            let now = instance.observation.borrow().clone();
            let exit = match now {
                Observation::Absent | Observation::Exited { .. } => return Ok(()),
                Observation::BackingOff { last, .. } => last,
                Observation::Starting | Observation::Running { .. } => Exit::Signal(15),
            };
            instance.observation.send_replace(Observation::Exited { exit, at });
        }
        Ok(())
    }

    async fn remove(&self, id: InstanceId) -> Result<(), Error> {
        let mut world = self.world();
        world.calls.push(Call::Remove(id));
        let over = world.instances.get(&id).is_none_or(|it| it.observation.borrow().is_final());
        if !over {
            return Err(Error::StillRunning(id));
        }
        world.instances.remove(&id);
        Ok(())
    }

    async fn list(&self) -> Result<Vec<InstanceId>, Error> {
        Ok(self.world().instances.keys().copied().collect())
    }

    async fn logs(
        &self,
        id: InstanceId,
        from: LogStart,
        follow: bool,
    ) -> Result<Box<dyn LogReader>, Error> {
        let world = self.world();
        let instance = world.instances.get(&id).ok_or(Error::Absent(id))?;
        let lines = instance.log.subscribe();
        let next = match from {
            LogStart::Last(count) => lines.borrow().len().saturating_sub(count),
            LogStart::After(position) => usize::try_from(position.offset).unwrap_or(usize::MAX),
        };
        let state = follow.then(|| instance.observation.subscribe());
        Ok(Box::new(FakeReader { lines, next, state }))
    }

    async fn exec(
        &self,
        spec: &InstanceSpec,
        command: Vec<String>,
        output: mpsc::Sender<Output>,
        cancel: CancellationToken,
    ) -> Result<Exit, Error> {
        let line = command.join(" ");
        let behaviour = {
            let mut world = self.world();
            world.calls.push(Call::Exec(command));
            let missing =
                spec.bundle.layers.iter().find(|layer| {
                    !world.prepared.contains(&(spec.owner.app, layer.digest.clone()))
                });
            if let Some(layer) = missing {
                return Err(StartError::NotPrepared(layer.digest.clone()).into());
            }
            world.programs.get(&line).cloned()
        };
        match behaviour.unwrap_or(Behaviour::Exits(Exit::Code(0))) {
            Behaviour::Refused(reason) => Err(StartError::Refused(reason).into()),
            Behaviour::Exits(exit) => Ok(exit),
            Behaviour::Answers(_) | Behaviour::Silent => {
                tokio::select! {
                    () = cancel.cancelled() => {}
                    () = output.closed() => {}
                }
                Ok(Exit::Signal(9))
            }
        }
    }

    async fn collect(&self, keep: &[Digest]) -> Result<Collected, Error> {
        let mut world = self.world();
        let used: BTreeSet<Digest> = world
            .instances
            .values()
            .flat_map(|it| it.spec.bundle.layers.iter().map(|layer| layer.digest.clone()))
            .chain(keep.iter().cloned())
            .collect();
        let before = world.prepared.len();
        world.prepared.retain(|(_, digest)| used.contains(digest));
        let kept = world.prepared.len();
        Ok(Collected { layers: before - kept, kept })
    }

    async fn forget(&self, owner: &Owner) -> Result<(), Error> {
        self.world().prepared.retain(|(app, _)| *app != owner.app);
        Ok(())
    }
}

#[derive(Debug)]
struct FakeReader {
    lines: watch::Receiver<Vec<LogLine>>,
    next: usize,
    /// With `follow`: whether there can be more.
    state: Option<watch::Receiver<Observation>>,
}

#[async_trait]
impl LogReader for FakeReader {
    async fn next(&mut self) -> Result<Option<LogLine>, Error> {
        loop {
            let line = self.lines.borrow_and_update().get(self.next).cloned();
            if let Some(line) = line {
                self.next += 1;
                return Ok(Some(line));
            }
            let Some(state) = &mut self.state else { return Ok(None) };
            let over = tokio::select! {
                more = self.lines.changed() => more.is_err(),
                _ = state.wait_for(Observation::is_final) => true,
            };
            if over {
                self.state = None;
            }
        }
    }
}
