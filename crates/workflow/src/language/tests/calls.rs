//! Jobs that call workflows.

use super::*;

const CALLED: &str = "on:\n  workflow_call:\n    inputs:\n      n: { type: number, required: true }\n      dry: { type: boolean }\n    \
    secrets: { TOKEN: { required: true }, OTHER: }\n    outputs: { sum: { value: '${{ jobs.add.outputs.sum }}' } }\n\
    jobs:\n  add:\n    runs-on: linux\n    outputs: { sum: '${{ steps.s.outputs.x }}' }\n    steps: [{ id: s, run: 'echo ${{ inputs.n }} ${{ secrets.TOKEN }}' }]\n";

fn call(lines: &str) -> String {
    job(&format!("uses: ./ci/add.yml\n{lines}"))
}

#[test]
fn a_called_workflow_is_read_into_the_definition() {
    let text = call("with: { n: 2 }\nsecrets: { token: '${{ secrets.MINE }}' }");
    let workflow = good_beside(&text, &[("ci/add.yml", CALLED)]);
    let Work::Call(call) = &workflow.definition.jobs[0].work else { panic!() };
    assert_eq!(call.uses, "./ci/add.yml");
    assert_eq!(call.workflow.file, "ci/add.yml");
    assert_eq!(call.workflow.inputs.len(), 2);
    assert_eq!(call.workflow.outputs[0].name, "sum");
    let names: Vec<_> = workflow.secrets.iter().map(|secret| secret.name.as_str()).collect();
    assert_eq!(names, ["MINE"]);
}

#[test]
fn secrets_of_a_called_workflow_are_inherited_or_declared() {
    let called =
        "on: workflow_call\njobs: { a: { runs-on: linux, steps: [{ run: '${{ secrets.A }}' }] } }";
    let others = [("ci/add.yml", called)];
    let inherited = good_beside(&call("secrets: inherit"), &others);
    assert_eq!(inherited.secrets[0].name, "A");
    assert_eq!(inherited.warnings, []);
    let apart = good_beside(&call(""), &others);
    assert_eq!(apart.secrets, []);
    assert_eq!(
        lines(&apart.warnings),
        [
            "ci/add.yml:2:45: the secret 'A' is empty here: declare it under 'on.workflow_call.secrets', and give it"
        ]
    );
}

#[test]
fn outputs_of_a_call_are_known() {
    let text = |output: &str| {
        let next = format!(
            "k: {{ needs: j, runs-on: linux, steps: [{{ run: '${{{{ needs.j.outputs.{output} }}}}' }}] }}"
        );
        format!("{}  {next}\n", call("with: { n: 2 }\nsecrets: inherit"))
    };
    good_beside(&text("sum"), &[("ci/add.yml", CALLED)]);
    assert_mistakes_beside(
        &text("sums"),
        &[("ci/add.yml", CALLED)],
        &["7:69: `needs.j.outputs` has no `sums`; did you mean 'sum'?"],
    );
}

#[test]
fn inputs_and_secrets_of_a_call_have_to_fit() {
    assert_mistakes_beside(
        &call("with: { N: many, dri: true }\nsecrets: { TOKN: x }"),
        &[("ci/add.yml", CALLED)],
        &[
            "4:11: './ci/add.yml' needs the secret 'TOKEN'",
            "5:16: the input 'N' of './ci/add.yml' has to be a number",
            "5:27: './ci/add.yml' has no input 'dri'; did you mean 'dry'?",
            "6:22: './ci/add.yml' takes no secret 'TOKN'; did you mean 'TOKEN'?",
        ],
    );
    assert_mistakes_beside(
        &call("secrets: inherit"),
        &[("ci/add.yml", CALLED)],
        &["4:11: './ci/add.yml' needs the input 'n'"],
    );
    assert_mistakes_beside(
        &call("with: { n: 1 }\nsecrets: all"),
        &[("ci/add.yml", CALLED)],
        &["6:14: 'secrets' is 'inherit' or a mapping"],
    );
}

#[test]
fn what_cannot_be_called_is_refused() {
    let push = "on: push\njobs: { a: { runs-on: linux, steps: [{ run: x }] } }\n";
    assert_mistakes_beside(
        &call(""),
        &[("ci/add.yml", push)],
        &["4:11: 'ci/add.yml' cannot be called: add 'workflow_call' to its 'on'"],
    );
    assert_mistakes(&call(""), &["4:11: there is no file 'ci/add.yml' at this commit"]);
    for (uses, expected) in [
        ("./a.txt", "4:11: './a.txt' is no workflow file of this repository ('….yml')"),
        ("a.yml", "4:11: 'a.yml' is no workflow: write './.solum/workflows/x.yml'"),
        (
            "o/r/.github/workflows/a.yml@v1",
            "4:11: GitHub has 'o/r/.github/workflows/a.yml@v1', Solum does not: copy the \
          workflow into this repository, and call it by './…'",
        ),
    ] {
        assert_mistakes(&job(&format!("uses: {uses}")), &[expected]);
    }
}

#[test]
fn a_calling_job_has_no_steps() {
    assert_mistakes_beside(
        &call("with: { n: 1 }\nsecrets: inherit\nruns-on: linux\nenv: { A: b }"),
        &[("ci/add.yml", CALLED)],
        &[
            "7:5: a job that calls a workflow has no 'runs-on': name, permissions, needs, if, concurrency, strategy, uses, \
             with, secrets",
            "8:5: a job that calls a workflow has no 'env': name, permissions, needs, if, concurrency, strategy, uses, \
             with, secrets",
        ],
    );
}

#[test]
fn workflows_cannot_call_themselves() {
    let one = "on: workflow_call\njobs: { a: { uses: ./two.yml } }";
    let two = "on: workflow_call\njobs: { a: { uses: ./one.yml } }";
    assert_mistakes_beside(
        &job("uses: ./one.yml"),
        &[("one.yml", one), ("two.yml", two)],
        &["two.yml:2:20: this leads back to itself: one.yml → two.yml → one.yml"],
    );
    assert_mistakes_beside(
        &job("uses: ./w.yml"),
        &[("w.yml", "on: push")],
        &["4:11: this leads back to itself: w.yml → w.yml"],
    );
}

#[test]
fn the_caller_says_what_the_called_needs() {
    let input = "on: { workflow_call: { inputs: { a: {} }, outputs: { o: {} } } }\njobs: { a: { runs-on: linux, steps: [{ run: x }] } }";
    assert_mistakes(
        input,
        &[
            "1:34: input 'a' has no 'type': string, boolean or number",
            "1:54: output 'o' has no 'value'",
        ],
    );
}
