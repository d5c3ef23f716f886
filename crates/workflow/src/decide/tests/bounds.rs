use super::*;

#[test]
fn outputs_of_a_step_that_are_too_large_fail_it() {
    let mut run =
        Run::started("on: push\njobs: { a: { runs-on: linux, steps: [{ id: s, run: x }] } }");
    let large = "x".repeat(crate::limits::MAX_PRODUCED_BYTES);
    run.succeed_with("a s", &[("large", &large)]);
    assert_eq!(run.step_failure("a s").code, "outputs_too_large");
    assert_eq!(run.state.status, RunStatus::Failed);
}

#[test]
fn a_run_whose_journal_grows_too_long_fails_in_words_and_stops_what_is_under_way() {
    let legs = (0..40).map(|n| n.to_string()).collect::<Vec<_>>().join(", ");
    let steps = "{ if: false, run: x }, ".repeat(300);
    let mut run = Run::started(&format!(
        "
on: push
jobs:
  first: {{ runs-on: linux, steps: [{{ id: s, run: x }}] }}
  other: {{ runs-on: linux, steps: [{{ id: s, run: x }}] }}
  many: {{ needs: first, runs-on: linux, strategy: {{ matrix: {{ n: [{legs}] }} }}, steps: [{steps}] }}
"
    ));
    run.succeed("first s");
    assert_eq!(run.state.status, RunStatus::Failed);
    assert_eq!(run.state.failure.as_ref().unwrap().code, "journal_too_long");
    assert!(run.stops().contains(&("other s".to_owned(), true)));
    assert!(run.state.records() <= MAX_RECORDS + 2);
}

#[test]
fn a_decision_does_not_copy_what_it_does_not_change() {
    let mut run = Run::started(
        "
on: push
jobs:
  a: { runs-on: linux, steps: [{ id: s, run: x }] }
  b: { runs-on: linux, steps: [{ id: s, run: x }, { id: t, run: x }] }
",
    );
    let before: *const LegState = run.leg("a");
    let records = decide(
        &run.state,
        &Input::Report {
            job: "b".into(),
            step: "s".into(),
            attempt: 1,
            result: StepResult::succeeded(BTreeMap::new()),
        },
        Timestamp::UNIX_EPOCH,
    );
    let kept = run.state.clone();
    records.unwrap().iter().for_each(|record| run.state.apply(record));
    assert_eq!(before, std::ptr::from_ref(run.leg("a")), "`a` is shared with the state before");
    assert_eq!(before, std::ptr::from_ref(kept.leg("a").unwrap()));
}
