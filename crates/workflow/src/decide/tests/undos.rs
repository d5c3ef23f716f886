use super::*;

const SHIP: &str = "
on: push
jobs:
  a:
    runs-on: solum
    steps:
      - { id: one, uses: solum/deploy, with: { artifact: x }, undo: { uses: solum/rollback } }
      - { id: two, uses: solum/deploy, with: { artifact: y }, undo: { uses: solum/rollback } }
  b:
    needs: a
    runs-on: linux
    steps: [{ id: check, run: x }]
";

fn shipped() -> Run {
    let mut run = Run::started(SHIP);
    run.succeed("a one");
    run.succeed("a two");
    run
}

#[test]
fn what_succeeded_is_undone_in_reverse_order_when_the_run_fails() {
    let mut run = shipped();
    run.fail("b check");
    assert_eq!(run.state.status, RunStatus::Running, "it has not ended yet");
    assert_eq!(run.under_way(), ["a two:undo"]);
    assert_eq!(run.task("a two:undo").uses, "solum/rollback");
    run.fail("a two:undo");
    assert_eq!(run.under_way(), ["a one:undo"], "the rest is still undone");
    run.succeed("a one:undo");
    assert_eq!(run.state.status, RunStatus::Failed);
}

#[test]
fn nothing_is_undone_of_a_run_that_succeeded_or_was_cancelled() {
    let mut run = shipped();
    run.succeed("b check");
    assert_eq!(run.state.status, RunStatus::Succeeded);
    let mut run = shipped();
    run.cancel();
    run.report("b check", StepResult::cancelled());
    assert_eq!(run.state.status, RunStatus::Cancelled);
}

#[test]
fn what_was_undone_is_not_carried_over() {
    let mut run = shipped();
    run.fail("b check");
    run.succeed("a two:undo");
    run.succeed("a one:undo");
    assert!(crate::carried_over(&run.state).is_empty());
}
