//! Steps: what each may have, their ids, retries and undoing.

use std::time::Duration;

use super::*;

fn steps(text: &str) -> Vec<Step> {
    let mut workflow = good(text);
    match workflow.definition.jobs.remove(0).work {
        Work::Steps { steps, .. } => steps,
        Work::Call(_) => panic!("it calls"),
    }
}

#[test]
fn a_step_either_runs_or_uses() {
    assert_mistakes(&step("name: x"), &["6:9: a step needs 'run' or 'uses'"]);
    assert_mistakes(
        &step("run: x\nuses: solum/test"),
        &["7:9: a step has either 'run' or 'uses', not both"],
    );
    assert_mistakes(
        &step("run: x\nwith: { a: b }"),
        &["7:9: 'with' belongs to a step with 'uses'"],
    );
    assert_mistakes(
        &step("uses: solum/test\nshell: sh"),
        &["7:9: 'shell' belongs to a step with 'run'"],
    );
    assert_mistakes(&step("run:"), &["6:9: 'run' is empty"]);
    assert_mistakes(
        &step("wait: x"),
        &[
            "6:9: GitHub has 'wait' here, Solum does not: steps run one after the other: make jobs of what is to run side by side",
        ],
    );
}

#[test]
fn steps_without_an_id_get_a_key() {
    let text = job(
        "runs-on: linux\nsteps:\n  - run: x\n  - run: y\n  - { id: a, run: z }\n  - uses: actions/checkout@v4\n  - uses: solum/test",
    );
    let keys: Vec<_> = steps(&text).into_iter().map(|step| step.key).collect();
    assert_eq!(keys, ["__run", "__run_2", "a", "__actions_checkout", "__solum_test"]);
}

#[test]
fn ids_are_names_and_unique() {
    assert_mistakes(
        &job(
            "runs-on: linux\nsteps:\n  - { id: a, run: x }\n  - { id: A, run: x }\n  - { id: 'a b', run: x }\n  - { id: __x, run: x }",
        ),
        &[
            "7:15: another step before this one has the id 'A'",
            "8:15: a step cannot be called 'a b': a letter or '_' first, then letters, digits, '_' and '-'; 100 at most",
            "9:15: '__x': ids that begin with '__' are for steps without",
        ],
    );
}

#[test]
fn shells_are_known_or_templates() {
    for shell in ["bash", "sh", "python", "node", "'perl -w {0}'"] {
        good(&step(&format!("run: x\nshell: {shell}")));
    }
    assert_mistakes(
        &step("run: x\nshell: basch"),
        &[
            "7:16: 'basch' is no shell; did you mean 'bash'?: use 'bash', 'sh', 'python', 'node', or a command with \
           '{0}' in it",
        ],
    );
    let refused = refused_beside(&step("run: x\nshell: cmd"), &[]);
    assert_eq!(refused.not_done, ["shell: pwsh, powershell, cmd"]);
}

#[test]
fn retries_are_bounded() {
    let text = step("run: x\nretry: { attempts: 3, backoff: 1m30s }");
    assert_eq!(steps(&text)[0].retry, Retry { attempts: 3, backoff: Duration::from_secs(90) });
    assert_eq!(steps(&step("run: x"))[0].retry, Retry::default());
    assert_mistakes(
        &step("run: x\nretry: { attempts: 11, backoff: soon, times: 1 }"),
        &[
            "7:28: 'attempts' is a number from 1 to 10",
            "7:41: 'soon' is no duration: write '10s', '5m', '72h'",
            "7:47: unknown key 'times'; what can stand here: attempts, backoff",
        ],
    );
    assert_mistakes(
        &step("run: x\nretry: {}"),
        &["7:16: 'attempts' is missing: how often the step may be tried"],
    );
}

#[test]
fn undo_is_an_action() {
    let text = job(
        "runs-on: solum\nsteps:\n  - { uses: solum/deploy, with: { release: v1 }, undo: { uses: solum/rollback } }",
    );
    let steps = steps(&text);
    let undo = steps[0].undo.as_deref();
    assert_eq!(undo, Some(&Action::Verb { verb: "solum/rollback".to_owned(), with: Vec::new() }));
    good(&step("run: x\nundo: { run: y, shell: sh }"));
    assert_mistakes(&step("run: x\nundo: {}"), &["7:15: 'undo' needs 'run' or 'uses'"]);
    assert_mistakes(
        &step("run: x\nundo: { run: y, retry: { attempts: 2 } }"),
        &[
            "7:25: unknown key 'retry'; what can stand here: uses, with, run, shell, working-directory",
        ],
    );
}

#[test]
fn a_condition_is_not_empty() {
    assert_mistakes(
        &step("run: x\nif:"),
        &["7:11: 'if' is empty: write an expression, or leave the key out"],
    );
    assert_eq!(steps(&step("run: x\nif: false"))[0].condition.as_ref().unwrap().text, "false");
}

#[test]
fn steps_are_a_list() {
    assert_mistakes(
        &job("runs-on: linux\nsteps: { run: x }"),
        &["5:12: a list of steps is wanted here, not a mapping"],
    );
    assert_mistakes(
        &job("runs-on: linux\nsteps: []"),
        &["5:12: there are 0 steps; 1 to 1000 are possible"],
    );
}

#[test]
fn what_takes_nothing_back_is_no_undo() {
    for verb in ["solum/approve", "solum/build", "solum/test"] {
        let refused = refused_beside(&step(&format!("run: x\nundo: {{ uses: {verb} }}")), &[]);
        let said = lines(&refused.mistakes);
        assert!(said[0].contains(&format!("'{verb}' takes nothing back")), "{said:?}");
        assert!(said[0].starts_with("w.yml:7:"), "{said:?}");
    }
    good(&step("run: x\nundo: { uses: solum/notify, with: { url: 'http://x', text: y } }"));
}
