//! The keys of a workflow, its jobs apart.

use super::{Section, no_effect, read, refused};

const FOR_PEOPLE: &str = "text for people";

pub(in super::super) const ROOT: Section = Section {
    name: "",
    keys: &[
        read("name"),
        no_effect("description", FOR_PEOPLE),
        read("run-name"),
        read("on"),
        no_effect(
            "permissions",
            "they are those of GITHUB_TOKEN, and there is none here: the words are checked, and grant and take nothing",
        ),
        read("env"),
        read("defaults"),
        read("concurrency"),
        read("jobs"),
    ],
};

pub(in super::super) const ON_PUSH: Section = Section {
    name: "on.push",
    keys: &[
        read("branches"),
        read("branches-ignore"),
        read("tags"),
        read("tags-ignore"),
        read("paths"),
        read("paths-ignore"),
    ],
};

pub(in super::super) const ON_PULL_REQUEST: Section = Section {
    name: "on.pull_request",
    keys: &[
        read("types"),
        read("branches"),
        read("branches-ignore"),
        read("paths"),
        read("paths-ignore"),
    ],
};

pub(in super::super) const ON_SCHEDULE: Section =
    Section { name: "on.schedule[*]", keys: &[read("cron"), read("timezone")] };

pub(in super::super) const ON_DISPATCH: Section =
    Section { name: "on.workflow_dispatch", keys: &[read("inputs")] };

pub(in super::super) const DISPATCH_INPUT: Section = Section {
    name: "on.workflow_dispatch.inputs.<input_id>",
    keys: &[read("description"), read("required"), read("default"), read("type"), read("options")],
};

pub(in super::super) const ON_CALL: Section =
    Section { name: "on.workflow_call", keys: &[read("inputs"), read("outputs"), read("secrets")] };

pub(in super::super) const CALL_INPUT: Section = Section {
    name: "on.workflow_call.inputs.<input_id>",
    keys: &[read("description"), read("required"), read("default"), read("type")],
};

pub(in super::super) const CALL_OUTPUT: Section = Section {
    name: "on.workflow_call.outputs.<output_id>",
    keys: &[no_effect("description", FOR_PEOPLE), read("value")],
};

pub(in super::super) const CALL_SECRET: Section = Section {
    name: "on.workflow_call.secrets.<secret_id>",
    keys: &[no_effect("description", FOR_PEOPLE), read("required")],
};

/// Of events that have nothing else.
pub(in super::super) const ON_TYPES: Section =
    Section { name: "on.release, on.repository_dispatch", keys: &[read("types")] };

pub(in super::super) const DEFAULTS: Section =
    Section { name: "defaults, jobs.<job_id>.defaults", keys: &[read("run")] };

pub(in super::super) const DEFAULTS_RUN: Section = Section {
    name: "defaults.run, jobs.<job_id>.defaults.run",
    keys: &[read("shell"), read("working-directory")],
};

pub(in super::super) const CONCURRENCY: Section = Section {
    name: "concurrency, jobs.<job_id>.concurrency",
    keys: &[read("group"), read("cancel-in-progress"), read("queue")],
};

pub(in super::super) const RUNS_ON: Section = Section {
    name: "jobs.<job_id>.runs-on",
    keys: &[refused("group", "there are no groups of runners here: use labels"), read("labels")],
};
