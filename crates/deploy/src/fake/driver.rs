//! The promises of a driver, kept by the fake.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use types::{Bundle, Digest, HealthCheck, InstanceId};

use super::{Behaviour, Call, FakeDriver, Instance};
use crate::{
    Blobs, Collected, Driver, Error, Exit, InstanceSpec, LogLine, LogReader, LogStart, NotReady,
    Observation, Output, Owner, PrepareError, Ready, ReadyBy, Restart, StartError, Started,
};

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
