//! Every key of the language, what Solum does with it, and what it says of one that it refuses.
//!
//! The reader knows no key but these, and `docs/workflows.md` is checked against them: a key cannot be read without
//! being documented, and none is ignored in silence.

mod action;
mod builtin;
mod job;
mod workflow;

pub(super) use action::*;
pub use builtin::{BUILT_IN, BuiltIn};
pub(super) use job::*;
pub(super) use workflow::*;

/// The keys that may stand in one kind of mapping.
#[derive(Debug, Clone, Copy)]
pub struct Section {
    /// As GitHub's documentation writes it: `jobs.<job_id>.steps[*]`; empty for the file itself.
    pub name: &'static str,
    pub keys: &'static [Key],
}

#[derive(Debug, Clone, Copy)]
pub struct Key {
    pub name: &'static str,
    pub support: Support,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Support {
    /// It means what it means on GitHub.
    Read,
    /// It is checked for its form and changes nothing; why.
    NoEffect(&'static str),
    /// GitHub does not have it; what it does.
    Added(&'static str),
    /// GitHub has it, Solum does not (yet): a mistake. What to do instead.
    Refused(&'static str),
}

pub(super) const fn read(name: &'static str) -> Key {
    Key { name, support: Support::Read }
}

pub(super) const fn no_effect(name: &'static str, why: &'static str) -> Key {
    Key { name, support: Support::NoEffect(why) }
}

pub(super) const fn added(name: &'static str, what: &'static str) -> Key {
    Key { name, support: Support::Added(what) }
}

pub(super) const fn refused(name: &'static str, instead: &'static str) -> Key {
    Key { name, support: Support::Refused(instead) }
}

impl Section {
    pub(super) fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }

    /// `jobs.<job_id>.container`
    #[must_use]
    pub fn path(&self, key: &str) -> String {
        if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) }
    }
}

/// All of them, in the order of the documentation.
pub const SECTIONS: &[&Section] = &[
    &ROOT,
    &ON_PUSH,
    &ON_PULL_REQUEST,
    &ON_SCHEDULE,
    &ON_DISPATCH,
    &DISPATCH_INPUT,
    &ON_CALL,
    &CALL_INPUT,
    &CALL_OUTPUT,
    &CALL_SECRET,
    &ON_TYPES,
    &DEFAULTS,
    &DEFAULTS_RUN,
    &CONCURRENCY,
    &JOB,
    &ENVIRONMENT,
    &RUNS_ON,
    &STRATEGY,
    &STEP,
    &RETRY,
    &UNDO,
    &ACTION,
    &ACTION_INPUT,
    &ACTION_OUTPUT,
    &RUNS_COMPOSITE,
    &RUNS_NODE,
    &COMPOSITE_STEP,
];

/// What GitHub has and Solum does not, and that is not a key.
#[derive(Debug, Clone, Copy)]
pub struct Refusal {
    pub what: &'static str,
    pub instead: &'static str,
}

pub(super) const MIRRORED_ACTION: Refusal = Refusal {
    what: "uses: owner/repo@ref",
    instead: "actions of other repositories come from the mirror of actions that the administrator sets",
};
pub(super) const REMOTE_WORKFLOW: Refusal = Refusal {
    what: "jobs.<job_id>.uses: owner/repo/…@ref",
    instead: "copy the workflow into this repository, and call it by './…'",
};
pub(super) const DOCKER_ACTION: Refusal = Refusal {
    what: "uses: docker://…",
    instead: "steps run in a box on this machine, not in a container: write a 'run' step",
};
pub(super) const CONTAINER_ACTION: Refusal = Refusal {
    what: "runs.using: docker",
    instead: "steps run in a box on this machine, not in a container: write a composite or a JavaScript action",
};
pub(super) const WINDOWS_SHELL: Refusal = Refusal {
    what: "shell: pwsh, powershell, cmd",
    instead: "use 'bash', 'sh', 'python', 'node', or a command with '{0}' in it",
};
pub(super) const MAPPING_EXPRESSION: Refusal = Refusal {
    what: "${{ … }} in place of a whole mapping",
    instead: "write the mapping out, with expressions in its values ('matrix' may be one expression)",
};
pub(super) const ENVIRONMENT_NAME: Refusal = Refusal {
    what: "jobs.<job_id>.environment: names with capitals, spaces, …",
    instead: "an environment's name is part of a host name: use lower-case letters, digits and hyphens",
};
pub(super) const CACHE_PART: Refusal = Refusal {
    what: "uses: actions/cache/restore, actions/cache/save",
    instead: "use 'actions/cache', which restores where it stands and saves when the job ends",
};
pub(super) const MERGE_ARTIFACT: Refusal = Refusal {
    what: "uses: actions/upload-artifact/merge",
    instead: "use 'actions/download-artifact' with 'merge-multiple: true', and upload what it brought",
};

pub(super) const UNKNOWN_NAME: Refusal = Refusal {
    what: "names in expressions that nothing gives (needs.x.outputs.y, steps.x, matrix.x, inputs.x)",
    instead: "GitHub reads them as empty, which nobody means: mend the name, or list it where it comes from",
};

pub const REFUSALS: &[&Refusal] = &[
    &MIRRORED_ACTION,
    &REMOTE_WORKFLOW,
    &DOCKER_ACTION,
    &CONTAINER_ACTION,
    &WINDOWS_SHELL,
    &MAPPING_EXPRESSION,
    &ENVIRONMENT_NAME,
    &CACHE_PART,
    &MERGE_ARTIFACT,
    &UNKNOWN_NAME,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_stands_once_in_its_section() {
        for section in SECTIONS {
            for (index, key) in section.keys.iter().enumerate() {
                let before = &section.keys[..index];
                assert!(before.iter().all(|other| other.name != key.name), "{}", key.name);
            }
        }
    }
}
