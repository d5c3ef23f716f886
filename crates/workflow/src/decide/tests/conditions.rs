//! Which jobs and steps run, as GitHub has it.

use super::*;

/// `a`, then `b` with this condition, then `c`; `a` ends as it is told to.
fn chain(condition: &str, a_succeeds: bool) -> Run {
    let mut run = Run::started(&format!(
        "
on: push
jobs:
  a: {{ runs-on: linux, steps: [{{ id: s, run: x }}] }}
  b: {{ needs: a, if: \"{condition}\", runs-on: linux, steps: [{{ id: s, run: x }}] }}
  c: {{ needs: b, runs-on: linux, steps: [{{ id: s, run: x }}] }}
"
    ));
    if a_succeeds {
        run.succeed("a s")
    } else {
        run.fail("a s")
    }
    run
}

#[test]
fn a_job_is_skipped_after_a_failure_unless_its_condition_asks_how_things_stand() {
    let cases = [
        ("always()", false, true),
        ("failure()", false, true),
        ("failure()", true, false),
        ("!cancelled()", false, true),
        ("cancelled()", true, false),
        ("success()", false, false),
        ("github.ref == 'refs/heads/main'", true, true),
        ("github.ref == 'refs/heads/main'", false, false),
        ("needs.a.result == 'failure'", false, false),
        ("always() && needs.a.result == 'failure'", false, true),
        ("false", true, false),
    ];
    for (condition, a_succeeds, runs) in cases {
        let run = chain(condition, a_succeeds);
        let expected: &[&str] = if runs { &["b s"] } else { &[] };
        assert_eq!(run.under_way(), expected, "{condition}, a succeeds: {a_succeeds}");
    }
}

#[test]
fn success_is_over_the_whole_chain_of_needs() {
    let mut run = chain("always()", false);
    run.succeed("b s");
    assert_eq!(run.conclusion("c"), Some(Conclusion::Skipped));
    assert_eq!(run.why("c"), "`a`, which comes before what it needs, failed");
    assert_eq!(run.state.status, RunStatus::Failed);
}

#[test]
fn a_skipped_job_skips_what_comes_after_also_behind_one_that_ran() {
    let mut run = Run::started(
        "
on: push
jobs:
  a: { if: false, runs-on: linux, steps: [{ id: s, run: x }] }
  b: { needs: a, if: always(), runs-on: linux, steps: [{ id: s, run: x }] }
  c: { needs: b, runs-on: linux, steps: [{ id: s, run: x }] }
",
    );
    assert_eq!(run.why("a"), "its condition does not hold: false");
    run.succeed("b s");
    assert_eq!(run.conclusion("c"), Some(Conclusion::Skipped));
    assert_eq!(run.state.status, RunStatus::Succeeded);
}

#[test]
fn an_allowed_failure_of_a_job_is_a_success_for_others() {
    let mut run = Run::started(
        "
on: push
jobs:
  a: { continue-on-error: true, runs-on: linux, steps: [{ id: s, run: x }] }
  b: { needs: a, if: needs.a.result == 'success', runs-on: linux, steps: [{ id: s, run: x }] }
",
    );
    run.fail("a s");
    assert_eq!(run.leg("a").outcome(), Some(Conclusion::Failure));
    assert_eq!(run.conclusion("a"), Some(Conclusion::Success));
    assert_eq!(run.under_way(), ["b s"]);
    run.succeed("b s");
    assert_eq!(run.state.status, RunStatus::Succeeded);
}

#[test]
fn steps_after_a_failure_run_if_their_condition_says_so() {
    let mut run = Run::started(
        "
on: push
jobs:
  only:
    runs-on: linux
    steps:
      - { id: one, run: x }
      - { id: two, run: x }
      - { id: rescue, if: failure(), run: x }
      - { id: good, if: success(), run: x }
      - { id: last, if: always() && steps.one.outcome == 'failure', run: x }
",
    );
    run.fail("only one");
    assert_eq!(run.under_way(), ["only rescue"]);
    run.succeed("only rescue");
    assert_eq!(run.under_way(), ["only last"]);
    run.succeed("only last");
    assert_eq!(run.step("only two").outcome(), Some(Conclusion::Skipped));
    assert_eq!(run.step("only good").outcome(), Some(Conclusion::Skipped));
    assert_eq!(run.state.status, RunStatus::Failed);
}

#[test]
fn an_allowed_failure_of_a_step_has_an_outcome_and_a_conclusion() {
    let mut run = Run::started(
        "
on: push
jobs:
  only:
    runs-on: linux
    steps:
      - { id: one, run: x, continue-on-error: true }
      - { id: two, if: steps.one.outcome == 'failure' && steps.one.conclusion == 'success', run: x }
",
    );
    run.fail("only one");
    assert_eq!(run.under_way(), ["only two"]);
    run.succeed("only two");
    assert_eq!(run.state.status, RunStatus::Succeeded);
}

#[test]
fn a_condition_sees_the_contexts_of_its_place() {
    let mut run = Run::started(
        "
on: { workflow_dispatch: { inputs: { target: { type: string } } } }
env: { WHERE: workflow }
jobs:
  only:
    runs-on: linux
    environment: prod
    env: { WHERE: job, JOB: '1' }
    steps:
      - { id: one, if: env.WHERE == 'job' && vars.COLOUR == 'blue' && runner.os == 'linux', run: x }
      - { id: two, if: env.WHERE == 'step' && env.FROM_ONE == 'yes', env: { WHERE: step }, run: x }
      - { id: three, if: inputs.target == 'prod' && github.job == 'only' && solum.actor == 'alice', run: x }
",
    );
    let env = [("FROM_ONE".to_owned(), "yes".to_owned())].into();
    assert_eq!(run.under_way(), ["only one"]);
    run.report(
        "only one",
        StepResult::Succeeded { produced: Produced { env, ..Produced::default() } },
    );
    assert_eq!(run.under_way(), ["only two"]);
    run.succeed("only two");
    assert_eq!(run.under_way(), ["only three"]);
}

#[test]
fn a_condition_that_needs_files_or_secrets_is_left_to_whoever_carries_the_step_out() {
    let mut run = Run::started(
        "
on: push
env: { KEY: '${{ secrets.KEY }}' }
jobs:
  only:
    runs-on: linux
    steps:
      - { id: files, if: hashFiles('a') != '', run: x }
      - { id: secret, if: env.KEY != '', run: x }
      - { id: plain, if: env.OTHER == '', run: x }
",
    );
    assert!(run.task("only files").check_condition);
    run.report("only files", StepResult::Skipped);
    assert_eq!(run.step("only files").outcome(), Some(Conclusion::Skipped));
    assert!(run.task("only secret").check_condition);
    run.succeed("only secret");
    assert!(!run.task("only plain").check_condition);
}

#[test]
fn an_expression_that_fails_fails_its_step_or_job_with_the_place() {
    let mut run = Run::started(
        "
on: push
jobs:
  a:
    runs-on: linux
    steps:
      - { id: one, run: x }
      - { id: two, if: fromJSON(steps.one.outputs.json).ok, run: x }
  b:
    needs: a
    if: always() && fromJSON(needs.a.result)
    runs-on: linux
    steps: [{ id: s, run: x }]
",
    );
    run.succeed_with("a one", &[("json", "no json")]);
    let message = &run.step_failure("a two").message;
    assert!(message.starts_with("w.yml:8:"), "{message}");
    assert!(run.why("b").starts_with("w.yml:11:"), "{}", run.why("b"));
    assert_eq!(run.state.status, RunStatus::Failed);
}
