//! Changes and their queues: whose turn it is, and what lands.

use super::*;

#[tokio::test]
async fn a_queue_gives_one_run_at_a_time_oldest_first() {
    let fixture = Fixture::new();
    let app = fixture.app("shop").await;
    let first = fixture.run(&app, Some("main")).await;
    let second = fixture.run(&app, Some("main")).await;
    let other = fixture.run(&app, Some("else")).await;
    let heads = |store: Store| async move {
        store.queue_heads().await.unwrap().into_iter().map(|head| head.run).collect::<Vec<_>>()
    };
    assert_eq!(heads(fixture.store.clone()).await, [first, other]);
    fixture.store.transition(first, Input::Start).await.unwrap();
    assert_eq!(heads(fixture.store.clone()).await, [other]);
    assert_eq!(fixture.store.run_ahead_of(second).await.unwrap().unwrap().id, first);
    fixture.store.transition(first, Input::Cancel { by: Actor::System }).await.unwrap();
    fixture.store.transition(first, report("one", StepResult::cancelled())).await.unwrap();
    assert_eq!(heads(fixture.store.clone()).await, [second, other]);
}

#[tokio::test]
async fn a_change_lands_once_or_is_refused_with_its_run() {
    let fixture = Fixture::new();
    let app = fixture.app("shop").await;
    let push = || push(&app, 1);
    let (landed, runs) = fixture.store.record_push(push()).await.unwrap();
    let run = &runs[0];
    assert_eq!((landed.number, landed.state), (1, ChangeState::Queued));
    fixture.store.transition(run.id, Input::Start).await.unwrap();
    for _ in 0..2 {
        fixture.store.land_change(landed.id, "release".into()).await.unwrap();
    }
    fixture.store.transition(run.id, report("one", ok())).await.unwrap();
    fixture.store.transition(run.id, report("two", ok())).await.unwrap();
    let landed = fixture.store.change_of_run(run.id).await.unwrap().unwrap();
    assert_eq!(landed.state, ChangeState::Landed);
    assert_eq!(fixture.store.app_by_id(app.id).await.unwrap().deploy_branch, "release");

    let (refused, runs) = fixture.store.record_push(push()).await.unwrap();
    let run = &runs[0];
    assert_eq!(refused.number, 2);
    fixture.store.transition(run.id, Input::Refuse { failure: failure() }).await.unwrap();
    let refused = fixture.store.change_of_run(run.id).await.unwrap().unwrap();
    assert_eq!(refused.state, ChangeState::Refused);
}

#[tokio::test]
async fn a_change_without_a_deployment_may_land_when_all_of_its_runs_have_succeeded() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    let app = fixture.app("shop").await;
    let (change, runs) = store.record_push(push(&app, 2)).await.unwrap();
    let (empty, none) = store.record_push(push(&app, 0)).await.unwrap();
    assert!(none.is_empty());
    let to_land = || async { store.changes_to_land().await.unwrap() };
    for run in &runs {
        assert_eq!(to_land().await, [], "one of its runs has not succeeded yet");
        store.transition(run.id, Input::Start).await.unwrap();
        store.transition(run.id, report("one", ok())).await.unwrap();
        store.transition(run.id, report("two", ok())).await.unwrap();
    }
    let ids: Vec<_> = to_land().await.into_iter().map(|change| change.id).collect();
    assert_eq!(ids, [change.id], "the one after it waits for it");
    store.land_change(change.id, "main".into()).await.unwrap();
    assert_eq!(to_land().await[0].id, empty.id);
    store.refuse_change(empty.id).await.unwrap();
    store.refuse_change(change.id).await.unwrap();
    assert_eq!(to_land().await, []);
    let state = |id| async move { store.change(id).await.unwrap().unwrap().state };
    assert_eq!(state(change.id).await, ChangeState::Landed);
    assert_eq!(state(empty.id).await, ChangeState::Refused);
}

#[tokio::test]
async fn a_change_is_refused_when_its_last_run_ends_and_one_has_failed() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    let app = fixture.app("shop").await;
    let (change, runs) = store.record_push(push(&app, 2)).await.unwrap();
    let (_, next) = store.record_push(push(&app, 1)).await.unwrap();
    let heads = || async {
        let heads = store.queue_heads().await.unwrap().into_iter();
        heads.map(|head| head.run).collect::<std::collections::BTreeSet<_>>()
    };
    let both = runs.iter().map(|run| run.id).collect();
    assert_eq!(heads().await, both, "the runs of one change start side by side");
    store.transition(runs[0].id, Input::Refuse { failure: failure() }).await.unwrap();
    let state = || async { store.change(change.id).await.unwrap().unwrap().state };
    assert_eq!(state().await, ChangeState::Queued);
    assert_eq!(heads().await, [runs[1].id].into());
    store.transition(runs[1].id, Input::Start).await.unwrap();
    store.transition(runs[1].id, report("one", ok())).await.unwrap();
    assert_eq!(heads().await, [].into());
    store.transition(runs[1].id, report("two", ok())).await.unwrap();
    assert_eq!(state().await, ChangeState::Refused);
    assert_eq!(heads().await, [next[0].id].into());
}

#[tokio::test]
async fn who_waits_for_people_after_landing_holds_nobody_up() {
    let fixture = Fixture::new();
    let store = &fixture.store;
    let app = fixture.app("shop").await;
    let mut asks = push(&app, 1);
    asks.runs[0].definition = definition(vec![job("only", vec![step("solum/approve")])]);
    let (change, runs) = store.record_push(asks).await.unwrap();
    let (_, next) = store.record_push(push(&app, 1)).await.unwrap();
    let heads = || async {
        store.queue_heads().await.unwrap().into_iter().map(|head| head.run).collect::<Vec<_>>()
    };
    let waiting = store.transition(runs[0].id, Input::Start).await.unwrap();
    assert_eq!(waiting.status, RunStatus::Waiting);
    assert_eq!(heads().await, [], "its change has not landed");
    assert_eq!(store.run_ahead_of(next[0].id).await.unwrap().unwrap().id, runs[0].id);
    store.land_change(change.id, "main".into()).await.unwrap();
    assert_eq!(heads().await, [next[0].id]);
    assert!(store.run_ahead_of(next[0].id).await.unwrap().is_none());
}
