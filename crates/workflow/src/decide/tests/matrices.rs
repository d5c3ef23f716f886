use super::*;

fn names(run: &Run) -> Vec<&str> {
    run.state.legs().map(|leg| leg.plan.name.as_str()).collect()
}

#[test]
fn a_matrix_has_a_leg_for_each_combination_named_as_on_github() {
    let run = Run::started(
        "
on: push
jobs:
  build:
    runs-on: '${{ matrix.os }}'
    strategy:
      matrix:
        os: [linux, windows]
        node: [18, 20]
        exclude: [{ os: windows, node: 18 }]
        include: [{ os: linux, fast: true }, { os: mac, node: 16 }]
    steps: [{ id: s, run: x }]
",
    );
    assert_eq!(
        names(&run),
        [
            "build (linux, 18, true)",
            "build (linux, 20, true)",
            "build (windows, 20)",
            "build (mac, 16)"
        ]
    );
    assert_eq!(run.under_way(), ["build.0 s", "build.1 s", "build.2 s", "build.3 s"]);
    assert_eq!(run.leg("build.3").terms.runs_on, ["mac"]);
}

#[test]
fn a_name_that_chooses_among_the_values_stays_as_it_is() {
    let run = Run::started(
        "
on: push
jobs:
  a: { name: 'A ${{ matrix.n }}', runs-on: linux, strategy: { matrix: { n: [1, 2] } }, steps: [{ run: x }] }
  b: { name: B, runs-on: linux, strategy: { matrix: { n: [1] } }, steps: [{ run: x }] }
",
    );
    assert_eq!(names(&run), ["A 1", "A 2", "B (1)"]);
}

const DYNAMIC: &str = "
on: push
jobs:
  plan:
    runs-on: linux
    outputs: { matrix: '${{ steps.s.outputs.matrix }}' }
    steps: [{ id: s, run: x }]
  build:
    needs: plan
    runs-on: linux
    strategy: { matrix: '${{ fromJSON(needs.plan.outputs.matrix) }}' }
    steps: [{ id: s, run: x }]
";

#[test]
fn a_matrix_may_come_from_an_earlier_job() {
    let mut run = Run::started(DYNAMIC);
    run.succeed_with("plan s", &[("matrix", r#"{"os":["a","b"],"include":[{"os":"c"}]}"#)]);
    assert_eq!(names(&run)[1..], ["build (a)", "build (b)", "build (c)"]);
}

#[test]
fn a_matrix_that_is_too_large_or_none_fails_the_job_in_words() {
    let numbers: Vec<String> = (0..100).map(|number| number.to_string()).collect();
    let list = numbers.join(",");
    let cases = [
        (format!(r#"{{"a":[{list}],"b":[{list}]}}"#), "256"),
        (r#"{"a":[]}"#.to_owned(), "`a` has no values"),
        (r#"{"a":1}"#.to_owned(), "`a` is not a list"),
        ("[]".to_owned(), "not an object"),
    ];
    for (matrix, words) in cases {
        let mut run = Run::started(DYNAMIC);
        run.succeed_with("plan s", &[("matrix", &matrix)]);
        assert!(run.why("build").contains(words), "{}", run.why("build"));
        assert_eq!(run.state.status, RunStatus::Failed);
    }
}

#[test]
fn a_failed_leg_stops_the_others_unless_fail_fast_is_off() {
    let text = |fail_fast: &str| {
        format!(
            "
on: push
jobs:
  build:
    runs-on: linux
    strategy: {{ {fail_fast} max-parallel: 2, matrix: {{ n: [1, 2, 3] }} }}
    steps: [{{ id: s, run: x }}]
"
        )
    };
    let mut run = Run::started(&text(""));
    assert_eq!(run.under_way(), ["build.0 s", "build.1 s"], "two at once");
    run.fail("build.0 s");
    assert_eq!(run.stops(), [("build.1 s".to_owned(), false)]);
    assert_eq!(run.leg("build.2").conclusion(), Some(Conclusion::Cancelled));
    run.report("build.1 s", StepResult::cancelled());
    assert_eq!(run.conclusion("build"), Some(Conclusion::Failure));

    let mut run = Run::started(&text("fail-fast: false,"));
    run.fail("build.0 s");
    assert!(run.stops().is_empty());
    assert_eq!(run.under_way(), ["build.1 s", "build.2 s"]);
    run.succeed("build.1 s");
    run.succeed("build.2 s");
    assert_eq!(run.conclusion("build"), Some(Conclusion::Failure));
}

#[test]
fn of_the_outputs_of_legs_the_last_that_is_not_empty_counts() {
    let mut run = Run::started(
        "
on: push
jobs:
  build:
    runs-on: linux
    strategy: { matrix: { n: [1, 2, 3] } }
    outputs: { x: '${{ steps.s.outputs.x }}' }
    steps: [{ id: s, run: x }]
  after: { needs: build, if: needs.build.outputs.x == 'first', runs-on: linux, steps: [{ id: s, run: x }] }
",
    );
    run.succeed_with("build.2 s", &[("x", "third")]);
    run.succeed_with("build.0 s", &[("x", "first")]);
    run.succeed_with("build.1 s", &[("x", "")]);
    assert_eq!(run.under_way(), ["after s"]);
}
