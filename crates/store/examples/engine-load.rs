//! The engine under load: runs of steps that do nothing, each of which leaves through the outbox to another task and whose
//! result is on the disk before the next one begins. Prints one line of JSON.
//!
//! `engine-load DIRECTORY STEPS IN_FLIGHT RUNS`: a database in the directory, made if it is not there.
//! `engine-load DIRECTORY queued RUNS`: so many runs wait in one queue; how long it takes to find the one whose turn it is.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement, not the product")]

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use store::{CreateApp, NewRun, Store, Topic};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinSet;
use types::{Actor, AppId, RunId, SystemClock, Transition as _};
use workflow::language::{Definition, Reading, Sources, read};
use workflow::{Input, RunContext, StepResult};

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    if let [_, directory, queued, runs] = &arguments[..] {
        assert_eq!(queued, "queued");
        return runtime.block_on(wait_in_line(Path::new(directory), runs.parse().unwrap()));
    }
    let [_, directory, steps, in_flight, runs] = &arguments[..] else {
        panic!("engine-load DIRECTORY STEPS IN_FLIGHT RUNS");
    };
    let plan = Plan {
        steps: steps.parse().unwrap(),
        in_flight: in_flight.parse().unwrap(),
        runs: runs.parse().unwrap(),
    };
    runtime.block_on(measure(Path::new(directory), plan));
}

#[derive(Clone, Copy)]
struct Plan {
    steps: usize,
    in_flight: usize,
    runs: usize,
}

/// Who waits for the end of a run.
type Waiting = Arc<Mutex<HashMap<RunId, oneshot::Sender<()>>>>;

async fn measure(directory: &Path, plan: Plan) {
    // Refused if the journal is not write-ahead, or commits are not synced.
    let store = Store::open(&directory.join("solum.db"), Arc::new(SystemClock)).unwrap();
    let app = app(&store).await;
    let definition = definition(plan.steps);
    let waiting = Waiting::default();
    let mut worker = JoinSet::new();
    worker.spawn(work(store.clone(), Arc::clone(&waiting)));
    let places = Arc::new(Semaphore::new(plan.in_flight));
    let started = Instant::now();
    let mut runs = JoinSet::new();
    for _ in 0..plan.runs {
        let place = Arc::clone(&places).acquire_owned().await.unwrap();
        let (store, definition, waiting) =
            (store.clone(), definition.clone(), Arc::clone(&waiting));
        runs.spawn(async move {
            let began = Instant::now();
            run(&store, app, definition, &waiting).await;
            drop(place);
            began.elapsed()
        });
    }
    let lapses = runs.join_all().await;
    let whole = started.elapsed();
    print(plan, lapses, whole);
}

async fn app(store: &Store) -> AppId {
    if let Some(app) = store.apps().await.unwrap().first() {
        return app.id;
    }
    let new = CreateApp {
        name: "load".parse().unwrap(),
        default_branch: "main".to_owned(),
        host: "load-dev.localhost".parse().unwrap(),
        environment: types::EnvironmentName::dev(),
        actor: Actor::System,
    };
    store.create_app(new).await.unwrap().id
}

fn definition(steps: usize) -> Definition {
    let step = "      - uses: solum/test\n";
    let text =
        format!("on: push\njobs:\n  only:\n    runs-on: solum\n    steps:\n{}", step.repeat(steps));
    match read("load.yml", &text, &Sources::default()) {
        Reading::Read(workflow) => workflow.definition,
        other => panic!("{other:?}"),
    }
}

fn new_run(app: AppId, definition: Definition, queue: Option<&str>) -> NewRun {
    NewRun {
        id: RunId::generate(&SystemClock),
        app,
        definition,
        context: RunContext::default(),
        carried_over: Vec::new(),
        attempt: 1,
        retry_of: None,
        queue: queue.map(str::to_owned),
        commit: None,
        title: "load".to_owned(),
        actor: Actor::System,
    }
}

async fn wait_in_line(directory: &Path, runs: usize) {
    let store = Store::open(&directory.join("solum.db"), Arc::new(SystemClock)).unwrap();
    let app = app(&store).await;
    let definition = definition(1);
    let places = Arc::new(Semaphore::new(512));
    let mut all = JoinSet::new();
    for _ in 0..runs {
        let place = Arc::clone(&places).acquire_owned().await.unwrap();
        while all.try_join_next().is_some() {}
        let (store, new) = (store.clone(), new_run(app, definition.clone(), Some("main")));
        all.spawn(async move {
            store.create_run(new).await.unwrap();
            drop(place);
        });
    }
    all.join_all().await;
    let mut lapses = Vec::new();
    for _ in 0..101 {
        let began = Instant::now();
        let heads = store.queue_heads().await.unwrap();
        lapses.push(began.elapsed());
        assert_eq!(heads.len(), 1);
    }
    print(Plan { steps: 0, in_flight: 1, runs: lapses.len() }, lapses, Duration::from_secs(1));
}

async fn run(store: &Store, app: AppId, definition: Definition, waiting: &Waiting) {
    let new = new_run(app, definition, None);
    let id = new.id;
    let (ended, end) = oneshot::channel();
    waiting.lock().unwrap().insert(id, ended);
    store.create_run(new).await.unwrap();
    store.transition(id, Input::Start).await.unwrap();
    end.await.unwrap();
}

/// Takes each task from the outbox to a task of its own, as the control plane does.
async fn work(store: Store, waiting: Waiting) {
    let mut wake = store.subscribe(Topic::Outbox);
    let mut last = 0;
    let mut tasks_under_way = JoinSet::new();
    loop {
        let tasks = store.pending_tasks(last, 256).await.unwrap();
        let more = tasks.len() == 256;
        for task in tasks {
            last = last.max(task.id);
            let (store, waiting) = (store.clone(), Arc::clone(&waiting));
            while tasks_under_way.try_join_next().is_some() {}
            tasks_under_way.spawn(async move {
                let (run, task) = (task.run, task.task);
                let result = StepResult::succeeded([].into());
                let input =
                    Input::Report { job: task.job, step: task.step, attempt: task.attempt, result };
                let transition = store.transition(run, input).await.unwrap();
                if transition.status.is_terminal()
                    && let Some(ended) = waiting.lock().unwrap().remove(&run)
                {
                    let _ = ended.send(());
                }
            });
        }
        if !more {
            wake.changed().await;
        }
    }
}

fn print(plan: Plan, mut lapses: Vec<Duration>, whole: Duration) {
    lapses.sort();
    let at = |share: usize| lapses[(lapses.len() - 1) * share / 100].as_secs_f64() * 1000.0;
    let rate = plan.runs as f64 / whole.as_secs_f64();
    println!(
        "{{\"p50_ms\":{:.3},\"p99_ms\":{:.3},\"runs_per_s\":{rate:.1},\"steps_per_s\":{:.1},\"rss_mib\":{:.1}}}",
        at(50),
        at(99),
        rate * plan.steps as f64,
        resident_mebibytes()
    );
}

fn resident_mebibytes() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
}
