//! The keys of a job and of its steps.

use super::{Section, added, no_effect, read, refused};

const NO_CONTAINERS: &str =
    "jobs run in boxes on this machine; containers come with the targets that have them";
const NO_PARALLEL_STEPS: &str =
    "steps run one after the other: make jobs of what is to run side by side";

pub(in super::super) const JOB: Section = Section {
    name: "jobs.<job_id>",
    keys: &[
        read("name"),
        no_effect("permissions", "there is no GITHUB_TOKEN here: as for the whole workflow"),
        read("needs"),
        read("if"),
        read("runs-on"),
        refused("snapshot", "a box is not an image that could be kept"),
        read("environment"),
        read("concurrency"),
        read("outputs"),
        read("env"),
        read("defaults"),
        read("steps"),
        read("timeout-minutes"),
        refused(
            "cancel-timeout-minutes",
            "a step that is told to stop has 7.5 seconds, and 10 more after SIGTERM",
        ),
        read("strategy"),
        read("continue-on-error"),
        refused("container", NO_CONTAINERS),
        refused(
            "services",
            "start what the job needs in a 'run' step; services come with the targets that have containers",
        ),
        read("uses"),
        read("with"),
        read("secrets"),
    ],
};

/// What a job that calls a workflow may have.
pub(in super::super) const CALLING: &[&str] =
    &["name", "permissions", "needs", "if", "concurrency", "strategy", "uses", "with", "secrets"];

pub(in super::super) const ENVIRONMENT: Section = Section {
    name: "jobs.<job_id>.environment",
    keys: &[
        read("name"),
        read("url"),
        no_effect(
            "deployment",
            "'solum/deploy' makes deployments, an environment alone makes none",
        ),
    ],
};

pub(in super::super) const STRATEGY: Section = Section {
    name: "jobs.<job_id>.strategy",
    keys: &[read("matrix"), read("fail-fast"), read("max-parallel")],
};

pub(in super::super) const STEP: Section = Section {
    name: "jobs.<job_id>.steps[*]",
    keys: &[
        read("id"),
        read("if"),
        read("name"),
        read("uses"),
        read("run"),
        read("shell"),
        read("with"),
        read("env"),
        read("continue-on-error"),
        read("timeout-minutes"),
        read("working-directory"),
        added("retry", "tries the step again when it fails"),
        added(
            "undo",
            "an action that takes the step back, if the run fails after the step succeeded",
        ),
        refused("background", NO_PARALLEL_STEPS),
        refused("wait", NO_PARALLEL_STEPS),
        refused("wait-all", NO_PARALLEL_STEPS),
        refused("cancel", NO_PARALLEL_STEPS),
        refused("parallel", NO_PARALLEL_STEPS),
    ],
};

pub(in super::super) const RETRY: Section = Section {
    name: "jobs.<job_id>.steps[*].retry",
    keys: &[
        added("attempts", "tries in all, 1 to 10"),
        added(
            "backoff",
            "before the second try ('10s', '5m'); doubles with every further one, up to an hour",
        ),
    ],
};

pub(in super::super) const UNDO: Section = Section {
    name: "jobs.<job_id>.steps[*].undo",
    keys: &[
        added("uses", "as of a step"),
        added("with", "as of a step"),
        added("run", "as of a step"),
        added("shell", "as of a step"),
        added("working-directory", "as of a step"),
    ],
};
