//! The events that can start a workflow, and those of GitHub that cannot.

use super::keys::{ON_CALL, ON_DISPATCH, ON_PULL_REQUEST, ON_PUSH, ON_TYPES, Section};

/// An event that Solum has.
#[derive(Debug, Clone, Copy)]
pub struct EventKind {
    pub name: &'static str,
    pub what: &'static str,
    /// What may stand under it; `None`: nothing.
    pub section: Option<&'static Section>,
    /// The activity types that `types` may name; empty: any word.
    pub types: &'static [&'static str],
    /// Those that count when `types` is not there; empty: all.
    pub default_types: &'static [&'static str],
    pub added: bool,
}

const fn event(name: &'static str, what: &'static str) -> EventKind {
    EventKind { name, what, section: None, types: &[], default_types: &[], added: false }
}

const CHANGE_TYPES: &[&str] = &[
    "opened",
    "synchronize",
    "reopened",
    "closed",
    "edited",
    "assigned",
    "unassigned",
    "labeled",
    "unlabeled",
    "converted_to_draft",
    "ready_for_review",
    "locked",
    "unlocked",
    "milestoned",
    "demilestoned",
    "review_requested",
    "review_request_removed",
    "auto_merge_enabled",
    "auto_merge_disabled",
    "enqueued",
    "dequeued",
    "stacked",
];

const RELEASE_TYPES: &[&str] =
    &["published", "unpublished", "created", "edited", "deleted", "prereleased", "released"];

pub const EVENTS: &[EventKind] = &[
    EventKind { section: Some(&ON_PUSH), ..event("push", "a branch or a tag was pushed") },
    EventKind {
        section: Some(&ON_PULL_REQUEST),
        types: CHANGE_TYPES,
        default_types: &["opened", "synchronize", "reopened"],
        ..event("pull_request", "a change asks to become a branch's next state")
    },
    EventKind {
        section: Some(&ON_DISPATCH),
        ..event("workflow_dispatch", "a person or a program starts it, with inputs")
    },
    EventKind { section: Some(&ON_CALL), ..event("workflow_call", "another workflow calls it") },
    event("schedule", "at times that 'cron' gives"),
    EventKind {
        section: Some(&ON_TYPES),
        ..event("repository_dispatch", "something outside says so, with a type of its own")
    },
    EventKind {
        section: Some(&ON_TYPES),
        types: RELEASE_TYPES,
        ..event("release", "a release was made")
    },
    event("deployment_status", "a deployment has come to another state"),
    EventKind { added: true, ..event("deploy", "'solum deploy', and config that changed") },
    EventKind { added: true, ..event("rollback", "'solum rollback'") },
    EventKind { added: true, ..event("promotion", "'solum promote'") },
    EventKind { added: true, ..event("service", "'solum service upgrade'") },
];

const NO_REVIEWS: &str = "Solum has no issues, reviews, labels or pages that it could speak of";
const OF_GITHUB: &str = "it is about GitHub's own";

/// What GitHub has beside those, and what to do instead.
pub const REFUSED_EVENTS: &[(&str, &str)] = &[
    ("branch_protection_rule", OF_GITHUB),
    ("check_run", OF_GITHUB),
    ("check_suite", OF_GITHUB),
    ("create", "use 'push' with 'branches' or 'tags'"),
    ("delete", "nothing runs when a branch or a tag goes away"),
    ("deployment", "use 'deployment_status'"),
    ("discussion", NO_REVIEWS),
    ("discussion_comment", NO_REVIEWS),
    ("fork", OF_GITHUB),
    ("gollum", NO_REVIEWS),
    ("image_version", OF_GITHUB),
    ("issue_comment", NO_REVIEWS),
    ("issues", NO_REVIEWS),
    ("label", NO_REVIEWS),
    (
        "merge_group",
        "pushes of a branch queue by themselves, and each is run on top of the one before: use 'push'",
    ),
    ("milestone", NO_REVIEWS),
    ("page_build", NO_REVIEWS),
    ("project", NO_REVIEWS),
    ("project_card", NO_REVIEWS),
    ("project_column", NO_REVIEWS),
    ("public", OF_GITHUB),
    ("pull_request_comment", NO_REVIEWS),
    ("pull_request_review", NO_REVIEWS),
    ("pull_request_review_comment", NO_REVIEWS),
    ("pull_request_target", "a change never gets secrets here: use 'pull_request'"),
    ("registry_package", OF_GITHUB),
    ("status", OF_GITHUB),
    ("watch", OF_GITHUB),
    ("workflow_run", "call the one workflow from the other ('workflow_call'), or use 'needs'"),
];

pub(super) fn event_kind(name: &str) -> Option<&'static EventKind> {
    EVENTS.iter().find(|event| event.name == name)
}

pub(super) fn refused_event(name: &str) -> Option<&'static str> {
    REFUSED_EVENTS.iter().find(|(event, _)| *event == name).map(|(_, instead)| *instead)
}
