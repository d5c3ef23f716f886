//! What every target promises, asked of each.

use std::sync::Arc;
use std::time::Duration;

use deploy::fake::{Behaviour, FakeDriver};
use deploy::{Driver, Error, Exit, InstanceSpec, NotReady, Observation, Restart, StartError};
use tokio_util::sync::CancellationToken;
use types::{HealthCheck, InstanceId, SystemClock};

use crate::world::{NO_GRACE, OK, PORT, World, health, server};

/// A target with things to run on it.
struct Subject {
    world: World,
    driver: Arc<dyn Driver>,
    bundle: types::Bundle,
}

#[derive(Clone, Copy)]
enum Does {
    Serve,
    Idle,
    Fail,
    Succeed,
}

impl Does {
    fn command(self) -> String {
        match self {
            Self::Serve => server(PORT, OK),
            Self::Idle => "exec sleep 600".into(),
            Self::Fail => "exit 3".into(),
            Self::Succeed => "exit 0".into(),
        }
    }
}

impl Subject {
    async fn process() -> Self {
        let world = World::new();
        let bundle = world.prepared(&[]).await;
        Self { driver: world.driver.clone(), world, bundle }
    }

    async fn fake() -> Self {
        let world = World::new();
        let fake = FakeDriver::new(Arc::new(SystemClock));
        fake.program(&Does::Fail.command(), Behaviour::Exits(Exit::Code(3)));
        fake.program(&Does::Succeed.command(), Behaviour::Exits(Exit::Code(0)));
        fake.program("sleep 600", Behaviour::Silent);
        let bundle = world.prepared(&[]).await;
        fake.prepare(&bundle, &world.owner, world.blobs()).await.unwrap();
        Self { driver: Arc::new(fake), world, bundle }
    }

    fn spec(&self, does: Does) -> InstanceSpec {
        let port = matches!(does, Does::Serve);
        InstanceSpec { port, ..self.world.spec(&self.bundle, &does.command()) }
    }

    async fn until_over(&self, id: InstanceId) -> Observation {
        let mut seen = self.driver.observe(id).await.unwrap();
        while !seen.is_final() {
            seen = self.driver.changed(id, &seen).await.unwrap();
        }
        seen
    }
}

macro_rules! contract {
    ($($name:ident),+ $(,)?) => {
        mod process {
            $(#[tokio::test]
            async fn $name() {
                super::$name(super::Subject::process().await).await;
            })+
        }
        mod fake {
            $(#[tokio::test]
            async fn $name() {
                super::$name(super::Subject::fake().await).await;
            })+
        }
    };
}

contract! {
    an_instance_is_started_answers_is_stopped_and_forgotten,
    a_second_start_finds_the_first,
    two_starts_at_once_start_one,
    stopping_and_removing_may_be_repeated,
    what_runs_is_not_removed,
    a_one_time_process_runs_once,
    a_stopped_instance_is_not_taken_up_again,
    a_failing_process_is_not_ready,
    a_process_without_a_port_is_ready_when_it_runs,
    nobody_is_ready_who_was_never_started,
    a_bundle_is_prepared_before_it_starts,
    a_command_runs_in_a_box_of_its_own,
    a_command_that_is_cancelled_ends,
}

async fn an_instance_is_started_answers_is_stopped_and_forgotten(it: Subject) {
    let spec = it.spec(Does::Serve);
    assert_eq!(it.driver.observe(spec.id).await.unwrap(), Observation::Absent);
    let started = it.driver.start(&spec).await.unwrap();
    let ready = it.driver.ready(spec.id, &HealthCheck::default()).await.unwrap();
    assert_eq!(ready.address, started.address);
    let seen = it.driver.observe(spec.id).await.unwrap();
    assert!(matches!(seen, Observation::Running { restarts: 0, .. }), "{seen:?}");
    assert_eq!(seen.address(), started.address);
    assert_eq!(it.driver.list().await.unwrap(), [spec.id]);
    it.driver.stop(spec.id, Duration::from_secs(10)).await.unwrap();
    let seen = it.driver.observe(spec.id).await.unwrap();
    assert!(matches!(seen, Observation::Exited { exit: Exit::Signal(15), .. }), "{seen:?}");
    it.driver.remove(spec.id).await.unwrap();
    assert_eq!(it.driver.observe(spec.id).await.unwrap(), Observation::Absent);
    assert!(it.driver.list().await.unwrap().is_empty());
}

async fn a_second_start_finds_the_first(it: Subject) {
    let spec = it.spec(Does::Serve);
    let first = it.driver.start(&spec).await.unwrap();
    it.driver.ready(spec.id, &HealthCheck::default()).await.unwrap();
    let before = it.driver.observe(spec.id).await.unwrap();
    let other = InstanceSpec { command: Does::Fail.command(), ..spec.clone() };
    assert_eq!(it.driver.start(&other).await.unwrap(), first);
    assert_eq!(it.driver.observe(spec.id).await.unwrap(), before);
}

async fn two_starts_at_once_start_one(it: Subject) {
    let spec = it.spec(Does::Serve);
    let (one, other) = tokio::join!(it.driver.start(&spec), it.driver.start(&spec));
    assert_eq!(one.unwrap(), other.unwrap());
    it.driver.ready(spec.id, &HealthCheck::default()).await.unwrap();
    assert_eq!(it.driver.list().await.unwrap(), [spec.id]);
}

async fn stopping_and_removing_may_be_repeated(it: Subject) {
    let spec = it.spec(Does::Idle);
    it.driver.stop(spec.id, NO_GRACE).await.unwrap();
    it.driver.remove(spec.id).await.unwrap();
    it.driver.start(&spec).await.unwrap();
    for _ in 0..2 {
        it.driver.stop(spec.id, NO_GRACE).await.unwrap();
    }
    for _ in 0..2 {
        it.driver.remove(spec.id).await.unwrap();
    }
    assert_eq!(it.driver.observe(spec.id).await.unwrap(), Observation::Absent);
}

async fn what_runs_is_not_removed(it: Subject) {
    let spec = it.spec(Does::Idle);
    it.driver.start(&spec).await.unwrap();
    let error = it.driver.remove(spec.id).await.unwrap_err();
    assert!(matches!(error, Error::StillRunning(id) if id == spec.id), "{error}");
    it.driver.ready(spec.id, &HealthCheck::default()).await.unwrap();
}

async fn a_one_time_process_runs_once(it: Subject) {
    for (does, code) in [(Does::Succeed, 0), (Does::Fail, 3)] {
        let spec = InstanceSpec { restart: Restart::Never, ..it.spec(does) };
        it.driver.start(&spec).await.unwrap();
        let first = it.until_over(spec.id).await;
        let wanted = Exit::Code(code);
        assert!(matches!(first, Observation::Exited { exit, .. } if exit == wanted), "{first:?}");
        it.driver.start(&spec).await.unwrap();
        assert_eq!(it.driver.observe(spec.id).await.unwrap(), first);
        it.driver.remove(spec.id).await.unwrap();
    }
}

async fn a_stopped_instance_is_not_taken_up_again(it: Subject) {
    let spec = it.spec(Does::Idle);
    it.driver.start(&spec).await.unwrap();
    it.driver.stop(spec.id, NO_GRACE).await.unwrap();
    let stopped = it.driver.observe(spec.id).await.unwrap();
    assert!(matches!(stopped, Observation::Exited { .. }), "{stopped:?}");
    it.driver.start(&spec).await.unwrap();
    assert_eq!(it.driver.observe(spec.id).await.unwrap(), stopped);
}

async fn a_failing_process_is_not_ready(it: Subject) {
    let spec = it.spec(Does::Fail);
    it.driver.start(&spec).await.unwrap();
    let error = it.driver.ready(spec.id, &HealthCheck::default()).await.unwrap_err();
    assert!(matches!(error, NotReady::Exited { exit: Exit::Code(3), .. }), "{error}");
}

async fn a_process_without_a_port_is_ready_when_it_runs(it: Subject) {
    let spec = it.spec(Does::Idle);
    it.driver.start(&spec).await.unwrap();
    let ready = it.driver.ready(spec.id, &HealthCheck::default()).await.unwrap();
    assert_eq!(ready.address, None);
}

async fn nobody_is_ready_who_was_never_started(it: Subject) {
    let spec = it.spec(Does::Serve);
    let health = health(None, Duration::from_secs(5));
    let error = it.driver.ready(spec.id, &health).await.unwrap_err();
    assert!(matches!(error, NotReady::Absent), "{error}");
}

async fn a_bundle_is_prepared_before_it_starts(it: Subject) {
    let layer = it.world.layer(b"another");
    let spec = InstanceSpec { bundle: it.world.bundle(vec![layer.clone()]), ..it.spec(Does::Idle) };
    let error = it.driver.start(&spec).await.unwrap_err();
    assert!(matches!(error, StartError::NotPrepared(digest) if digest == layer.digest));
    assert_eq!(it.driver.observe(spec.id).await.unwrap(), Observation::Absent);
    assert!(it.driver.list().await.unwrap().is_empty());
}

async fn a_command_runs_in_a_box_of_its_own(it: Subject) {
    let spec = it.spec(Does::Serve);
    let (sender, _receiver) = tokio::sync::mpsc::channel(8);
    let exit = it.driver.exec(&spec, vec!["true".into()], sender, CancellationToken::new()).await;
    assert_eq!(exit.unwrap(), Exit::Code(0));
    assert_eq!(it.driver.observe(spec.id).await.unwrap(), Observation::Absent);
}

async fn a_command_that_is_cancelled_ends(it: Subject) {
    let spec = it.spec(Does::Idle);
    let (sender, _receiver) = tokio::sync::mpsc::channel(8);
    let cancel = CancellationToken::new();
    cancel.cancel();
    let command = vec!["sleep".into(), "600".into()];
    let exit = it.driver.exec(&spec, command, sender, cancel).await.unwrap();
    assert!(matches!(exit, Exit::Signal(9) | Exit::NotRun), "{exit:?}");
}
