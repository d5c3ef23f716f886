use super::*;

const TWO: &str = "
on: push
jobs:
  a:
    runs-on: linux
    steps:
      - { id: one, run: x }
      - { id: two, run: x }
      - { id: tidy, if: always(), run: x }
      - { id: note, if: cancelled(), run: x }
      - { id: rescue, if: failure(), run: x }
  b: { needs: a, runs-on: linux, steps: [{ id: s, run: x }] }
  c: { needs: a, if: always(), runs-on: linux, steps: [{ id: s, run: x }] }
";

#[test]
fn a_cancelled_run_stops_what_is_under_way_and_still_does_what_asks_for_it() {
    let mut run = Run::started(TWO);
    run.cancel();
    assert_eq!(run.stops(), [("a one".to_owned(), false)]);
    run.report("a one", StepResult::cancelled());
    assert_eq!(run.under_way(), ["a tidy"]);
    run.succeed("a tidy");
    run.succeed("a note");
    assert_eq!(run.step("a two").outcome(), Some(Conclusion::Cancelled));
    assert_eq!(run.step("a rescue").outcome(), Some(Conclusion::Skipped));
    assert_eq!(run.conclusion("a"), Some(Conclusion::Cancelled));
    assert_eq!(run.why("b"), "`a`, which it needs, was cancelled");
    assert_eq!(run.under_way(), ["c s"]);
    run.succeed("c s");
    assert_eq!(run.state.status, RunStatus::Cancelled);
}

#[test]
fn a_second_cancel_waits_for_nothing() {
    let mut run = Run::started(TWO);
    run.cancel();
    run.stops();
    run.cancel();
    assert_eq!(run.state.status, RunStatus::Cancelled);
    assert_eq!(run.stops(), [("a one".to_owned(), true)]);
    let again = Input::Cancel { by: token("alice") };
    assert_eq!(run.give(&again), Err(Refused::Ended { status: RunStatus::Cancelled }));
}

#[test]
fn a_cancelled_run_in_the_queue_ends_at_once() {
    let mut run = Run::of(TWO);
    run.cancel();
    assert_eq!(run.state.status, RunStatus::Cancelled);
    assert!(run.give(&Input::Start).is_err());
}

#[test]
fn a_cancel_that_comes_after_the_last_step_succeeded_changes_nothing() {
    let mut run =
        Run::started("on: push\njobs: { a: { runs-on: linux, steps: [{ id: s, run: x }] } }");
    run.cancel();
    run.succeed("a s");
    assert_eq!(run.state.status, RunStatus::Succeeded);
}

#[test]
fn a_cancel_ends_a_step_that_waits_for_its_next_attempt() {
    let mut run = Run::started(
        "
on: push
jobs:
  a: { runs-on: linux, steps: [{ id: s, run: x, retry: { attempts: 2, backoff: 60s } }] }
",
    );
    run.report("a s", StepResult::failed(failure(true)));
    run.cancel();
    assert_eq!(run.state.status, RunStatus::Cancelled);
}

#[test]
fn a_running_job_whose_condition_still_holds_goes_on() {
    let mut run = Run::started(
        "
on: push
jobs:
  a: { runs-on: linux, steps: [{ id: s, run: x }] }
  b: { if: always(), runs-on: linux, steps: [{ id: s, run: x }, { id: t, run: x }] }
",
    );
    run.cancel();
    assert_eq!(run.stops(), [("a s".to_owned(), false)]);
    run.report("a s", StepResult::cancelled());
    run.succeed("b s");
    run.succeed("b t");
    assert_eq!(run.conclusion("b"), Some(Conclusion::Success));
    assert_eq!(run.state.status, RunStatus::Cancelled);
}

#[test]
fn a_step_that_is_out_of_time_is_stopped_and_has_failed() {
    let mut run = Run::started(
        "
on: push
jobs:
  a:
    runs-on: linux
    steps:
      - { id: slow, run: x, timeout-minutes: 1 }
      - { id: rescue, if: failure(), run: x }
",
    );
    run.fire("a slow", TimerKind::Deadline).unwrap();
    assert!(run.fire("a slow", TimerKind::Deadline).is_err(), "a second firing touches nothing");
    assert_eq!(run.stops(), [("a slow".to_owned(), false)]);
    run.report("a slow", StepResult::cancelled());
    assert_eq!(run.step_failure("a slow").code, "timeout");
    assert_eq!(run.under_way(), ["a rescue"]);
}

#[test]
fn a_job_that_is_out_of_time_is_cancelled_and_the_run_has_failed() {
    let mut run = Run::started(
        "
on: push
jobs:
  a:
    runs-on: linux
    timeout-minutes: 1
    steps: [{ id: slow, run: x }, { id: tidy, if: always(), run: x }]
",
    );
    run.fire("a", TimerKind::Deadline).unwrap();
    assert!(run.fire("a", TimerKind::Deadline).is_err());
    run.report("a slow", StepResult::cancelled());
    run.succeed("a tidy");
    assert_eq!(run.conclusion("a"), Some(Conclusion::Cancelled));
    assert_eq!(run.state.status, RunStatus::Failed);
}
