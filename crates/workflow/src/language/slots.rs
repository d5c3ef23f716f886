//! Where an expression may stand, and which contexts there are: GitHub's table of context availability. `solum` is there
//! wherever its twin `github` is.

use crate::expression::{Allowed, Form, Names, Severity, Unchecked, check, references};

use super::definition::Template;
use super::keys::UNKNOWN_NAME;
use super::page::Page;

/// One row of the table.
#[derive(Debug)]
pub struct Slot {
    /// Keys with this availability, as the documentation names them.
    pub keys: &'static str,
    pub contexts: &'static [&'static str],
    /// `success()`, `failure()`, `always()`, `cancelled()`; such a key is a condition.
    pub status: bool,
    pub hash_files: bool,
}

const fn slot(keys: &'static str, contexts: &'static [&'static str]) -> Slot {
    Slot { keys, contexts, status: false, hash_files: false }
}

pub(super) const NONE: Slot = slot("defaults.run.<key>", &[]);
pub(super) const WORKFLOW: Slot = slot(
    "run-name, concurrency, on.workflow_call.inputs.<input_id>.default",
    &["github", "solum", "inputs", "vars"],
);
pub(super) const WORKFLOW_ENV: Slot =
    slot("env", &["github", "solum", "inputs", "vars", "secrets"]);
pub(super) const CALL_OUTPUT: Slot = slot(
    "on.workflow_call.outputs.<output_id>.value",
    &["github", "solum", "inputs", "vars", "jobs"],
);
pub(super) const JOB_IF: Slot = Slot {
    status: true,
    ..slot("jobs.<job_id>.if", &["github", "solum", "inputs", "vars", "needs"])
};
pub(super) const STRATEGY: Slot =
    slot("jobs.<job_id>.strategy", &["github", "solum", "inputs", "vars", "needs"]);
pub(super) const JOB: Slot = slot(
    "jobs.<job_id>.name, runs-on, environment, concurrency, timeout-minutes, continue-on-error, with.<input_id>",
    &["github", "solum", "inputs", "vars", "needs", "strategy", "matrix"],
);
pub(super) const JOB_DEFAULTS: Slot = slot(
    "jobs.<job_id>.defaults.run.<key>",
    &["github", "solum", "inputs", "vars", "needs", "strategy", "matrix", "env"],
);
pub(super) const JOB_ENV: Slot = slot(
    "jobs.<job_id>.env, jobs.<job_id>.secrets.<secret_id>",
    &["github", "solum", "inputs", "vars", "needs", "strategy", "matrix", "secrets"],
);
pub(super) const ENVIRONMENT_URL: Slot = slot(
    "jobs.<job_id>.environment.url",
    &[
        "github", "solum", "inputs", "vars", "needs", "strategy", "matrix", "steps", "job",
        "runner", "env",
    ],
);
pub(super) const JOB_OUTPUT: Slot = slot(
    "jobs.<job_id>.outputs.<output_id>",
    &[
        "github", "solum", "inputs", "vars", "needs", "strategy", "matrix", "secrets", "steps",
        "job", "runner", "env",
    ],
);
pub(super) const STEP: Slot = Slot {
    keys: "jobs.<job_id>.steps[*].name, run, shell, with, env, working-directory, timeout-minutes, continue-on-error, undo",
    hash_files: true,
    ..JOB_OUTPUT
};
pub(super) const STEP_IF: Slot =
    Slot { keys: "jobs.<job_id>.steps[*].if", status: true, hash_files: true, ..ENVIRONMENT_URL };
pub(super) const ACTION_DEFAULT: Slot = Slot {
    hash_files: true,
    ..slot(
        "action.yml: inputs.<input_id>.default",
        &["github", "solum", "strategy", "matrix", "job", "runner"],
    )
};
pub(super) const ACTION_OUTPUT: Slot = slot(
    "action.yml: outputs.<output_id>.value",
    &["github", "solum", "inputs", "strategy", "matrix", "steps", "job", "runner", "env"],
);
pub(super) const ACTION_STEP: Slot = Slot {
    keys: "action.yml: runs.steps[*].name, run, shell, with, env, working-directory, continue-on-error",
    hash_files: true,
    ..ACTION_OUTPUT
};
pub(super) const ACTION_STEP_IF: Slot =
    Slot { keys: "action.yml: runs.steps[*].if", status: true, ..ACTION_STEP };
pub(super) const ACTION_IF: Slot = Slot {
    status: true,
    hash_files: true,
    ..slot(
        "action.yml: runs.pre-if, runs.post-if",
        &["github", "solum", "inputs", "strategy", "matrix", "job", "runner", "env"],
    )
};

/// All of them, in the order of the documentation.
pub const SLOTS: &[&Slot] = &[
    &WORKFLOW,
    &WORKFLOW_ENV,
    &NONE,
    &CALL_OUTPUT,
    &JOB_IF,
    &STRATEGY,
    &JOB,
    &JOB_DEFAULTS,
    &JOB_ENV,
    &JOB_OUTPUT,
    &ENVIRONMENT_URL,
    &STEP_IF,
    &STEP,
    &ACTION_DEFAULT,
    &ACTION_OUTPUT,
    &ACTION_STEP_IF,
    &ACTION_STEP,
    &ACTION_IF,
];

/// Finds what is wrong with the expressions of a template at its place.
pub(super) fn expression(page: Page<'_>, template: &Template, slot: &Slot, names: &dyn Names) {
    let form = if slot.status { Form::Condition } else { Form::Text };
    let allowed = Allowed {
        contexts: slot.contexts,
        status: slot.status,
        hash_files: slot.hash_files,
        names,
    };
    for finding in check(template, form, &allowed) {
        let is_about_names =
            || !check(template, form, &Allowed { names: &Unchecked, ..allowed }).contains(&finding);
        match finding.severity {
            Severity::Warning => page.warn(finding.at, finding.message),
            Severity::Mistake if is_about_names() => {
                page.refuse(finding.at, UNKNOWN_NAME.what, finding.message);
            }
            Severity::Mistake => page.mistake(finding.at, finding.message),
        }
    }
    let Ok(found) = references(template, form) else { return };
    for path in &found.paths {
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let is_token = match path.as_slice() {
            ["secrets", name, ..] => {
                page.secret(name, template.at);
                name.eq_ignore_ascii_case("GITHUB_TOKEN")
            }
            ["github", name, ..] => name.eq_ignore_ascii_case("token"),
            _ => false,
        };
        if is_token {
            page.warn(template.at, "there is no GITHUB_TOKEN here: it is empty");
        }
    }
}
