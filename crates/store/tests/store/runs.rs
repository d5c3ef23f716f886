//! Runs across restarts and beside each other: groups, snapshots, and steps that are taken up too often.

use workflow::language::{Concurrency, Queue};

use super::*;

impl Fixture {
    async fn grouped(&self, app: &store::App, queue: Queue, cancel: bool) -> RunId {
        self.clock.advance(Duration::from_millis(1));
        let cancel_in_progress = cancel.then(|| template("true"));
        let mut run = new_run(app, None, RunId::generate(&*self.clock));
        let group = template("Deploy");
        run.definition.concurrency = Some(Concurrency { group, cancel_in_progress, queue });
        let run = self.store.create_run(run).await.unwrap().id;
        self.store.transition(run, Input::Start).await.unwrap();
        run
    }

    async fn status(&self, run: RunId) -> RunStatus {
        self.reopened().run(run).await.unwrap().status
    }

    async fn finish(&self, run: RunId) {
        self.store.transition(run, report("one", ok())).await.unwrap();
        self.store.transition(run, report("two", ok())).await.unwrap();
    }
}

#[tokio::test]
async fn a_group_has_one_run_at_a_time_and_a_newer_one_displaces_the_one_that_waits() {
    let fixture = Fixture::new();
    let app = fixture.app("shop").await;
    let first = fixture.grouped(&app, Queue::Single, false).await;
    let second = fixture.grouped(&app, Queue::Single, false).await;
    assert_eq!(fixture.status(first).await, RunStatus::Running);
    assert_eq!(fixture.status(second).await, RunStatus::Waiting);
    let third = fixture.grouped(&app, Queue::Single, false).await;
    assert_eq!(fixture.status(second).await, RunStatus::Cancelled);
    let other = fixture.app("other").await;
    let elsewhere = fixture.grouped(&other, Queue::Single, false).await;
    assert_eq!(fixture.status(elsewhere).await, RunStatus::Running, "groups are an app's own");
    fixture.finish(first).await;
    assert_eq!(fixture.status(third).await, RunStatus::Running);
    fixture.finish(third).await;
    assert_eq!(fixture.status(third).await, RunStatus::Succeeded);
}

#[tokio::test]
async fn who_may_queue_in_a_group_goes_first_come_first_served() {
    let fixture = Fixture::new();
    let app = fixture.app("shop").await;
    let mut runs = Vec::new();
    for _ in 0..4 {
        runs.push(fixture.grouped(&app, Queue::Max, false).await);
    }
    for run in runs {
        assert_eq!(fixture.status(run).await, RunStatus::Running);
        fixture.finish(run).await;
    }
}

#[tokio::test]
async fn a_run_in_progress_makes_room_for_one_that_says_so() {
    let fixture = Fixture::new();
    let app = fixture.app("shop").await;
    let first = fixture.grouped(&app, Queue::Single, false).await;
    let second = fixture.grouped(&app, Queue::Single, true).await;
    assert_eq!(fixture.status(second).await, RunStatus::Waiting, "the first still stops");
    let stops = fixture.store.pending_stops(0, 10).await.unwrap();
    assert_eq!((stops[0].run, stops[0].task.step.as_str()), (first, "one"));
    fixture.store.transition(first, report("one", StepResult::cancelled())).await.unwrap();
    assert_eq!(fixture.status(first).await, RunStatus::Cancelled);
    assert_eq!(fixture.status(second).await, RunStatus::Running);
    assert!(fixture.store.pending_stops(0, 10).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_long_run_goes_on_from_a_snapshot_and_the_records_after_it() {
    let fixture = Fixture::new();
    let app = fixture.app("shop").await;
    let mut run = new_run(&app, None, RunId::generate(&*fixture.clock));
    let steps: Vec<Step> = (0..90).map(|number| step(&format!("s{number}"))).collect();
    run.definition = definition(vec![job("only", steps)]);
    let run = fixture.store.create_run(run).await.unwrap().id;
    fixture.store.transition(run, Input::Start).await.unwrap();
    for number in 0..70 {
        fixture.store.transition(run, report(&format!("s{number}"), ok())).await.unwrap();
    }
    let state = fixture.reopened().run_state(run).await.unwrap();
    let journal = fixture.store.journal(run, 1).await.unwrap();
    assert_eq!(state.records() as usize, journal.len());
    assert!(journal.len() > 100, "there is a snapshot");
    let fresh = workflow::State::new(
        Arc::new(state.definition().clone()),
        Arc::new(state.context().clone()),
    );
    let replayed = journal.iter().fold(fresh, |mut state, entry| {
        state.apply(&entry.record);
        state
    });
    assert_eq!(state, replayed);
    let reopened = fixture.reopened();
    for number in 70..90 {
        reopened.transition(run, report(&format!("s{number}"), ok())).await.unwrap();
    }
    assert_eq!(fixture.status(run).await, RunStatus::Succeeded);
}

#[tokio::test]
async fn a_step_that_servers_do_not_outlive_is_named_and_one_that_runs_long_is_not() {
    let fixture = Fixture::new();
    let app = fixture.app("shop").await;
    let run = fixture.run(&app, None).await;
    fixture.store.transition(run, Input::Start).await.unwrap();
    for _ in 0..10 {
        // Each server lived for an hour.
        fixture.clock.advance(Duration::from_secs(3_600));
        assert!(fixture.store.take_up_tasks().await.unwrap().is_empty());
    }
    for _ in 0..4 {
        fixture.clock.advance(Duration::from_secs(1));
        assert!(fixture.store.take_up_tasks().await.unwrap().is_empty());
    }
    fixture.clock.advance(Duration::from_secs(1));
    let poison = fixture.store.take_up_tasks().await.unwrap();
    assert_eq!((poison[0].run, poison[0].task.step.as_str()), (run, "one"));
}

#[tokio::test]
async fn what_is_forced_to_stop_stays_in_the_outbox_until_somebody_did_it() {
    let fixture = Fixture::new();
    let app = fixture.app("shop").await;
    let run = fixture.run(&app, None).await;
    fixture.store.transition(run, Input::Start).await.unwrap();
    for _ in 0..2 {
        fixture.store.transition(run, Input::Cancel { by: Actor::System }).await.unwrap();
    }
    assert_eq!(fixture.status(run).await, RunStatus::Cancelled);
    assert!(fixture.store.pending_tasks(0, 10).await.unwrap().is_empty());
    let stops = fixture.reopened().pending_stops(0, 10).await.unwrap();
    assert!(stops[0].task.force);
    fixture.store.forget_effect(stops[0].id).await.unwrap();
    assert!(fixture.store.pending_stops(0, 10).await.unwrap().is_empty());
}
