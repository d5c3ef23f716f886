//! Where act does otherwise than GitHub, and Solum does not. The list is exact: one that goes away has to go from here.

use super::outcome::Lines;

struct Difference {
    workflow: &'static str,
    /// What GitHub does.
    why: &'static str,
    /// Lines that only Solum has.
    here: &'static [&'static str],
    /// Lines that only act has.
    act: &'static [&'static str],
}

const DIFFERENCES: &[Difference] = &[
    Difference {
        workflow: "composite",
        why: "an action hands on what it names under `outputs`; act adds what its last step put out",
        here: &[],
        act: &["failing bad.at = after", "failing tolerated.at = after", "greet relay.outer = you"],
    },
    Difference {
        workflow: "mirrored",
        why: "the same",
        here: &[],
        act: &["uses kit.prepared = yes", "uses kit.whose = octo/hello@v1"],
    },
    Difference {
        workflow: "scope",
        why: "the same",
        here: &[],
        act: &["scope given.it = inside", "scope plain.it = inside"],
    },
    Difference {
        workflow: "scope",
        why: "a composite action gets its inputs in the context `inputs`, and not as INPUT_…",
        here: &["scope given/flagged.it = []"],
        act: &["scope given/flagged.it = [true]"],
    },
    Difference {
        workflow: "fail-fast",
        why: "with `fail-fast`, which is the default, the other legs are cancelled when one fails",
        here: &["fast[1]: cancelled", "fast[2]: cancelled"],
        act: &[
            "fast[1] leg.n = 2",
            "fast[1] leg: failure",
            "fast[1]: failure",
            "fast[2] leg.n = 3",
            "fast[2] leg: failure",
            "fast[2]: failure",
        ],
    },
    Difference {
        workflow: "fail-fast",
        why: "each leg has a result of its own; in act they share the one of their job",
        here: &["slow[1]: success", "slow[2]: success"],
        act: &["slow[1]: failure", "slow[2]: failure"],
    },
    Difference {
        workflow: "matrix",
        why: "`strategy` has `job-index` and `job-total`",
        here: &["written[0] count.it = 0 of 4"],
        act: &["written[0] count.it =  of "],
    },
    Difference {
        workflow: "tolerance",
        why: "a job that fails with `continue-on-error` is a success for those that need it",
        here: &[
            "after-job told.result = success",
            "after-job-by-success 0: success",
            "after-job-by-success: success",
            "job: success",
        ],
        act: &["after-job told.result = failure", "job: failure"],
    },
    Difference {
        workflow: "failed-call",
        why: "what comes after a called workflow that failed is decided by its `if`; act ends there",
        here: &["after told.it = failure nobody x1.", "after told: success", "after: success"],
        act: &[],
    },
    Difference {
        workflow: "javascript",
        why: "what comes after a job whose `post` part failed is decided by its `if`; act ends there",
        here: &["after told.it = success failure", "after told: success", "after: success"],
        act: &[],
    },
    Difference {
        workflow: "files",
        why: "a step fails that writes something else to GITHUB_OUTPUT than names with values, and \
              may be allowed to; for act the job fails and not the step",
        here: &[
            "no-end bad: failure",
            "no-end seen.it = failure",
            "no-end: success",
            "no-pair bad: failure",
            "no-pair seen.it = failure",
            "no-pair: success",
        ],
        act: &[
            "no-end bad: success",
            "no-end seen.it = success",
            "no-end: failure",
            "no-pair bad: success",
            "no-pair seen.it = success",
            "no-pair: failure",
        ],
    },
    Difference {
        workflow: "json",
        why: "a filter leaves out what does not have the property",
        here: &["values from.filter = 1,2"],
        act: &["values from.filter = 1,2,"],
    },
    Difference {
        workflow: "json",
        why: "`toJSON` keeps the order of what was written; act sorts",
        here: &[
            "values to.matrix = {⏎  \"name\": \"one\",⏎  \"flags\": [⏎    \"a\",⏎    \"b\"⏎  ]⏎}",
        ],
        act: &[
            "values to.matrix = {⏎  \"flags\": [⏎    \"a\",⏎    \"b\"⏎  ],⏎  \"name\": \"one\"⏎}",
        ],
    },
    Difference {
        workflow: "json",
        why: "`toJSON` writes `<` as it is",
        here: &[r#"values to.text = "a \"quoted\" <text>""#],
        act: &[r#"values to.text = "a \"quoted\" \u003ctext\u003e""#],
    },
    Difference {
        workflow: "scalars",
        why: "a number without quotes is a number, whichever way it is written",
        here: &["texts env.numbers = 3.1 16 100 3.1"],
        act: &["texts env.numbers = 3.10 0x10 1e2 3.10"],
    },
    Difference {
        workflow: "secrets",
        why: "an output of a job that has a secret in it is left out",
        here: &["other s.length = 7 true true [], 0 of the secret"],
        act: &["other s.length = 7 true true [], 7 of the secret"],
    },
    Difference {
        workflow: "secrets",
        why: "nobody is shown a secret that a step puts out",
        here: &["use s.secret = ***"],
        act: &["use s.secret = hunter2"],
    },
];

/// What is not as the list has it.
pub(super) fn unexplained(workflow: &str, here: &Lines, act: &Lines) -> Vec<String> {
    let known = || DIFFERENCES.iter().filter(|difference| difference.workflow == workflow);
    let listed_here: Lines = known().flat_map(|it| owned(it.here)).collect();
    let listed_act: Lines = known().flat_map(|it| owned(it.act)).collect();
    let found_here: Lines = here.difference(act).cloned().collect();
    let found_act: Lines = act.difference(here).cloned().collect();
    let mut told = Vec::new();
    for (who, found, listed) in [("Solum", found_here, listed_here), ("act", found_act, listed_act)]
    {
        let new = found.difference(&listed).map(|line| format!("{workflow}: only {who}: {line}"));
        told.extend(new);
        for line in listed.difference(&found) {
            let of_line = |it: &&Difference| it.here.iter().chain(it.act).any(|one| one == line);
            let why = known().find(of_line).map_or("", |it| it.why);
            told.push(format!("{workflow}: not only {who} any more: {line} ({why})"));
        }
    }
    told
}

/// Differences of workflows that there are not.
pub(super) fn about_nothing(workflows: &[String]) -> Vec<String> {
    let is_there = |it: &&Difference| workflows.iter().any(|name| name == it.workflow);
    let lost = DIFFERENCES.iter().filter(|it| !is_there(it));
    lost.map(|it| format!("there is no workflow {}, where {}", it.workflow, it.why)).collect()
}

fn owned(lines: &'static [&'static str]) -> impl Iterator<Item = String> {
    lines.iter().map(|line| (*line).to_owned())
}
