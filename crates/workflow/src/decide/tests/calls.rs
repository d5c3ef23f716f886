use super::*;

const CALLER: &str = "
on: push
jobs:
  plan: { runs-on: linux, outputs: { n: '2' }, steps: [{ id: s, run: x }] }
  call:
    needs: plan
    uses: ./.github/workflows/build.yml
    with: { count: '${{ fromJSON(needs.plan.outputs.n) }}', dry: true }
    secrets: { TOKEN: '${{ secrets.DEPLOY }}' }
  after: { needs: call, if: needs.call.outputs.made == 'ok', runs-on: linux, steps: [{ id: s, run: x }] }
";

const CALLED: &str = "
on:
  workflow_call:
    inputs:
      count: { type: number, required: true }
      dry: { type: boolean }
      where: { type: string, default: here }
    outputs: { made: { value: '${{ jobs.test.outputs.made }}' } }
    secrets: { TOKEN: { required: true } }
jobs:
  build: { runs-on: linux, steps: [{ id: s, if: inputs.count == 2 && inputs.dry == true && inputs.where == 'here', run: x }] }
  test:
    needs: build
    runs-on: linux
    outputs: { made: '${{ steps.s.outputs.made }}' }
    steps: [{ id: s, run: x, env: { T: '${{ secrets.TOKEN }}' } }]
";

fn called() -> Run {
    let mut run = Run::beside(CALLER, &[(".github/workflows/build.yml", CALLED)]);
    run.start();
    run.succeed("plan s");
    run
}

#[test]
fn a_called_workflow_is_a_scope_of_its_own_that_gives_outputs() {
    let mut run = called();
    assert_eq!(run.under_way(), ["call/build s"]);
    assert_eq!(run.leg("call/build").plan.name, "call / build");
    run.succeed("call/build s");
    run.succeed_with("call/test s", &[("made", "ok")]);
    assert_eq!(run.under_way(), ["after s"]);
    run.succeed("after s");
    assert_eq!(run.state.status, RunStatus::Succeeded);
}

#[test]
fn a_failure_inside_fails_the_job_that_calls() {
    let mut run = called();
    run.fail("call/build s");
    assert_eq!(run.conclusion("call"), Some(Conclusion::Failure));
    assert_eq!(run.conclusion("after"), Some(Conclusion::Skipped));
    assert_eq!(run.state.status, RunStatus::Failed);
}

#[test]
fn a_cancel_reaches_into_called_workflows() {
    let mut run = called();
    run.cancel();
    assert_eq!(run.stops(), [("call/build s".to_owned(), false)]);
    run.report("call/build s", StepResult::cancelled());
    assert_eq!(run.state.status, RunStatus::Cancelled);
}

#[test]
fn secrets_go_in_under_the_names_that_the_caller_gives() {
    let mut run = called();
    run.succeed("call/build s");
    let view = crate::StepView::of(&run.state, &run.task("call/test s")).unwrap();
    let own = [("DEPLOY".to_owned(), "hush".to_owned()), ("OTHER".to_owned(), "no".to_owned())];
    let seen = view.secrets(&own.into()).unwrap();
    assert_eq!(seen, [("TOKEN".to_owned(), "hush".to_owned())].into());
}

#[test]
fn a_matrix_of_calls_has_a_scope_for_each() {
    let caller = "
on: push
jobs:
  call: { strategy: { matrix: { n: [1, 2] } }, uses: ./c.yml }
";
    let inner = "
on: workflow_call
jobs:
  a: { runs-on: linux, strategy: { matrix: { m: [x, y] } }, steps: [{ id: s, run: x }] }
";
    let mut run = Run::beside(caller, &[("c.yml", inner)]);
    run.start();
    assert_eq!(run.under_way(), ["call.0/a.0 s", "call.0/a.1 s", "call.1/a.0 s", "call.1/a.1 s"]);
    assert_eq!(run.leg("call.1/a.1").plan.name, "call (2) / a (y)");
}
