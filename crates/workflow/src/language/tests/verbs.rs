//! `solum/*` steps.

use super::*;

fn verb(lines: &str) -> String {
    let text = step(lines);
    text.replace("runs-on: linux", "runs-on: solum")
}

#[test]
fn an_unknown_verb_gets_the_nearest() {
    assert_mistakes(
        &verb("uses: solum/deplyo"),
        &["6:15: there is no verb 'solum/deplyo'; did you mean 'solum/deploy'?"],
    );
    assert_mistakes(
        &verb("uses: solum/test@v1"),
        &["6:15: verbs have no versions: write 'solum/test'"],
    );
}

#[test]
fn inputs_of_a_verb_are_checked() {
    good(&verb(
        "uses: solum/approve\nwith: { from: 'role:operator', count: 2, allow_author: false, timeout: 72h, note: hi }",
    ));
    assert_mistakes(
        &verb(
            "uses: solum/approve\nwith: { count: 0, allow_author: maybe, timeout: later, form: x }",
        ),
        &[
            "7:24: 'count': a whole number from 1 is wanted, not '0'",
            "7:41: 'allow_author': 'true' or 'false' is wanted, not 'maybe'",
            "7:57: 'timeout': 'later' is no duration: write '10s', '5m', '72h'",
            "7:64: 'solum/approve' has no input 'form'; did you mean 'from'?",
        ],
    );
    good(&verb("uses: solum/approve\nwith: { count: '${{ vars.COUNT }}' }"));
}

#[test]
fn what_a_verb_needs_has_to_be_given() {
    assert_mistakes(
        &verb("uses: solum/notify"),
        &[
            "6:15: 'solum/notify' needs the input 'url'",
            "6:15: 'solum/notify' needs the input 'text'",
        ],
    );
    let one = "6:15: 'solum/deploy' needs one of the inputs 'artifact' and 'release'";
    assert_mistakes(&verb("uses: solum/deploy"), &[one]);
    assert_mistakes(&verb("uses: solum/deploy\nwith: { artifact: a, release: v1 }"), &[one]);
    good(&verb(
        "uses: solum/deploy\nwith: { artifact: '${{ vars.A }}', release: '${{ vars.R }}' }",
    ));
}

#[test]
fn a_strategy_may_be_a_mapping() {
    let workflow = good(&verb(
        "uses: solum/deploy\nwith: { release: v1, strategy: { canary: { steps: [{ setWeight: 5 }] } } }",
    ));
    let Work::Steps { steps, .. } = &workflow.definition.jobs[0].work else { panic!() };
    let Action::Verb { with, .. } = &steps[0].action else { panic!() };
    assert_eq!(with[1].1.text, r#"{"canary":{"steps":[{"setWeight":5}]}}"#);
    assert_mistakes(
        &verb("uses: solum/deploy\nwith: { release: v1, strategy: { canary: '${{ vars.C }}' } }"),
        &[
            "7:40: a mapping here cannot hold expressions: write it as text in JSON, or without expressions",
        ],
    );
}
