//! The store from outside: what was written is there, once, and what failed left nothing.

#![expect(clippy::unwrap_used, reason = "a fixture that cannot be made ends its test")]

#[path = "store/changes.rs"]
mod changes;
#[path = "store/runs.rs"]
mod runs;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use store::{
    ConfigChange, CreateApp, CreateAppError, NewDeployment, NewPush, NewRelease, NewRun, Store,
    Topic, TransitionError,
};
use tempfile::TempDir;
use types::{
    Actor, AppName, ChangeId, ChangeState, DeploymentState, EnvironmentName, InstanceState,
    ManualClock, ProcessType, RunId, RunStatus, SystemClock, Timestamp,
};
use workflow::language::{
    Action, Defaults, Definition, Job, Place, Retry, RunsOn, Step, Template, Work,
};
use workflow::{Failure, Input, RunContext, StepResult};

struct Fixture {
    directory: TempDir,
    store: Store,
    clock: Arc<ManualClock>,
}

impl Fixture {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::at(Timestamp::UNIX_EPOCH));
        let store = Store::open(&directory.path().join("solum.db"), clock.clone()).unwrap();
        Self { directory, store, clock }
    }

    /// What another process would find on the disk now.
    fn reopened(&self) -> Store {
        Store::open(&self.directory.path().join("solum.db"), self.clock.clone()).unwrap()
    }

    async fn app(&self, name: &str) -> store::App {
        self.store.create_app(create(name, &format!("{name}-dev.localhost"))).await.unwrap()
    }

    async fn run(&self, app: &store::App, queue: Option<&str>) -> RunId {
        // Ids sort by time, and a queue by ids.
        self.clock.advance(Duration::from_millis(1));
        let run = new_run(app, queue, RunId::generate(&*self.clock));
        self.store.create_run(run).await.unwrap().id
    }

    async fn deployment(&self, app: &store::App) -> store::Deployment {
        let environment = self.store.environment(app.id, EnvironmentName::dev()).await.unwrap().id;
        let run = self.run(app, None).await;
        let release = NewRelease {
            app: app.id,
            artifact: types::Digest::from_sha256([7; 32]),
            commit: None,
            description: "a release".into(),
            run,
            actor: Actor::System,
        };
        let release = self.store.ensure_release(release).await.unwrap();
        let deployment = NewDeployment {
            environment,
            release: release.id,
            config_revision: None,
            run,
            step: "deploy/deploy".into(),
            reason: "test".into(),
            rolls_back: false,
            actor: Actor::System,
        };
        self.store.ensure_deployment(deployment).await.unwrap()
    }
}

fn create(name: &str, host: &str) -> CreateApp {
    CreateApp {
        name: name.parse().unwrap(),
        default_branch: "main".into(),
        environment: EnvironmentName::dev(),
        host: host.parse().unwrap(),
        actor: Actor::Token("alice".into()),
    }
}

fn template(text: &str) -> Template {
    Template { text: text.into(), at: Place { line: 1, column: 1 } }
}

fn definition(jobs: Vec<Job>) -> Definition {
    Definition {
        file: "w.yml".into(),
        name: "w".into(),
        run_name: None,
        inputs: Vec::new(),
        outputs: Vec::new(),
        env: Vec::new(),
        defaults: Defaults::default(),
        concurrency: None,
        jobs,
    }
}

fn job(key: &str, steps: Vec<Step>) -> Job {
    Job {
        key: key.into(),
        at: Place { line: 1, column: 1 },
        name: None,
        needs: Vec::new(),
        condition: None,
        environment: None,
        strategy: None,
        env: Vec::new(),
        defaults: Defaults::default(),
        concurrency: None,
        outputs: Vec::new(),
        timeout_minutes: None,
        continue_on_error: None,
        work: Work::Steps { runs_on: RunsOn { labels: vec![template("solum")] }, steps },
    }
}

fn step(key: &str) -> Step {
    Step {
        key: key.into(),
        id: Some(key.into()),
        at: Place { line: 1, column: 1 },
        name: None,
        condition: None,
        env: Vec::new(),
        continue_on_error: None,
        timeout_minutes: None,
        retry: Retry { attempts: 2, backoff: Duration::from_secs(1) },
        undo: None,
        gate: None,
        action: Action::Verb { verb: key.into(), with: Vec::new() },
    }
}

fn new_run(app: &store::App, queue: Option<&str>, id: RunId) -> NewRun {
    NewRun {
        id,
        app: app.id,
        definition: definition(vec![job("only", vec![step("one"), step("two")])]),
        context: RunContext::default(),
        carried_over: Vec::new(),
        attempt: 1,
        retry_of: None,
        queue: queue.map(str::to_owned),
        commit: None,
        title: "a run".into(),
        actor: Actor::System,
    }
}

fn push(app: &store::App, runs: usize) -> NewPush {
    let run = |_| new_run(app, Some("main"), RunId::generate(&SystemClock));
    NewPush {
        change: ChangeId::generate(&SystemClock),
        app: app.id,
        branch: "main".into(),
        base: None,
        commit: "a".repeat(40).parse().unwrap(),
        subject: "a change".into(),
        actor: Actor::System,
        runs: (0..runs).map(run).collect(),
    }
}

fn report(step: &str, result: StepResult) -> Input {
    Input::Report { job: "only".into(), step: step.into(), attempt: 1, result }
}

fn ok() -> StepResult {
    StepResult::succeeded(BTreeMap::new())
}

fn failure() -> Failure {
    Failure { code: "x".into(), message: "x".into(), hint: None, retryable: true }
}

#[tokio::test]
async fn a_write_is_on_the_disk_when_it_returns() {
    let fixture = Fixture::new();
    let app = fixture.app("shop").await;
    assert_eq!(fixture.reopened().app(app.name.clone()).await.unwrap(), app);
}

#[tokio::test]
async fn a_write_that_fails_leaves_nothing_while_others_of_its_group_succeed() {
    let fixture = Fixture::new();
    fixture.app("a").await;
    // `b` wants a host name that is taken: its row must go again, and `c`, in the same group, must stay.
    let (b, c) = tokio::join!(
        fixture.store.create_app(create("b", "a-dev.localhost")),
        fixture.store.create_app(create("c", "c-dev.localhost")),
    );
    assert!(matches!(b, Err(CreateAppError::HostTaken { app, .. }) if app.as_str() == "a"));
    c.unwrap();
    let names: Vec<AppName> =
        fixture.store.apps().await.unwrap().into_iter().map(|app| app.name).collect();
    assert_eq!(names, ["a".parse().unwrap(), "c".parse().unwrap()]);
}

#[tokio::test]
async fn each_app_has_a_user_of_its_own() {
    let fixture = Fixture::new();
    let (a, b) = (fixture.app("a").await, fixture.app("b").await);
    assert_ne!(a.uid, b.uid);
    fixture.store.forget_app(a.id).await.unwrap();
    assert_eq!(fixture.app("c").await.uid, a.uid, "a free one is used again");
    assert!(matches!(fixture.store.app(a.name).await, Err(store::Error::NotFound { .. })));
}

#[tokio::test]
async fn a_transition_writes_journal_status_and_outbox_together() {
    let fixture = Fixture::new();
    let app = fixture.app("shop").await;
    let run = fixture.run(&app, None).await;
    fixture.store.transition(run, Input::Start).await.unwrap();
    let reopened = fixture.reopened();
    assert_eq!(reopened.run(run).await.unwrap().status, RunStatus::Running);
    let pending = reopened.pending_tasks(0, 10).await.unwrap();
    assert_eq!(pending.len(), 1);
    assert_eq!((pending[0].run, pending[0].task.step.as_str()), (run, "one"));
    fixture.store.transition(run, report("one", ok())).await.unwrap();
    let pending = fixture.store.pending_tasks(0, 10).await.unwrap();
    assert_eq!(pending.len(), 1, "what was reported has left the outbox");
    assert_eq!(pending[0].task.step, "two");
    fixture.store.transition(run, report("two", ok())).await.unwrap();
    assert!(fixture.store.pending_tasks(0, 10).await.unwrap().is_empty());
    assert_eq!(fixture.store.run(run).await.unwrap().status, RunStatus::Succeeded);
    let journal = fixture.store.journal(run, 1).await.unwrap();
    let numbers: Vec<u64> = journal.iter().map(|entry| entry.seq).collect();
    assert_eq!(numbers, (1..=numbers.len() as u64).collect::<Vec<_>>());
}

#[tokio::test]
async fn another_process_goes_on_from_the_journal_and_refuses_what_was_decided() {
    let fixture = Fixture::new();
    let app = fixture.app("shop").await;
    let run = fixture.run(&app, None).await;
    fixture.store.transition(run, Input::Start).await.unwrap();
    fixture.store.transition(run, report("one", ok())).await.unwrap();
    let reopened = fixture.reopened();
    let again = reopened.transition(run, report("one", ok())).await;
    assert!(matches!(again, Err(TransitionError::Refused(_))));
    assert!(matches!(
        reopened.transition(run, Input::Start).await,
        Err(TransitionError::Refused(_))
    ));
    reopened.transition(run, report("two", ok())).await.unwrap();
    assert_eq!(reopened.run(run).await.unwrap().status, RunStatus::Succeeded);
}

#[tokio::test]
async fn a_put_off_attempt_is_a_timer_that_fires_once() {
    let fixture = Fixture::new();
    let app = fixture.app("shop").await;
    let run = fixture.run(&app, None).await;
    fixture.store.transition(run, Input::Start).await.unwrap();
    fixture.store.transition(run, report("one", StepResult::failed(failure()))).await.unwrap();
    assert!(fixture.store.pending_tasks(0, 10).await.unwrap().is_empty());
    let timers = fixture.store.pending_timers(10).await.unwrap();
    assert_eq!(timers.len(), 1);
    let elapsed = timers[0].input();
    fixture.store.transition(run, elapsed.clone()).await.unwrap();
    assert!(matches!(
        fixture.store.transition(run, elapsed).await,
        Err(TransitionError::Refused(_))
    ));
    assert!(fixture.store.pending_timers(10).await.unwrap().is_empty());
    assert_eq!(fixture.store.pending_tasks(0, 10).await.unwrap()[0].task.attempt, 2);
}

#[tokio::test]
async fn runs_of_a_file_are_numbered_and_named_by_it() {
    let fixture = Fixture::new();
    let app = fixture.app("shop").await;
    let github = serde_json::json!({ "github": { "actor": "alice" } });
    let run = |file: &str, retry_of| {
        let mut run = new_run(&app, None, RunId::generate(&SystemClock));
        run.context = serde_json::from_value(github.clone()).unwrap();
        run.definition.file = file.to_owned();
        let name = "#${{ github.run_number }}.${{ github.run_attempt }} by ${{ github.actor }}";
        run.definition.run_name = Some(template(name));
        run.retry_of = retry_of;
        run
    };
    let mut titles = Vec::new();
    let mut first = None;
    for file in ["a.yml", "a.yml", "b.yml"] {
        let made = fixture.store.create_run(run(file, None)).await.unwrap();
        first.get_or_insert(made.id);
        titles.push(made.title);
    }
    assert_eq!(titles, ["#1.1 by alice", "#2.1 by alice", "#1.1 by alice"]);
    let mut again = run("a.yml", first);
    again.context = serde_json::from_value(
        serde_json::json!({ "github": { "actor": "bob", "run_number": "1" } }),
    )
    .unwrap();
    again.attempt = 2;
    assert_eq!(fixture.store.create_run(again).await.unwrap().title, "#1.2 by bob");
}

#[tokio::test]
async fn what_is_asked_for_again_under_the_same_key_is_found() {
    let fixture = Fixture::new();
    let app = fixture.app("shop").await;
    let deployment = fixture.deployment(&app).await;
    let again = NewDeployment {
        environment: deployment.environment,
        release: deployment.release,
        config_revision: None,
        run: deployment.run,
        step: deployment.step.clone(),
        reason: "again".into(),
        rolls_back: false,
        actor: Actor::System,
    };
    assert_eq!(fixture.store.ensure_deployment(again).await.unwrap(), deployment);
    let process: ProcessType = "release".parse().unwrap();
    let one_off = fixture.store.ensure_one_off(deployment.id, process.clone()).await.unwrap();
    fixture.store.set_instance_state(one_off.id, InstanceState::Stopping).await.unwrap();
    fixture.store.set_instance_state(one_off.id, InstanceState::Stopped).await.unwrap();
    let found = fixture.store.ensure_one_off(deployment.id, process).await.unwrap();
    assert_eq!(found.id, one_off.id, "a command that ran is never given a second instance");
}

#[tokio::test]
async fn the_switch_moves_traffic_and_drains_in_one_step() {
    let fixture = Fixture::new();
    let app = fixture.app("shop").await;
    let mut serving = Vec::new();
    for _ in 0..2 {
        let deployment = fixture.deployment(&app).await;
        let store = &fixture.store;
        store.advance_deployment(deployment.id, DeploymentState::Preparing, false).await.unwrap();
        store.advance_deployment(deployment.id, DeploymentState::Starting, false).await.unwrap();
        let instance =
            store.ensure_instances(deployment.id, ProcessType::web(), 1).await.unwrap().remove(0);
        let address = "127.0.0.1:4000".parse().unwrap();
        store.set_instance_address(instance.id, Some(address)).await.unwrap();
        let drain = Duration::from_secs(30);
        store.switch_to_deployment(deployment.id, drain).await.unwrap();
        store.advance_deployment(deployment.id, DeploymentState::Succeeded, false).await.unwrap();
        serving.push(instance.id);
    }
    let routing = fixture.store.routing().await.unwrap();
    let routed: Vec<_> = routing[0].instances.iter().map(|instance| instance.id).collect();
    assert_eq!(routed, [serving[1]]);
    let old = fixture.store.find_instance(serving[0]).await.unwrap().unwrap();
    assert_eq!(old.state, InstanceState::Draining);
    let lapse = old.drain_until.unwrap().duration_since(types::Clock::now(&*fixture.clock));
    assert_eq!(Duration::try_from(lapse).unwrap(), Duration::from_secs(30));
}

#[tokio::test]
async fn a_deployment_never_goes_back() {
    let fixture = Fixture::new();
    let app = fixture.app("shop").await;
    let deployment = fixture.deployment(&app).await;
    let id = deployment.id;
    fixture.store.advance_deployment(id, DeploymentState::Preparing, false).await.unwrap();
    let back = fixture.store.advance_deployment(id, DeploymentState::Queued, false).await;
    assert!(matches!(back, Err(store::Error::Illegal(_))));
    assert_eq!(fixture.store.deployment(id).await.unwrap().state, DeploymentState::Preparing);
}

#[tokio::test]
async fn a_config_revision_is_made_only_by_a_change() {
    let fixture = Fixture::new();
    let app = fixture.app("shop").await;
    let environment = fixture.store.environment(app.id, EnvironmentName::dev()).await.unwrap();
    let set = |value: &str| ConfigChange {
        set: BTreeMap::from([("A".parse().unwrap(), value.to_owned())]),
        ..ConfigChange::default()
    };
    let store = &fixture.store;
    let first = store.revise_config(environment.id, set("1"), Actor::System).await.unwrap();
    let same = store.revise_config(environment.id, set("1"), Actor::System).await.unwrap();
    assert_eq!(first, same);
    let second = store.revise_config(environment.id, set("2"), Actor::System).await.unwrap();
    assert_eq!(second.unwrap().number, 2);
}

#[tokio::test]
async fn whoever_subscribes_is_woken_after_the_commit() {
    let fixture = Fixture::new();
    let mut wake = fixture.store.subscribe(Topic::Apps);
    let store = fixture.store.clone();
    let woken = async move {
        wake.changed().await;
        store.apps().await.unwrap().len()
    };
    let (count, _) = tokio::join!(woken, fixture.app("shop"));
    assert_eq!(count, 1, "what woke it can be read");
}

#[tokio::test]
async fn a_revoked_token_is_nobodys() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    let token = store.create_token("ci".into(), [1; 32], Actor::System).await.unwrap().unwrap();
    assert!(store.create_token("ci".into(), [2; 32], Actor::System).await.unwrap().is_none());
    assert_eq!(store.token_by_hash([1; 32]).await.unwrap(), Some(token.clone()));
    store.revoke_token(token.id, Actor::System).await.unwrap();
    assert_eq!(store.token_by_hash([1; 32]).await.unwrap(), None);
    let again = store.create_token("ci".into(), [3; 32], Actor::System).await.unwrap();
    assert!(again.is_some(), "its name is free again");
}

#[tokio::test]
async fn secrets_and_variables_have_one_value_a_name_and_scope() {
    let fixture = Fixture::new();
    let app = fixture.app("shop").await;
    let environment = fixture.store.environment(app.id, EnvironmentName::dev()).await.unwrap();
    let scopes = [
        store::SettingScope::Project,
        store::SettingScope::App { id: app.id, name: app.name.clone() },
        store::SettingScope::Environment(Box::new(environment.clone())),
    ];
    let name = |name: &str| name.parse::<types::SettingName>().unwrap();
    let sealed = |byte: u8| store::Sealed { key_id: "key".into(), bytes: vec![byte] };
    for (scope, byte) in scopes.iter().zip(1..) {
        for byte in [0, byte] {
            let set =
                fixture.store.set_secret(scope.clone(), name("A"), sealed(byte), 1, Actor::System);
            assert_eq!(set.await.unwrap().sealed, sealed(byte));
            let value = byte.to_string();
            let set = fixture.store.set_variable(scope.clone(), name("A"), value, 1, Actor::System);
            set.await.unwrap();
        }
        let another =
            fixture.store.set_secret(scope.clone(), name("B"), sealed(9), 1, Actor::System);
        assert!(matches!(another.await, Err(store::SettingError::Full(1))));
        let another =
            fixture.store.set_variable(scope.clone(), name("B"), "9".into(), 1, Actor::System);
        assert!(matches!(another.await, Err(store::SettingError::Full(1))));
    }
    let store = fixture.reopened();
    for (environment, expected) in [(Some(environment.id), &[1, 2, 3][..]), (None, &[1, 2])] {
        let secrets = store.secrets_for(app.id, environment).await.unwrap();
        let found: Vec<u8> = secrets.iter().map(|secret| secret.sealed.bytes[0]).collect();
        assert_eq!(found, expected, "from the farthest to the nearest");
        let variables = store.variables_for(app.id, environment).await.unwrap();
        let found: Vec<u8> = variables.iter().map(|one| one.value.parse().unwrap()).collect();
        assert_eq!(found, expected);
    }
    for scope in scopes {
        store.unset_secret(scope.clone(), name("A"), Actor::System).await.unwrap();
        assert!(store.unset_secret(scope.clone(), name("A"), Actor::System).await.is_err());
        store.unset_variable(scope.clone(), name("A"), Actor::System).await.unwrap();
        assert!(store.variables(scope).await.unwrap().is_empty());
    }
    assert!(!store.has_secrets().await.unwrap());
}

impl Fixture {
    /// A deployment that serves, with so many web instances.
    async fn serving(&self, app: &store::App, count: u32) -> store::Deployment {
        let deployment = self.deployment(app).await;
        let (store, id) = (&self.store, deployment.id);
        store.advance_deployment(id, DeploymentState::Preparing, false).await.unwrap();
        store.advance_deployment(id, DeploymentState::Starting, false).await.unwrap();
        store.ensure_instances(id, ProcessType::web(), count).await.unwrap();
        store.switch_to_deployment(id, Duration::ZERO).await.unwrap();
        store.advance_deployment(id, DeploymentState::Succeeded, false).await.unwrap()
    }
}

#[tokio::test]
async fn an_instance_that_is_down_gets_no_requests_until_it_is_up_again_wherever_that_is() {
    let fixture = Fixture::new();
    let app = fixture.app("shop").await;
    let deployment = fixture.serving(&app, 1).await;
    let store = &fixture.store;
    let id = store.instances_of(deployment.id).await.unwrap()[0].id;
    store.set_instance_address(id, Some("127.0.0.1:4000".parse().unwrap())).await.unwrap();
    store.set_instance_down(id, "it exited with status 1".into()).await.unwrap();
    assert_eq!(store.routing().await.unwrap()[0].instances, []);
    let down = store.find_instance(id).await.unwrap().unwrap();
    assert_eq!(down.down.as_deref(), Some("it exited with status 1"));
    let elsewhere = "127.0.0.1:4001".parse().unwrap();
    store.set_instance_up(id, Some(elsewhere)).await.unwrap();
    let routing = store.routing().await.unwrap();
    assert_eq!(routing[0].instances[0].address, elsewhere);
    assert_eq!((routing[0].app_id, routing[0].uid), (app.id, app.uid));
}

#[tokio::test]
async fn a_place_whose_instance_failed_stays_empty_longer_each_time() {
    let fixture = Fixture::new();
    let app = fixture.app("shop").await;
    let deployment = fixture.serving(&app, 1).await;
    let store = &fixture.store;
    let place = async || {
        let instances = store.ensure_instances(deployment.id, ProcessType::web(), 2).await.unwrap();
        instances.into_iter().find(|instance| instance.ordinal == 2)
    };
    for (failures, seconds) in [(1, 1), (2, 2), (3, 4)] {
        let second = place().await.expect("it is due");
        store.instance_failed(second.id, "no answer".into()).await.unwrap();
        store.instance_failed(second.id, "said twice".into()).await.unwrap();
        let setbacks = store.setbacks_of(deployment.id).await.unwrap();
        assert_eq!((setbacks.len(), setbacks[0].failures), (1, failures));
        assert_eq!((setbacks[0].instance, setbacks[0].reason.as_str()), (second.id, "no answer"));
        // The other place is not held up by it, and a server that is started anew waits as long.
        assert!(place().await.is_none());
        let now = types::Clock::now(&*fixture.clock);
        let due = fixture.reopened().next_comeback(now).await.unwrap().unwrap();
        assert_eq!(due.duration_since(now).as_secs(), seconds);
        fixture.clock.advance(Duration::from_secs(seconds.cast_unsigned()));
    }
    // It came up, and failed long after: that is a first time.
    let second = place().await.unwrap();
    assert_eq!(store.setbacks_of(deployment.id).await.unwrap(), []);
    store.set_instance_state(second.id, InstanceState::Serving).await.unwrap();
    fixture.clock.advance(Duration::from_secs(3600));
    store.instance_failed(second.id, "gone".into()).await.unwrap();
    assert_eq!(store.setbacks_of(deployment.id).await.unwrap()[0].failures, 1);
    // Whoever scales asks for another try at once.
    let counts = BTreeMap::from([(ProcessType::web(), 2)]);
    store.scale(deployment.environment, counts, Actor::System).await.unwrap();
    assert!(place().await.is_some());
}

#[tokio::test]
async fn stopped_instances_are_forgotten_but_for_the_last_ones() {
    let fixture = Fixture::new();
    let app = fixture.app("shop").await;
    let under_way = fixture.deployment(&app).await;
    let store = &fixture.store;
    let one_off = store.ensure_one_off(under_way.id, "release".parse().unwrap()).await.unwrap();
    store.set_instance_state(one_off.id, InstanceState::Stopping).await.unwrap();
    store.set_instance_state(one_off.id, InstanceState::Stopped).await.unwrap();
    let deployment = fixture.serving(&app, 0).await;
    let mut stopped = Vec::new();
    for _ in 0..5 {
        fixture.clock.advance(Duration::from_secs(3600));
        let places = store.ensure_instances(deployment.id, ProcessType::web(), 1).await.unwrap();
        store.instance_failed(places[0].id, "no answer".into()).await.unwrap();
        store.set_instance_state(places[0].id, InstanceState::Stopped).await.unwrap();
        stopped.push(places[0].id);
    }
    assert_eq!(store.forget_stopped_instances(2).await.unwrap(), 3);
    let left = store.stopped_instances(deployment.environment, 100).await.unwrap();
    let left: Vec<_> = left.iter().map(|instance| instance.id).collect();
    assert_eq!(left, [stopped[4], stopped[3], one_off.id]);
    assert_eq!(store.forget_stopped_instances(0).await.unwrap(), 1, "the setback names the last");
    let setback = &store.setbacks_of(deployment.id).await.unwrap()[0];
    assert!(store.find_instance(setback.instance).await.unwrap().is_some());
}
