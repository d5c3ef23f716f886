//! The shape of the file: keys, types, YAML.

use super::*;

#[test]
fn an_unknown_key_gets_the_nearest_known_one() {
    assert_mistakes(
        &job("run-on: linux\nsteps: [{ run: x }]"),
        &[
            "3:3: job 'j' has no 'runs-on': 'linux' is a box on this machine, 'solum' is for solum/* steps alone",
            "4:5: unknown key 'run-on'; did you mean 'runs-on'?",
        ],
    );
    assert_mistakes(
        &format!("{}nmae: x\n", step("run: x")),
        &["7:1: unknown key 'nmae'; did you mean 'name'?"],
    );
    assert_mistakes(
        &step("run: x\nwhatever: 1"),
        &[
            "7:9: unknown key 'whatever'; what can stand here: id, if, name, uses, run, shell, with, env, \
           continue-on-error, timeout-minutes, working-directory, retry, undo",
        ],
    );
}

#[test]
fn what_github_has_and_solum_does_not_is_refused_by_name() {
    let text = job(
        "runs-on: linux\ncontainer: node:20\nservices: { db: { image: x } }\nsteps: [{ run: x }]",
    );
    let refused = refused_beside(&text, &[]);
    assert_eq!(refused.not_done, ["jobs.<job_id>.container", "jobs.<job_id>.services"]);
    let first = refused.mistakes[0].to_string();
    assert!(
        first.starts_with("w.yml:5:5: GitHub has 'container' here, Solum does not: "),
        "{first}"
    );
}

#[test]
fn the_file_needs_on_and_jobs() {
    assert_mistakes("", &["1:1: the file is empty: a workflow needs 'on' and 'jobs'"]);
    assert_mistakes(
        "name: x\n",
        &[
            "1:1: 'on' is missing: what starts the workflow, as 'on: push'",
            "1:1: 'jobs' is missing",
        ],
    );
    assert_mistakes("- a\n", &["1:1: a mapping is wanted here, not a list"]);
    assert_mistakes("on: push\njobs: {}\n", &["2:7: there are 0 jobs; 1 to 256 are possible"]);
}

#[test]
fn yaml_that_cannot_be_read_has_a_place() {
    assert_mistakes("on: push\non: push\n", &["2:1: 'on' stands here a second time"]);
    assert_mistakes(
        "on: push\njobs: { J: {}, j: {} }\n",
        &[
            "2:9: job 'J' has no 'runs-on': 'linux' is a box on this machine, 'solum' is for solum/* steps alone",
            "2:9: job 'J' has neither 'steps' nor 'uses'",
            "2:16: 'j' and 'J' differ only in their case",
            "2:16: job 'j' has no 'runs-on': 'linux' is a box on this machine, 'solum' is for solum/* steps alone",
            "2:16: job 'j' has neither 'steps' nor 'uses'",
        ],
    );
}

#[test]
fn anchors_repeat_and_do_not_merge() {
    let text = jobs("a: &a { runs-on: linux, steps: [{ run: x }] }\nb: *a\nc: { <<: *a }");
    assert_mistakes(
        &text,
        &[
            "5:3: job 'c' has no 'runs-on': 'linux' is a box on this machine, 'solum' is for solum/* steps alone",
            "5:3: job 'c' has neither 'steps' nor 'uses'",
            "5:8: GitHub does not merge mappings by '<<': write the keys out",
        ],
    );
    good(&jobs("a: &a { runs-on: linux, steps: [{ run: x }] }\nb: *a"));
}

#[test]
fn a_whole_mapping_is_no_expression() {
    assert_mistakes(
        &step("run: x\nenv: ${{ fromJSON('{}') }}"),
        &[
            "7:14: GitHub has '${{ fromJSON('{}') }}', Solum does not: write the mapping out, with expressions in its \
           values ('matrix' may be one expression)",
        ],
    );
}

#[test]
fn permissions_are_checked_and_change_nothing() {
    let text = |permissions: &str| format!("permissions: {permissions}\n{}", step("run: x"));
    assert_eq!(
        good(&text("{ contents: read, id-token: write }")).definition.jobs,
        good(&text("read-all")).definition.jobs
    );
    assert_mistakes(
        &text("{ content: read, issues: all }"),
        &[
            "1:16: there is no permission 'content'; did you mean 'contents'?",
            "1:39: a permission is 'read', 'write' or 'none'",
        ],
    );
    assert_mistakes(&text("all"), &["1:14: 'permissions' is 'read-all', 'write-all' or a mapping"]);
}

#[test]
fn numbers_read_as_github_reads_them_and_warn() {
    let workflow =
        good(&step("run: x\nenv: { PYTHON: 3.10, NODE: 18, ON: true, EMPTY:, QUOTED: '3.10' }"));
    let Work::Steps { steps, .. } = &workflow.definition.jobs[0].work else { panic!() };
    let env: Vec<_> =
        steps[0].env.iter().map(|(name, value)| (name.as_str(), value.text.as_str())).collect();
    let expected =
        [("PYTHON", "3.1"), ("NODE", "18"), ("ON", "true"), ("EMPTY", ""), ("QUOTED", "3.10")];
    assert_eq!(env, expected);
    assert_eq!(
        lines(&workflow.warnings),
        ["w.yml:7:24: 3.10 is the number 3.1: if the text is meant, write '\"3.10\"'"]
    );
}

#[test]
fn a_key_without_a_value_is_a_warning() {
    let workflow = good(&step("run: x\nenv:\nname:"));
    assert_eq!(
        lines(&workflow.warnings),
        [
            "w.yml:7:9: 'env' has no value, as if it were not there",
            "w.yml:8:9: 'name' has no value, as if it were not there",
        ]
    );
}
