//! Composite actions, and the `pre` and `post` parts of others.

use super::*;

const COMPOSITE: &str = "
name: setup
description: d
inputs: { version: { default: '1' }, token: { required: false } }
outputs: { path: { value: '${{ steps.find.outputs.path }}' } }
runs:
  using: composite
  steps:
    - { id: find, if: inputs.version == '2', run: x, shell: bash }
    - { id: fix, if: failure(), run: x, shell: bash }
    - { id: use, if: inputs.token != '', run: x, shell: bash }
";

const WITH_SETUP: &str = "
on: push
jobs:
  a:
    runs-on: linux
    steps:
      - { id: first, run: x, continue-on-error: true }
      - { id: setup, uses: ./setup, with: { version: '2', token: '${{ secrets.T }}' } }
      - { id: last, if: steps.setup.outputs.path == '/opt', run: x }
";

fn with_setup() -> Run {
    let mut run = Run::beside(WITH_SETUP, &[("setup/action.yml", COMPOSITE)]);
    run.start();
    run.fail("a first");
    run
}

#[test]
fn a_composite_action_has_steps_inputs_and_outputs_of_its_own() {
    let mut run = with_setup();
    assert_eq!(run.under_way(), ["a setup/find"]);
    run.succeed_with("a setup/find", &[("path", "/opt")]);
    assert_eq!(run.step("a setup/fix").outcome(), Some(Conclusion::Skipped));
    assert!(run.task("a setup/use").check_condition, "its input has a secret");
    run.succeed("a setup/use");
    assert_eq!(run.under_way(), ["a last"]);
    run.succeed("a last");
    assert_eq!(run.state.status, RunStatus::Succeeded);
}

#[test]
fn a_step_that_fails_inside_fails_the_composite_action() {
    let mut run = with_setup();
    run.fail("a setup/find");
    assert_eq!(run.under_way(), ["a setup/fix"]);
    run.succeed("a setup/fix");
    let failure = run.step_failure("a setup");
    assert_eq!(failure.message, "step `setup/find` failed: it broke");
    assert_eq!(run.state.status, RunStatus::Failed);
}

const TOOL: &str = "
name: tool
description: d
inputs: { name: { default: '${{ github.actor }}' } }
runs: { using: node20, main: main.js, pre: pre.js, post: post.js }
";

const WITH_TOOLS: &str = "
on: push
jobs:
  a:
    runs-on: linux
    steps:
      - { id: one, uses: ./tool }
      - { id: two, uses: ./tool, with: { name: x } }
      - { id: three, run: x }
";

#[test]
fn parts_before_come_first_and_parts_after_last_in_reverse_also_after_a_failure() {
    let mut run = Run::beside(WITH_TOOLS, &[("tool/action.yml", TOOL)]);
    run.start();
    let mut order = Vec::new();
    while let [step] = run.under_way().as_slice() {
        order.push(step.clone());
        if step == "a two" { run.fail(step) } else { run.succeed(step) }
    }
    assert_eq!(order, ["a one:pre", "a two:pre", "a one", "a two", "a two:post", "a one:post"]);
    assert_eq!(run.step("a three").outcome(), Some(Conclusion::Skipped));
    assert_eq!(run.state.status, RunStatus::Failed);
}

#[test]
fn a_part_after_has_what_the_parts_before_wrote_to_their_state() {
    let mut run = Run::beside(WITH_TOOLS, &[("tool/action.yml", TOOL)]);
    run.start();
    run.succeed("a one:pre");
    run.succeed("a two:pre");
    let state = [("pid".to_owned(), "7".to_owned())].into();
    run.report(
        "a one",
        StepResult::Succeeded { produced: Produced { state, ..Produced::default() } },
    );
    run.succeed("a two");
    run.succeed("a three");
    run.succeed("a two:post");
    let view = crate::StepView::of(&run.state, &run.task("a one:post")).unwrap();
    assert_eq!(view.action_state(), [("pid", "7")].into());
    assert_eq!(view.inputs(&crate::NothingLate).unwrap()["name"], "alice");
}
