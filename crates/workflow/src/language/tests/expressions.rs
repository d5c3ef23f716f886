//! Expressions: where they may stand, and the names in them.

use super::*;

#[test]
fn each_place_has_its_contexts() {
    for (text, expected) in [
        (
            step("run: x\nif: secrets.A"),
            "7:13: `secrets` is not available here; these are: github, solum, inputs, \
            vars, needs, strategy, matrix, steps, job, runner, env",
        ),
        (
            job("if: matrix.a\nruns-on: linux\nsteps: [{ run: x }]"),
            "4:9: `matrix` is not available here; these are: \
            github, solum, inputs, vars, needs",
        ),
        (
            job("name: '${{ env.A }}'\nruns-on: linux\nsteps: [{ run: x }]"),
            "4:15: `env` is not available here; these \
            are: github, solum, inputs, vars, needs, strategy, matrix",
        ),
        (
            format!("env: {{ A: '${{{{ matrix.a }}}}' }}\n{}", step("run: x")),
            "1:15: `matrix` is not available here; \
            these are: github, solum, inputs, vars, secrets",
        ),
        (
            format!(
                "defaults: {{ run: {{ shell: '${{{{ vars.a }}}} {{0}}' }} }}\n{}",
                step("run: x")
            ),
            "1:31: `vars` is \
            not available here; no context is",
        ),
        (step("run: \"${{ always() }}\""), "6:18: `always()` is not available here"),
        (
            job("if: hashFiles('x') != ''\nruns-on: linux\nsteps: [{ run: x }]"),
            "4:9: `hashFiles()` is not available here",
        ),
    ] {
        assert_mistakes(&text, &[expected]);
    }
    good(&step("run: x\nif: always() && hashFiles('x') != ''"));
}

#[test]
fn syntax_is_checked() {
    for run in [
        "\"${{ github. }}\"",
        "\"${{ 1 + 1 }}\"",
        "\"${{ nothing }}\"",
        "\"${{ frist('x') }}\"",
        "\"${{ github.ref\"",
    ] {
        let refused = refused_beside(&step(&format!("run: {run}")), &[]);
        assert_eq!(refused.mistakes.len(), 1, "{run}");
        assert_eq!(refused.mistakes[0].at.unwrap().line, 6, "{run}");
    }
}

#[test]
fn names_have_to_be_there() {
    let with_jobs = |run: &str| {
        jobs(&format!(
            "a: {{ outputs: {{ tag: x }}, runs-on: linux, steps: [{{ run: x }}] }}\n\
             b: {{ runs-on: linux, steps: [{{ run: x }}] }}\n\
             c: {{ needs: a, runs-on: linux, steps: [{{ id: one, run: x }}, {{ run: '{run}' }}, {{ id: late, run: x }}] }}"
        ))
    };
    for run in [
        "${{ needs.a.outputs.tag }}",
        "${{ needs.A.result }}",
        "${{ needs.*.result }}",
        "${{ steps.one.outputs.whatever }}",
        "${{ steps.one.outcome }}",
        "${{ github.event.anything.at.all }}",
        "${{ solum.sha }}",
        "${{ runner.os }}",
    ] {
        good(&with_jobs(run));
    }
    for (run, expected) in [
        ("${{ needs.b.result }}", "`needs` has no `b`"),
        ("${{ needs.a.outputs.tga }}", "`needs.a.outputs` has no `tga`; did you mean 'tag'?"),
        ("${{ needs.a.output }}", "`needs.a` has no `output`; did you mean 'outputs'?"),
        ("${{ steps.late.outputs.x }}", "`steps` has no `late`"),
        ("${{ steps.one.result }}", "`steps.one` has no `result`"),
        ("${{ inputs.x }}", "`inputs` has no `x`"),
        ("${{ matrix.x }}", "`matrix` has no `x`"),
        ("${{ strategy.index }}", "`strategy` has no `index`"),
    ] {
        let refused = refused_beside(&with_jobs(run), &[]);
        let message = refused.mistakes[0].message.replace('`', "'");
        assert_eq!(message, expected.replace('`', "'"), "{run}");
        assert_eq!(refused.mistakes.len(), 1);
    }
}

#[test]
fn a_property_that_github_does_not_have_is_a_warning() {
    let workflow = good(&step("run: \"${{ github.brnach }}\""));
    assert_eq!(lines(&workflow.warnings).len(), 1);
}

#[test]
fn keys_of_a_matrix_come_from_axes_and_include() {
    let text = |matrix: &str, key: &str| {
        job(&format!(
            "runs-on: linux\nstrategy: {{ matrix: {matrix} }}\nsteps: [{{ run: '${{{{ matrix.{key} }}}}' }}]"
        ))
    };
    good(&text("{ os: [a], include: [{ extra: 1 }] }", "extra"));
    good(&text("'${{ fromJSON(vars.M) }}'", "anything"));
    good(&text("{ os: [a], include: '${{ fromJSON(vars.M) }}' }", "anything"));
    assert_mistakes(
        &text("{ os: [a] }", "so"),
        &["6:31: `matrix` has no `so`; did you mean 'os'?"],
    );
}

#[test]
fn outputs_of_actions_are_known() {
    let text = |uses: &str, output: &str| {
        job(&format!(
            "runs-on: linux\nsteps:\n  - {{ id: s, uses: {uses} }}\n  - run: '${{{{ steps.s.outputs.{output} }}}}'"
        ))
    };
    good(&text("actions/cache@v4, with: { path: x, key: y }", "cache-hit"));
    good(&text("solum/build", "artifact"));
    assert_mistakes(
        &text("solum/build", "artefact"),
        &["7:34: `steps.s.outputs` has no `artefact`; did you mean 'artifact'?"],
    );
    let script = [("x/action.yml", "outputs: { a: {} }\nruns: { using: node20, main: x.js }")];
    let workflow = good_beside(&text("./x", "b"), &script);
    assert_eq!(lines(&workflow.warnings), ["w.yml:7:34: `steps.s.outputs` has no `b`"]);
    let composite =
        [("x/action.yml", "runs: { using: composite, steps: [{ run: x, shell: sh }] }")];
    assert_mistakes_beside(&text("./x", "b"), &composite, &["7:34: `steps.s.outputs` has no `b`"]);
}

#[test]
fn what_undoes_a_step_sees_its_outputs() {
    good(&step("id: make\nrun: x\nundo: { run: '${{ steps.make.outputs.id }}' }"));
}

#[test]
fn a_step_with_a_mistake_causes_no_others() {
    assert_mistakes(
        &job(
            "runs-on: linux\nsteps:\n  - { id: s, uses: docker://x }\n  - run: '${{ steps.s.outputs.b }}'",
        ),
        &[
            "6:24: GitHub has 'docker://x', Solum does not: steps run in a box on this machine, not in a container: write \
           a 'run' step",
        ],
    );
    let text = jobs(
        "a: { uses: o/r/x.yml@v1 }\nb: { needs: a, runs-on: linux, steps: [{ run: '${{ needs.a.outputs.x }}' }] }",
    );
    assert_eq!(refused_beside(&text, &[]).mistakes.len(), 1);
}

#[test]
fn secrets_are_listed_with_their_place() {
    let workflow = good(&step(
        "run: x\nenv: { A: '${{ secrets.TOKEN }}', B: '${{ secrets.token }}', C: '${{ secrets.GITHUB_TOKEN }}' }",
    ));
    let names: Vec<_> =
        workflow.secrets.iter().map(|secret| (secret.name.as_str(), secret.at.line)).collect();
    assert_eq!(names, [("TOKEN", 7), ("GITHUB_TOKEN", 7)]);
    assert_eq!(
        lines(&workflow.warnings),
        ["w.yml:7:73: there is no GITHUB_TOKEN here: it is empty"]
    );
}
