use super::*;

#[test]
fn a_run_in_a_concurrency_group_waits_for_its_place() {
    let mut run = Run::of(
        "
on: push
concurrency: { group: 'deploy-${{ github.ref }}', cancel-in-progress: true }
jobs: { a: { runs-on: linux, steps: [{ id: s, run: x }] } }
",
    );
    let records = run.give(&Input::Start).unwrap();
    let claim = Claim {
        job: None,
        group: "deploy-refs/heads/main".into(),
        cancel_in_progress: true,
        queue: crate::language::Queue::Single,
    };
    assert!(records.contains(&Record::GroupAsked { claim }));
    assert_eq!(run.state.status, RunStatus::Waiting);
    run.give(&Input::Granted { job: None }).unwrap();
    assert_eq!(run.give(&Input::Granted { job: None }), Err(Refused::Stale));
    assert_eq!(run.under_way(), ["a s"]);
    run.succeed("a s");
    assert!(run.effects.contains(&Effect::Release { job: None }));
}

#[test]
fn a_run_that_is_displaced_while_it_waits_ends() {
    let mut run = Run::started(
        "
on: push
concurrency: one
jobs: { a: { runs-on: linux, steps: [{ id: s, run: x }] } }
",
    );
    run.give(&Input::Displaced { job: None }).unwrap();
    assert_eq!(run.state.status, RunStatus::Cancelled);
}

const JOB: &str = "
on: push
jobs:
  a: { concurrency: prod, runs-on: linux, steps: [{ id: s, run: x }] }
  b: { runs-on: linux, steps: [{ id: s, run: x }] }
";

#[test]
fn a_job_in_a_concurrency_group_waits_while_others_go_on() {
    let mut run = Run::started(JOB);
    assert_eq!(run.under_way(), ["b s"]);
    assert_eq!(run.state.status, RunStatus::Running);
    run.succeed("b s");
    assert_eq!(run.state.status, RunStatus::Waiting);
    run.give(&Input::Granted { job: Some("a".into()) }).unwrap();
    run.succeed("a s");
    assert!(run.effects.contains(&Effect::Release { job: Some("a".into()) }));
    assert_eq!(run.state.status, RunStatus::Succeeded);
}

#[test]
fn a_job_that_is_displaced_is_cancelled_and_gives_its_place_back() {
    let mut run = Run::started(JOB);
    run.give(&Input::Granted { job: Some("a".into()) }).unwrap();
    run.give(&Input::Displaced { job: Some("a".into()) }).unwrap();
    assert_eq!(run.stops(), [("a s".to_owned(), false)]);
    run.report("a s", StepResult::cancelled());
    assert!(run.effects.contains(&Effect::Release { job: Some("a".into()) }));
    run.succeed("b s");
    assert_eq!(run.state.status, RunStatus::Cancelled);
}

#[test]
fn a_job_does_not_wait_for_the_group_of_its_own_run() {
    let mut run = Run::started(
        "
on: push
concurrency: Prod
jobs: { a: { concurrency: prod, runs-on: linux, steps: [{ id: s, run: x }] } }
",
    );
    run.give(&Input::Granted { job: None }).unwrap();
    assert_eq!(run.leg("a").failure.as_ref().unwrap().code, "concurrency");
    assert_eq!(run.state.status, RunStatus::Failed);
}
