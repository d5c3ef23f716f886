use super::*;

const TEXT: &str = "
on: push
jobs:
  a: { runs-on: linux, outputs: { x: '${{ steps.s.outputs.x }}' }, steps: [{ id: s, run: x }] }
  b: { needs: a, runs-on: linux, strategy: { fail-fast: false, matrix: { n: [1, 2] } }, steps: [{ id: s, run: x }] }
  c: { needs: b, runs-on: linux, steps: [{ id: s, run: x }] }
  d: { needs: [a, b], if: always() && needs.a.outputs.x == '7', runs-on: linux, steps: [{ id: s, run: x }] }
";

#[test]
fn only_what_failed_and_what_leans_on_it_is_done_again() {
    let mut run = Run::started(TEXT);
    run.succeed_with("a s", &[("x", "7")]);
    run.fail("b.0 s");
    run.succeed("b.1 s");
    run.succeed("d s");
    assert_eq!(run.state.status, RunStatus::Failed);
    let carried = crate::carried_over(&run.state);
    let mut again = Run::carrying(TEXT, &[], &carried);
    again.start();
    assert_eq!(again.conclusion("a"), Some(Conclusion::Success));
    assert_eq!(again.under_way(), ["b.0 s"]);
    again.succeed("b.0 s");
    assert_eq!(again.under_way(), ["c s", "d s"], "what leans on it runs again");
    again.succeed("c s");
    again.succeed("d s");
    assert_eq!(again.state.status, RunStatus::Succeeded);
}

#[test]
fn another_attempt_knows_its_number_and_who_asked_for_it() {
    let context = context().for_attempt(2, &token("bob"));
    let Value::Object(github) = &context.github else { unreachable!() };
    let text = |name| github.get(name).unwrap().to_text().into_owned();
    assert_eq!((text("run_attempt"), text("triggering_actor")), ("2".into(), "bob".into()));
    assert_eq!((text("actor"), text("ref")), ("alice".into(), "refs/heads/main".into()));
    assert_eq!(context.author, Some(token("alice")));
}
