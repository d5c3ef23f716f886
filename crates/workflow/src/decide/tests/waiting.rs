use super::*;
use crate::input::{Decision as Word, Signal, WaitTarget};
use crate::language::Work;

const APPROVE: &str = "
on: push
jobs:
  build: { runs-on: linux, steps: [{ id: s, run: x }] }
  prod:
    needs: build
    runs-on: solum
    steps:
      - { id: ask, uses: solum/approve, with: { from: 'role:operator, carol', count: 2, allow_author: false, timeout: 72h } }
      - { id: ship, uses: solum/deploy, with: { artifact: x } }
";

fn says(id: &str, who: &str, roles: &[&str], decision: Word) -> Input {
    Input::Signal(Signal {
        id: id.to_owned(),
        decision,
        actor: token(who),
        roles: roles.iter().map(|&role| role.to_owned()).collect(),
        target: None,
        comment: None,
    })
}

fn approves(id: &str, who: &str) -> Input {
    says(id, who, &["operator"], Word::Approve)
}

fn waiting() -> Run {
    let mut run = Run::started(APPROVE);
    run.succeed("build s");
    assert_eq!(run.state.status, RunStatus::Waiting);
    run
}

#[test]
fn a_run_waits_until_enough_people_who_may_have_approved() {
    let mut run = waiting();
    assert_eq!(run.timers().pop().unwrap(), (259_200, "prod ask".into(), TimerKind::Deadline));
    let refused = |result| matches!(result, Err(Refused::NotAllowed { .. }));
    assert!(refused(run.give(&says("1", "mallory", &["viewer"], Word::Approve))));
    assert!(refused(run.give(&approves("2", "alice"))), "the author does not count");
    run.give(&approves("3", "bob")).unwrap();
    assert_eq!(run.give(&approves("3", "bob")), Err(Refused::Duplicate));
    assert_eq!(
        run.give(&approves("4", "bob")),
        Err(Refused::ApprovedAlready { actor: token("bob") })
    );
    assert_eq!(run.state.status, RunStatus::Waiting);
    run.give(&says("5", "carol", &[], Word::Approve)).unwrap();
    assert_eq!(run.under_way(), ["prod ship"]);
    assert_eq!(run.state.status, RunStatus::Running);
    assert_eq!(run.step("prod ask").produced.outputs["approved_by"], "bob, carol");
}

const GATED: &str = r#"
on: push
jobs:
  prod:
    runs-on: linux
    environment: "${{ github.event_name == 'push' && 'prod' }}"
    steps:
      - { id: ask, uses: solum/approve }
      - { id: other, uses: solum/approve }
      - { id: ship, run: x }
      - { id: always, if: always(), run: x }
      - { id: failure, if: failure(), run: x }
"#;

/// A run whose first two steps let its job into `prod` and into `stage`.
fn gated() -> Run {
    let mut definition = read(GATED, &[]);
    let Work::Steps { steps, .. } = &mut definition.jobs[0].work else { panic!("it has steps") };
    steps[0].gate = Some("prod".to_owned());
    steps[1].gate = Some("stage".to_owned());
    let state = State::new(Arc::new(definition), Arc::new(context()));
    let (journal, effects, now) = (Vec::new(), Vec::new(), Timestamp::UNIX_EPOCH);
    let mut run = Run { state, journal, effects, now };
    run.start();
    run
}

#[test]
fn a_gate_that_is_passed_lets_the_job_in() {
    let mut run = gated();
    assert_eq!(run.state.status, RunStatus::Waiting);
    run.give(&approves("1", "bob")).unwrap();
    assert_eq!(run.under_way(), ["prod ship"]);
    assert_eq!(run.step("prod other").conclusion(), Some(Conclusion::Skipped), "it is for stage");
}

#[test]
fn no_condition_gets_around_a_gate_that_is_shut() {
    for shut in [says("1", "bob", &["operator"], Word::Reject), Input::Cancel { by: token("bob") }]
    {
        let mut run = gated();
        run.give(&shut).unwrap();
        assert_eq!(run.under_way(), Vec::<String>::new(), "{shut:?}");
        for step in ["prod ship", "prod always", "prod failure"] {
            assert_eq!(run.step(step).conclusion(), Some(Conclusion::Skipped), "{step}, {shut:?}");
        }
        assert!(run.state.status.is_terminal(), "{shut:?}");
    }
}

#[test]
fn an_approval_that_comes_before_the_wait_is_kept_for_it() {
    let mut run = Run::started(APPROVE);
    run.give(&approves("1", "bob")).unwrap();
    run.give(&approves("2", "alice")).unwrap();
    run.give(&approves("3", "dave")).unwrap();
    assert_eq!(run.give(&approves("1", "bob")), Err(Refused::Duplicate));
    run.succeed("build s");
    assert_eq!(run.under_way(), ["prod ship"], "bob and dave count, the author does not");
}

#[test]
fn one_rejection_by_somebody_who_may_fails_the_step() {
    let mut run = waiting();
    run.give(&approves("1", "bob")).unwrap();
    run.give(&says("2", "dave", &["operator"], Word::Reject)).unwrap();
    assert_eq!(run.step_failure("prod ask").code, "rejected");
    assert_eq!(run.state.status, RunStatus::Failed);
    assert!(matches!(run.give(&approves("3", "erin")), Err(Refused::Ended { .. })));
}

#[test]
fn of_approval_timeout_and_cancel_the_first_wins() {
    let mut run = waiting();
    run.fire("prod ask", TimerKind::Deadline).unwrap();
    assert_eq!(run.step_failure("prod ask").code, "timeout");
    assert_eq!(run.state.status, RunStatus::Failed);

    let mut run = waiting();
    run.cancel();
    assert_eq!(run.state.status, RunStatus::Cancelled);

    let mut run = waiting();
    run.give(&approves("1", "bob")).unwrap();
    run.give(&approves("2", "dave")).unwrap();
    assert!(run.fire("prod ask", TimerKind::Deadline).is_err());
    assert_eq!(run.under_way(), ["prod ship"]);
}

#[test]
fn a_late_word_and_one_that_nothing_waits_for_are_refused() {
    let mut run = waiting();
    run.give(&approves("1", "bob")).unwrap();
    run.give(&approves("2", "dave")).unwrap();
    let Input::Signal(signal) = approves("3", "erin") else { unreachable!() };
    let target = Some(WaitTarget { job: "prod".into(), step: Some("ask".into()) });
    assert_eq!(run.give(&Input::Signal(Signal { target, ..signal })), Err(Refused::Stale));
    let mut plain =
        Run::started("on: push\njobs: { a: { runs-on: linux, steps: [{ id: s, run: x }] } }");
    assert_eq!(plain.give(&approves("1", "bob")), Err(Refused::NothingToApprove));
}

#[test]
fn the_inbox_is_bounded() {
    let mut run = Run::started(APPROVE);
    for number in 0..crate::limits::MAX_PARKED {
        run.give(&approves(&number.to_string(), "bob")).unwrap();
    }
    assert_eq!(run.give(&approves("one more", "bob")), Err(Refused::InboxFull));
}

fn approves_of(id: &str, who: &str, job: &str, step: Option<&str>) -> Input {
    let Input::Signal(signal) = approves(id, who) else { unreachable!() };
    let target = Some(WaitTarget { job: job.into(), step: step.map(str::to_owned) });
    Input::Signal(Signal { target, ..signal })
}

#[test]
fn what_nothing_will_ever_hear_is_not_kept() {
    let mut run = Run::started(APPROVE);
    let unknown = Refused::UnknownJob { job: "porduction".into() };
    assert_eq!(run.give(&approves_of("1", "bob", "porduction", None)), Err(unknown));
    let nothing = Err(Refused::NothingToApprove);
    assert_eq!(run.give(&approves_of("2", "bob", "build", None)), nothing);
    assert_eq!(run.give(&approves_of("3", "bob", "prod", Some("ship"))), Err(Refused::Stale));
    run.give(&approves_of("4", "bob", "prod", Some("ask"))).unwrap();
    run.succeed("build s");
    run.give(&approves_of("5", "dave", "prod", None)).unwrap();
    assert_eq!(run.under_way(), ["prod ship"]);
    assert_eq!(run.give(&approves("6", "erin")), Err(Refused::Stale), "all is decided");
}

#[test]
fn a_word_for_a_job_that_was_skipped_is_too_late() {
    let text = "
on: push
jobs:
  a: { runs-on: linux, steps: [{ id: s, run: x }] }
  b: { if: false, runs-on: solum, steps: [{ id: ask, uses: solum/approve }] }
";
    let mut run = Run::started(text);
    assert_eq!(run.give(&approves_of("1", "bob", "b", None)), Err(Refused::Stale));
    assert_eq!(run.give(&approves("2", "bob")), Err(Refused::Stale));
}

#[test]
fn a_job_means_any_of_its_legs() {
    let text = "
on: push
jobs:
  a: { runs-on: linux, steps: [{ id: s, run: x }] }
  b:
    needs: a
    strategy: { matrix: { region: [eu, us] } }
    runs-on: solum
    steps: [{ id: ask, uses: solum/approve }]
";
    let mut run = Run::started(text);
    run.give(&approves_of("1", "bob", "b.1", None)).unwrap();
    run.succeed("a s");
    assert_eq!(run.step("b.1 ask").conclusion(), Some(crate::record::Conclusion::Success));
    assert_eq!(run.give(&approves_of("2", "bob", "b.1", None)), Err(Refused::Stale));
    run.give(&approves_of("3", "bob", "b", None)).unwrap();
    assert_eq!(run.state.status, RunStatus::Succeeded);
}
