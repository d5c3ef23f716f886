//! Jobs: needs, matrix, environment, concurrency, defaults.

use super::*;

const STEPS: &str = "runs-on: linux\nsteps: [{ run: x }]";

#[test]
fn jobs_come_after_what_they_need() {
    let text = jobs(
        "c: { needs: [a, B], runs-on: linux, steps: [{ run: x }] }\nb: { needs: a, runs-on: linux, steps: [{ run: x }] }\n\
         a: { runs-on: linux, steps: [{ run: x }] }",
    );
    let keys: Vec<_> = good(&text).definition.jobs.into_iter().map(|job| job.key).collect();
    assert_eq!(keys, ["a", "b", "c"]);
}

#[test]
fn a_circle_is_shown_in_full() {
    let text = jobs(
        "a: { needs: c, runs-on: linux, steps: [{ run: x }] }\nb: { needs: a, runs-on: linux, steps: [{ run: x }] }\n\
         c: { needs: [b], runs-on: linux, steps: [{ run: x }] }",
    );
    assert_mistakes(&text, &["3:15: these jobs need each other in a circle: a → c → b → a"]);
}

#[test]
fn needs_have_to_be_jobs() {
    let text = jobs(
        "build: { runs-on: linux, steps: [{ run: x }] }\ntest: { needs: [biuld, build, build], runs-on: linux, steps: [{ run: x }] }",
    );
    assert_mistakes(
        &text,
        &[
            "4:19: job 'test' needs 'biuld', which is no job of this workflow; did you mean 'build'?",
            "4:33: job 'test' needs 'build' twice",
        ],
    );
}

#[test]
fn names_are_limited() {
    assert_mistakes(
        &jobs("1a: { runs-on: linux, steps: [{ run: x }] }"),
        &[
            "3:3: a job cannot be called '1a': a letter or '_' first, then letters, digits, '_' and '-'; 100 at most",
        ],
    );
}

#[test]
fn labels_come_in_all_forms() {
    for (text, expected) in [
        ("linux", vec!["linux"]),
        ("[self-hosted, x64]", vec!["self-hosted", "x64"]),
        ("{ labels: [a, b] }", vec!["a", "b"]),
        ("'${{ matrix.os }}'", vec!["${{ matrix.os }}"]),
    ] {
        let text = job(&format!(
            "runs-on: {text}\nstrategy: {{ matrix: {{ os: [x] }} }}\nsteps: [{{ run: x }}]"
        ));
        let Work::Steps { runs_on, .. } = &good(&text).definition.jobs[0].work else { panic!() };
        let labels: Vec<_> = runs_on.labels.iter().map(|label| label.text.as_str()).collect();
        assert_eq!(labels, expected);
    }
    assert_mistakes(
        &job("runs-on: { group: large }\nsteps: [{ run: x }]"),
        &[
            "4:14: 'labels' is missing: 'runs-on: linux'",
            "4:16: GitHub has 'group' here, Solum does not: there are no groups of runners here: use labels",
        ],
    );
    assert_mistakes(
        &job("runs-on: []\nsteps: [{ run: x }]"),
        &["4:14: a label is wanted here, as 'linux'"],
    );
}

#[test]
fn a_job_without_a_box_has_only_verbs() {
    good(&job("runs-on: solum\nsteps: [{ uses: solum/test }]"));
    assert_mistakes(
        &job("runs-on: solum\nsteps:\n  - run: x\n  - uses: actions/checkout@v4"),
        &[
            "6:9: a job that runs on 'solum' has no box for this step: let the job run on 'linux', or use a solum/* step",
            "7:9: a job that runs on 'solum' has no box for this step: let the job run on 'linux', or use a solum/* step",
        ],
    );
}

#[test]
fn a_job_either_calls_or_has_steps() {
    assert_mistakes(
        &job(&format!("{STEPS}\nwith: {{ a: b }}\nsecrets: inherit")),
        &[
            "6:5: 'with' belongs to a job that calls a workflow ('uses')",
            "7:5: 'secrets' belongs to a job that calls a workflow ('uses')",
        ],
    );
}

#[test]
fn environments_have_names_that_fit() {
    good(&job(&format!("{STEPS}\nenvironment: prod")));
    good(&job(&format!(
        "{STEPS}\nenvironment: {{ name: '${{{{ github.ref_name }}}}', url: 'https://x/' }}"
    )));
    let refused = refused_beside(&job(&format!("{STEPS}\nenvironment: Prod")), &[]);
    assert_eq!(refused.not_done, ["jobs.<job_id>.environment: names with capitals, spaces, …"]);
}

#[test]
fn concurrency_is_a_word_or_a_mapping() {
    let read = |text: &str| {
        let text = job(&format!("{STEPS}\nconcurrency: {text}"));
        good(&text).definition.jobs[0].concurrency.clone().unwrap()
    };
    assert_eq!(read("one").group.text, "one");
    let full = read("{ group: g, cancel-in-progress: true }");
    assert_eq!((full.group.text.as_str(), full.queue), ("g", Queue::Single));
    assert_eq!(full.cancel_in_progress.unwrap().text, "true");
    assert_eq!(read("{ group: g, queue: max }").queue, Queue::Max);
    assert_mistakes(
        &job(&format!("{STEPS}\nconcurrency: {{ cancel-in-progress: maybe, queue: all }}")),
        &["6:18: 'group' is missing"],
    );
    assert_mistakes(
        &job(&format!(
            "{STEPS}\nconcurrency: {{ group: g, cancel-in-progress: maybe, queue: all }}"
        )),
        &[
            "6:50: 'true', 'false' or an expression is wanted here, not text",
            "6:64: 'queue' is 'single' or 'max'",
        ],
    );
    assert_mistakes(
        &job(&format!(
            "{STEPS}\nconcurrency: {{ group: g, cancel-in-progress: true, queue: max }}"
        )),
        &["6:63: nothing queues where 'cancel-in-progress' is true"],
    );
}

#[test]
fn a_matrix_keeps_types_and_order() {
    let text = job(&format!(
        "{STEPS}\nstrategy:\n  fail-fast: false\n  max-parallel: 2\n  matrix:\n    v: [18, '18', true]\n    include: [{{ z: 1, a: 2 }}]"
    ));
    let strategy = good(&text).definition.jobs[0].strategy.clone().unwrap();
    assert_eq!(strategy.fail_fast.unwrap().text, "false");
    assert_eq!(strategy.max_parallel.unwrap().text, "2");
    let Some(Matrix::Axes { axes, include, .. }) = strategy.matrix else { panic!() };
    assert_eq!(axes[0].1, serde_json::json!([18, "18", true]));
    assert_eq!(include.unwrap().to_string(), r#"[{"z":1,"a":2}]"#);
}

#[test]
fn a_matrix_may_be_an_expression_or_hold_some() {
    let whole =
        job(&format!("{STEPS}\nneeds: []\nstrategy: {{ matrix: '${{{{ fromJSON(vars.M) }}}}' }}"));
    let strategy = good(&whole).definition.jobs[0].strategy.clone().unwrap();
    assert!(matches!(strategy.matrix, Some(Matrix::Whole(_))));
    good(&job(&format!(
        "{STEPS}\nstrategy: {{ matrix: {{ v: '${{{{ fromJSON(vars.M) }}}}', exclude: [{{ v: 1 }}] }} }}"
    )));
}

#[test]
fn an_impossible_matrix_is_refused() {
    for (matrix, expected) in [
        ("x", "6:25: a mapping of axes is wanted here, or an expression"),
        ("{}", "6:25: a matrix has 1 to 50 axes, or 'include'"),
        ("{ v: 1 }", "6:30: a list of values is wanted here, not a number"),
        ("{ v: [] }", "6:30: an axis without values makes a matrix without legs"),
        ("{ v: [1], exclude: [{ v: 1 }] }", "6:25: 'exclude' leaves no leg of the matrix"),
        (
            "{ v: [1], exclude: [{ w: 1 }] }",
            "6:25: 'exclude' names 'w', which is no axis of the matrix",
        ),
        ("{ v: [1], include: { w: 1 } }", "6:44: a list of mappings is wanted here, not a mapping"),
        ("{ v: [1], include: [1] }", "6:45: 'include' lists mappings, this is a number"),
    ] {
        let text = job(&format!("{STEPS}\nstrategy: {{ matrix: {matrix} }}"));
        let found = lines(&refused_beside(&text, &[]).mistakes);
        assert_eq!(found[0], format!("w.yml:{expected}"), "{matrix}");
    }
}

#[test]
fn numbers_have_to_be_numbers() {
    assert_mistakes(
        &job(&format!(
            "{STEPS}\ntimeout-minutes: soon\nstrategy: {{ max-parallel: 0, fail-fast: 1 }}"
        )),
        &[
            "6:22: a number above 0 is wanted here, not 'soon'",
            "7:31: a number above 0 is wanted here, not '0'",
            "7:45: 'true', 'false' or an expression is wanted here, not a number",
        ],
    );
}

#[test]
fn windows_shells_are_refused_where_they_are_named() {
    assert_mistakes(
        &job(&format!("{STEPS}\ndefaults: {{ run: {{ shell: pwsh }} }}")),
        &[
            "6:31: GitHub has 'pwsh', Solum does not: use 'bash', 'sh', 'python', 'node', or a command with '{0}' in it",
        ],
    );
    good(&job(&format!(
        "{STEPS}\ndefaults: {{ run: {{ shell: 'perl {{0}}', working-directory: sub }} }}"
    )));
}
