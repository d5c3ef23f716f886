use super::*;

const DELIVER: &str = "
on: push
jobs:
  dev:
    needs: build
    runs-on: solum
    steps:
      - { id: deploy, uses: solum/deploy, with: { artifact: '${{ needs.build.outputs.artifact }}' } }
  build:
    needs: test
    runs-on: linux
    outputs: { artifact: '${{ steps.pack.outputs.artifact }}' }
    steps:
      - { id: compile, run: make }
      - { id: pack, run: make pack }
  test:
    runs-on: linux
    steps:
      - { id: test, run: make test }
";

#[test]
fn jobs_run_in_the_order_of_their_needs_and_hand_outputs_on() {
    let mut run = Run::started(DELIVER);
    assert_eq!(run.under_way(), ["test test"]);
    run.succeed("test test");
    assert_eq!(run.under_way(), ["build compile"]);
    run.succeed("build compile");
    run.succeed_with("build pack", &[("artifact", "sha256:1")]);
    assert_eq!(run.under_way(), ["dev deploy"]);
    let task = run.task("dev deploy");
    assert_eq!(task.uses, "solum/deploy");
    let view = crate::StepView::of(&run.state, &task).unwrap();
    assert_eq!(view.inputs(&crate::NothingLate).unwrap()["artifact"], "sha256:1");
    run.succeed("dev deploy");
    assert_eq!(run.state.status, RunStatus::Succeeded);
}

#[test]
fn what_holds_a_secret_stays_in_its_job() {
    let mut run = Run::started(DELIVER);
    run.succeed("test test");
    run.succeed("build compile");
    let sealed = format!("at {}0123", crate::SEALED);
    run.succeed_with("build pack", &[("artifact", &sealed)]);
    assert_eq!(run.leg("build").outputs, BTreeMap::new());
    let view = crate::StepView::of(&run.state, &run.task("dev deploy")).unwrap();
    assert_eq!(view.inputs(&crate::NothingLate).unwrap()["artifact"], "");
}

#[test]
fn a_failed_job_skips_what_needs_it_and_fails_the_run() {
    let mut run = Run::started(DELIVER);
    run.fail("test test");
    assert_eq!(run.state.status, RunStatus::Failed);
    assert_eq!(run.why("build"), "`test`, which it needs, failed");
    assert_eq!(run.why("dev"), "`build`, which it needs, was skipped");
}

#[test]
fn independent_jobs_run_side_by_side() {
    let mut run = Run::started(
        "
on: push
jobs:
  a: { runs-on: linux, steps: [{ id: s, run: x }] }
  b: { runs-on: linux, steps: [{ id: s, run: x }] }
  c: { needs: [a, b], runs-on: linux, steps: [{ id: s, run: x }] }
",
    );
    assert_eq!(run.under_way(), ["a s", "b s"]);
    run.succeed("a s");
    assert_eq!(run.under_way(), ["b s"]);
    run.succeed("b s");
    assert_eq!(run.under_way(), ["c s"]);
}

#[test]
fn a_stale_or_repeated_report_is_refused() {
    let mut run = Run::started(DELIVER);
    let report = |step: &str, attempt| Input::Report {
        job: "test".into(),
        step: step.into(),
        attempt,
        result: StepResult::succeeded(BTreeMap::new()),
    };
    assert!(matches!(run.give(&report("test", 2)), Err(Refused::StaleAttempt { attempt: 2, .. })));
    run.succeed("test test");
    assert!(matches!(run.give(&report("test", 1)), Err(Refused::StaleAttempt { .. })));
    assert!(matches!(run.give(&report("nothing", 1)), Err(Refused::UnknownStep { .. })));
}

#[test]
fn a_step_is_tried_again_after_its_backoff_and_an_older_attempt_no_longer_counts() {
    let mut run = Run::started(
        "
on: push
jobs:
  only:
    runs-on: linux
    steps: [{ id: flaky, run: x, retry: { attempts: 3, backoff: 10s } }]
",
    );
    run.timers();
    run.report("only flaky", StepResult::failed(failure(true)));
    assert_eq!(run.timers(), [(10, "only flaky".into(), TimerKind::Backoff)]);
    run.fire("only flaky", TimerKind::Backoff).unwrap();
    assert!(run.fire("only flaky", TimerKind::Backoff).is_err(), "a second firing touches nothing");
    let old = Input::Report {
        job: "only".into(),
        step: "flaky".into(),
        attempt: 1,
        result: StepResult::succeeded(BTreeMap::new()),
    };
    assert!(run.give(&old).is_err(), "attempt 1 is over");
    run.report("only flaky", StepResult::failed(failure(true)));
    assert_eq!(run.timers(), [(20, "only flaky".into(), TimerKind::Backoff)]);
    run.fire("only flaky", TimerKind::Backoff).unwrap();
    run.report("only flaky", StepResult::failed(failure(true)));
    assert_eq!(run.state.status, RunStatus::Failed);
}

#[test]
fn a_failure_that_cannot_end_otherwise_is_not_tried_again() {
    let mut run = Run::started(
        "
on: push
jobs:
  only:
    runs-on: linux
    steps: [{ id: once, run: x, retry: { attempts: 3, backoff: 10s } }]
",
    );
    run.fail("only once");
    assert_eq!(run.state.status, RunStatus::Failed);
}

#[test]
fn a_refused_run_fails_without_having_started() {
    let mut run = Run::of(DELIVER);
    run.give(&Input::Refuse { failure: failure(false) }).unwrap();
    assert_eq!(run.state.status, RunStatus::Failed);
    assert_eq!(run.state.failure, Some(failure(false)));
    assert!(run.under_way().is_empty());
}

#[test]
fn a_job_in_a_box_has_six_hours_unless_it_says_otherwise() {
    let mut run = Run::started(
        "
on: push
jobs:
  boxed: { runs-on: linux, steps: [{ id: s, run: x }] }
  short: { runs-on: linux, timeout-minutes: 5, steps: [{ id: s, run: x, timeout-minutes: 2 }] }
  unboxed: { runs-on: solum, steps: [{ id: s, uses: solum/build }] }
",
    );
    let deadline = |seconds, name: &str| (seconds, name.to_owned(), TimerKind::Deadline);
    assert_eq!(
        run.timers(),
        [deadline(21_600, "boxed"), deadline(300, "short"), deadline(120, "short s")]
    );
}
