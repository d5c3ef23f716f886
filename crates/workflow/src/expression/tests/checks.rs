//! What is found without running.

use super::*;
use crate::expression::{Allowed, Form, Function, Known, Names, Severity, check, references};

struct Jobs;

impl Names for Jobs {
    fn after(&self, path: &[&str]) -> Known<'_> {
        match path {
            ["needs"] => Known::Only(vec!["build", "Test"]),
            ["needs", "build"] => Known::Only(vec!["outputs", "result"]),
            ["needs", "build", "outputs"] => Known::Only(vec!["artifact"]),
            ["secrets"] => Known::Usually(vec!["TOKEN"]),
            _ => Known::Anything,
        }
    }
}

fn findings(text: &str, form: Form) -> Vec<String> {
    let allowed = Allowed {
        contexts: &["github", "needs", "secrets"],
        status: form == Form::Condition,
        hash_files: false,
        names: &Jobs,
    };
    let shown = check(&template(text), form, &allowed).into_iter().map(|finding| {
        let warning = if finding.severity == Severity::Warning { "warning: " } else { "" };
        format!("{}:{}: {warning}{}", finding.at.line, finding.at.column, finding.message)
    });
    shown.collect()
}

#[track_caller]
fn finds(text: &str, expected: &[&str]) {
    assert_eq!(findings(text, Form::Text), expected, "{text}");
}

#[test]
fn what_is_right_passes() {
    for text in [
        "nothing to see",
        "${{ needs.build.outputs.artifact }} ${{ NEEDS['TEST'].result }}",
        "${{ needs.*.result }} ${{ needs[github.job].result }} ${{ toJSON(needs) }}",
        "${{ secrets.TOKEN }} ${{ fromJSON(github.x).needs.anything }}",
    ] {
        finds(text, &[]);
    }
    for text in ["", "always() && needs.build.result == 'success'", "${{ failure() }}"] {
        assert_eq!(findings(text, Form::Condition), [""; 0], "{text}");
    }
}

#[test]
fn each_expression_is_looked_at() {
    finds(
        "${{ 1 + }} and ${{ needs.buidl }}",
        &[
            "3:11: invalid numeric literal, in `+`",
            "3:30: `needs` has no `buidl`; did you mean 'build'?",
        ],
    );
}

#[test]
fn names_that_are_known_are_checked_to_their_end() {
    finds(
        "${{ needs.build.output }}",
        &["3:21: `needs.build` has no `output`; did you mean 'outputs'?"],
    );
    finds(
        "${{ needs.BUILD.outputs['artefact'] }}",
        &["3:28: `needs.build.outputs` has no `artefact`; did you mean 'artifact'?"],
    );
    finds("${{ needs[needs.x] }}", &["3:21: `needs` has no `x`"]);
    finds("${{ secrets.OTHER }}", &["3:17: warning: `secrets` has no `OTHER`"]);
}

#[test]
fn contexts_and_functions_belong_to_their_places() {
    finds(
        "${{ matrix.os }}",
        &["3:9: `matrix` is not available here; these are: github, needs, secrets"],
    );
    finds("${{ gihtub.ref }}", &["3:9: there is no context `gihtub`; did you mean 'github'?"]);
    finds("${{ success() }}", &["3:9: `success()` is not available here"]);
    finds("${{ hashFiles('x') }}", &["3:9: `hashFiles()` is not available here"]);
    finds(
        "${{ succes() }}",
        &["3:9: there is no function `succes`; did you mean 'success'?, in `succes()`"],
    );
}

#[test]
fn a_condition_with_text_beside_it_gets_a_warning() {
    let found = findings("${{ needs.build }} == 'x'", Form::Condition);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].starts_with("3:5: warning: text stands beside `${{ … }}`"), "{found:?}");
    assert_eq!(findings("needs.build == 1 +", Form::Condition).len(), 1);
}

#[test]
fn references_are_collected() {
    let text = "${{ toJSON(needs.*.result) }} ${{ GitHub.event['x'].Y[hashFiles(env.A)] || fromJSON('{}').z }}";
    let found = references(&template(text), Form::Text).unwrap();
    let paths: Vec<_> = found.paths.iter().map(|path| path.join(".")).collect();
    assert_eq!(paths, ["env.A", "github.event.x.Y", "needs"]);
    assert!(found.uses("github") && found.uses("env") && !found.uses("secrets"));
    assert!(found.calls(Function::HashFiles) && found.calls(Function::ToJson));
    assert!(!found.calls(Function::Success));
    let condition = references(&template("always() && secrets.A"), Form::Condition).unwrap();
    assert!(condition.uses("secrets") && condition.calls(Function::Always));
    assert_eq!(references(&template("always()"), Form::Text).unwrap(), Default::default());
}
