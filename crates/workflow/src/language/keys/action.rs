//! The keys of an action's `action.yml`. GitHub allows others beside them; those are a warning.

use super::{Section, added, no_effect, read};

const FOR_PEOPLE: &str = "text for people";

pub(in super::super) const ACTION: Section = Section {
    name: "action.yml",
    keys: &[
        no_effect("name", FOR_PEOPLE),
        no_effect("author", FOR_PEOPLE),
        no_effect("description", FOR_PEOPLE),
        read("inputs"),
        read("outputs"),
        read("runs"),
        no_effect("branding", "for GitHub's marketplace"),
    ],
};

pub(in super::super) const ACTION_INPUT: Section = Section {
    name: "action.yml: inputs.<input_id>",
    keys: &[
        read("description"),
        read("required"),
        read("default"),
        no_effect("deprecationMessage", FOR_PEOPLE),
    ],
};

pub(in super::super) const ACTION_OUTPUT: Section = Section {
    name: "action.yml: outputs.<output_id>",
    keys: &[no_effect("description", FOR_PEOPLE), read("value")],
};

pub(in super::super) const RUNS_COMPOSITE: Section =
    Section { name: "action.yml: runs (composite)", keys: &[read("using"), read("steps")] };

pub(in super::super) const RUNS_NODE: Section = Section {
    name: "action.yml: runs (node…)",
    keys: &[
        read("using"),
        read("main"),
        read("pre"),
        read("pre-if"),
        read("post"),
        read("post-if"),
    ],
};

pub(in super::super) const COMPOSITE_STEP: Section = Section {
    name: "action.yml: runs.steps[*]",
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
        read("working-directory"),
        added("retry", "as of a job's step"),
    ],
};
