//! `uses:` of steps: built-in, local and mirrored actions.

use super::*;

fn action_of(workflow: &Workflow) -> &Action {
    match &workflow.definition.jobs[0].work {
        Work::Steps { steps, .. } => &steps[0].action,
        Work::Call(_) => panic!("it calls"),
    }
}

const COMPOSITE: &str = "name: x\ninputs: { who: { required: true }, greeting: { default: hello } }\n\
    outputs: { said: { value: '${{ steps.say.outputs.said }}' } }\nruns:\n  using: composite\n  steps:\n    \
    - { id: say, run: 'echo ${{ inputs.greeting }} ${{ inputs.who }}', shell: bash }\n";
const JAVASCRIPT: &str = "outputs: { time: {} }\nruns: { using: node20, main: dist/index.js, post: dist/post.js, post-if: success() }\n";

#[test]
fn a_composite_action_is_read_into_the_definition() {
    let others = [("ci/hello/action.yml", COMPOSITE)];
    let workflow = good_beside(&step("uses: ./ci/hello\nwith: { who: me }"), &others);
    let Action::Composite { with, action } = action_of(&workflow) else { panic!() };
    assert_eq!(with[0].1.text, "me");
    assert_eq!(action.file, "ci/hello/action.yml");
    assert_eq!(action.origin, Origin::Run);
    assert_eq!(action.inputs.len(), 2);
    assert_eq!(action.outputs[0].name, "said");
    assert_eq!(action.steps[0].key, "say");
}

#[test]
fn a_javascript_action_knows_its_files() {
    let others = [("ci/js/action.yaml", JAVASCRIPT)];
    let workflow = good_beside(&step("uses: ./ci/js"), &others);
    let Action::JavaScript { action, .. } = action_of(&workflow) else { panic!() };
    assert_eq!((action.directory.as_str(), action.main.as_str()), ("ci/js", "dist/index.js"));
    assert_eq!(action.post.as_deref(), Some("dist/post.js"));
    assert_eq!(action.post_if.as_ref().unwrap().text, "success()");
}

#[test]
fn what_an_action_of_this_repository_would_do_before_its_checkout_is_warned_of() {
    let before = JAVASCRIPT.replace("post: dist", "pre: dist/pre.js, post: dist");
    let workflow = good_beside(&step("uses: ./ci/js"), &[("ci/js/action.yml", &before)]);
    let warnings = lines(&workflow.warnings);
    let [warning] = warnings.as_slice() else { panic!("{warnings:?}") };
    assert!(warning.starts_with("ci/js/action.yml:2:50: 'pre' of an action"), "{warning}");
}

#[test]
fn an_action_of_the_mirror_is_pinned_to_its_commit() {
    let others = [("octo/hello@v1:sub/action.yml", JAVASCRIPT)];
    let workflow = good_beside(&step("uses: octo/hello/sub@v1"), &others);
    let Action::JavaScript { action, .. } = action_of(&workflow) else { panic!() };
    let (repository, reference) = ("octo/hello".to_owned(), "v1".to_owned());
    let commit = "commit-of-v1".to_owned();
    assert_eq!(action.origin, Origin::Mirror { repository, reference, commit });
    assert_eq!(action.directory, "sub");
}

#[test]
fn without_a_mirror_other_repositories_are_refused_by_name() {
    let refused = refused_beside(&step("uses: octo/hello@v1"), &[]);
    assert_eq!(refused.not_done, ["uses: owner/repo@ref"]);
    assert_eq!(
        lines(&refused.mistakes),
        [
            "w.yml:6:15: 'octo/hello@v1' is not here: there is no mirror; actions of other repositories come from the \
          mirror of actions that the administrator sets"
        ]
    );
}

#[test]
fn dollar_slash_means_the_repository_that_the_file_is_in() {
    let outer = "runs: { using: composite, steps: [{ uses: $/inner }] }\n";
    let others = [("octo/x@v1:action.yml", outer), ("octo/x@v1:inner/action.yml", JAVASCRIPT)];
    let workflow = good_beside(&step("uses: octo/x@v1"), &others);
    let Action::Composite { action, .. } = action_of(&workflow) else { panic!() };
    let Action::JavaScript { action, .. } = &action.steps[0].action else { panic!() };
    assert!(matches!(action.origin, Origin::Mirror { .. }));
    good_beside(&step("uses: $/js"), &[("js/action.yml", JAVASCRIPT)]);
}

#[test]
fn a_mistake_in_an_action_of_the_mirror_says_whose_it_is() {
    let others = [("octo/x@v1:sub/action.yml", "runs: { using: cobol }\n")];
    assert_eq!(
        lines(&refused_beside(&step("uses: octo/x/sub@v1"), &others).mistakes),
        ["octo/x@v1:sub/action.yml:1:16: 'using' is 'composite' or 'node20', not 'cobol'"]
    );
}

#[test]
fn a_definition_knows_everything_that_it_uses_of_the_mirror() {
    let outer = "runs: { using: composite, steps: [{ uses: other/js@v2 }, { uses: $/inner }] }\n";
    let others = [
        ("octo/x@v1:action.yml", outer),
        ("octo/x@v1:inner/action.yml", JAVASCRIPT),
        ("other/js@v2:action.yml", JAVASCRIPT),
        ("octo/undo@v3:action.yml", JAVASCRIPT),
        ("here/action.yml", "runs: { using: composite, steps: [{ uses: octo/deep@v4 }] }\n"),
        ("octo/deep@v4:action.yml", JAVASCRIPT),
    ];
    let steps = "on: push\njobs:\n  j:\n    runs-on: linux\n    steps:\n      - uses: octo/x@v1\n        \
                 undo: { uses: octo/undo@v3 }\n      - uses: ./here\n";
    let found = good_beside(steps, &others).definition.mirrored();
    let found: Vec<_> =
        found.iter().map(|(repository, commit)| format!("{repository} {commit}")).collect();
    assert_eq!(
        found,
        [
            "octo/deep commit-of-v4",
            "octo/undo commit-of-v3",
            "octo/x commit-of-v1",
            "other/js commit-of-v2"
        ]
    );
}

#[test]
fn what_is_no_action_is_refused() {
    for (uses, expected) in [
        (
            "./gone",
            "6:15: './gone' has neither action.yml nor action.yaml; what a run uses is read when it begins, so a \
                    step cannot bring an action along",
        ),
        ("./../out", "6:15: './../out' leads out of the repository"),
        ("actions/checkout", "6:15: 'actions/checkout' is no action: add its version: '@v1'"),
        (
            "checkout",
            "6:15: 'checkout' is no action: './folder', 'owner/repo@v1' or 'solum/deploy'",
        ),
        ("a@v1", "6:15: 'a@v1' is no action: write 'owner/repo@v1'"),
        (
            "docker://alpine:3",
            "6:15: GitHub has 'docker://alpine:3', Solum does not: steps run in a box on this machine, \
                               not in a container: write a 'run' step",
        ),
        (
            "'${{ matrix.x }}'",
            "6:15: no expression can stand here: it is read before anything runs",
        ),
        (
            "actions/cache/save@v4",
            "6:15: GitHub has 'actions/cache/save@v4', Solum does not: use 'actions/cache', which \
                                   restores where it stands and saves when the job ends",
        ),
    ] {
        assert_mistakes(&step(&format!("uses: {uses}")), &[expected]);
    }
}

#[test]
fn built_in_actions_know_their_inputs() {
    let text = step(
        "uses: Actions/Checkout@v4\nwith: { fetch-depth: 0, persist-credentials: false, lfs: false }",
    );
    let workflow = good(&text);
    let Action::BuiltIn { name, with } = action_of(&workflow) else { panic!() };
    assert_eq!((name.as_str(), with.len()), ("actions/checkout", 1));
    assert_mistakes(
        &step("uses: actions/checkout@v4\nwith: { repository: a/b }"),
        &[
            "7:17: 'actions/checkout' has 'repository' on GitHub, not here: the repository of the run is what can be \
           checked out; for others use 'git clone' in a 'run' step",
        ],
    );
    assert_mistakes(
        &step("uses: actions/cache@v4\nwith: { path: x }"),
        &["6:15: 'actions/cache' needs the input 'key'"],
    );
    let workflow = good(&step("uses: actions/checkout@v4\nwith: { fetch-dept: 0 }"));
    assert_eq!(
        lines(&workflow.warnings),
        ["w.yml:7:17: 'actions/checkout' has no input 'fetch-dept'; did you mean 'fetch-depth'?"]
    );
}

#[test]
fn inputs_of_an_action_warn_as_on_github() {
    let others = [("x/action.yml", COMPOSITE)];
    let workflow = good_beside(&step("uses: ./x\nwith: { hwo: me }"), &others);
    assert_eq!(
        lines(&workflow.warnings),
        [
            "w.yml:6:15: './x' needs the input 'who'",
            "w.yml:7:22: './x' has no input 'hwo'; did you mean 'who'?",
        ]
    );
}

#[test]
fn mistakes_in_an_action_name_its_file() {
    for (action, expected) in [
        (
            "runs: { using: docker, image: x }",
            "x/action.yml:1:16: GitHub has 'using: docker', Solum does not: steps run in \
          a box on this machine, not in a container: write a composite or a JavaScript action",
        ),
        (
            "runs: { using: node20 }",
            "x/action.yml:1:7: a JavaScript action needs 'main': the file that it runs",
        ),
        (
            "runs: { using: node20, main: ../x.js }",
            "x/action.yml:1:30: '../x.js' is no file of the action",
        ),
        (
            "runs: { using: rust }",
            "x/action.yml:1:16: 'using' is 'composite' or 'node20', not 'rust'",
        ),
        ("name: x", "x/action.yml:1:1: an action needs 'runs'"),
        ("runs: { using: composite }", "x/action.yml:1:7: a composite action needs 'steps'"),
        (
            "runs: { using: composite, steps: [{ run: x }] }",
            "x/action.yml:1:35: a 'run' step of an action needs \
          'shell': it has no defaults",
        ),
        (
            "runs: { using: composite, steps: [{ run: x, shell: sh, timeout-minutes: 1 }] }",
            "x/action.yml:1:56: unknown key 'timeout-minutes'; what can stand here: id, if, name, uses, run, shell, with, env, \
          continue-on-error, working-directory, retry",
        ),
        (
            "runs: { using: composite, steps: [{ run: '${{ secrets.A }}', shell: sh }] }",
            "x/action.yml:1:46: `secrets` is not available here; these are: github, solum, inputs, strategy, matrix, \
             steps, job, runner, env",
        ),
        (
            "runs: { using: composite, steps: [{ run: '${{ inputs.a }}', shell: sh }] }",
            "x/action.yml:1:53: `inputs` has no `a`",
        ),
    ] {
        assert_mistakes_beside(&step("uses: ./x"), &[("x/action.yml", action)], &[expected]);
    }
}

#[test]
fn actions_cannot_use_themselves() {
    let one = "runs: { using: composite, steps: [{ uses: ./two }] }";
    let two = "runs: { using: composite, steps: [{ uses: ./one }] }";
    let others = [("one/action.yml", one), ("two/action.yml", two)];
    assert_mistakes_beside(
        &step("uses: ./one"),
        &others,
        &[
            "two/action.yml:1:43: this leads back to itself: one/action.yml → two/action.yml → one/action.yml",
        ],
    );
}
