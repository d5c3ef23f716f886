//! What a new policy asks less of than the old one. A push that loosens the policy of an environment is judged by the old one, and an owner
//! has to agree to the new one.
//!
//! The rule where it cannot be told whether a change asks less (another cron line, another pattern of branches) is: it does.

use std::collections::BTreeSet;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use types::Promote;

use super::{Approvals, Approver, Branches, Freeze, Policy};

/// One key of the manifest that asks less than before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Loosening {
    /// As it stands below the environment: `approvals.count`.
    pub key: &'static str,
    /// What it asked, and what it asks now.
    pub change: String,
}

/// All keys that ask less, in the order of the manifest's documentation; none when the new policy is at least as strict.
#[must_use]
pub fn loosens(old: &Policy, new: &Policy) -> Vec<Loosening> {
    // Taken apart so that a key that is added has to be thought of here. Which of the waiting deployments goes first asks nothing of any.
    let Policy {
        after,
        promote,
        soak,
        approvals,
        branches,
        freeze,
        freeze_holds_rollouts,
        queue: _,
    } = new;
    let mut keys = Vec::new();
    let mut loosened = |key, asks_less, change: String| {
        if asks_less {
            keys.push(Loosening { key, change });
        }
    };
    let name = |after: &Option<types::EnvironmentName>| {
        after.as_ref().map_or_else(|| "nothing".to_owned(), ToString::to_string)
    };
    loosened(
        "after",
        old.after.is_some() && *after != old.after,
        format!("after {} becomes after {}", name(&old.after), name(after)),
    );
    loosened(
        "promote",
        (old.promote, *promote) == (Promote::Manual, Promote::Automatic),
        "manual becomes automatic".to_owned(),
    );
    loosened("soak", *soak < old.soak, format!("{:?} becomes {soak:?}", old.soak));
    for Loosening { key, change } in loosens_approvals(old.approvals.as_ref(), approvals.as_ref()) {
        loosened(key, true, change);
    }
    if let Some(change) = loosens_branches(old.branches.as_ref(), branches.as_ref()) {
        loosened("branches", true, change);
    }
    if let Some(change) = loosens_freeze(&old.freeze, freeze) {
        loosened("freeze", true, change);
    }
    loosened(
        "freeze_holds_rollouts",
        old.freeze_holds_rollouts && !freeze_holds_rollouts,
        "a freeze no longer stops a rollout under way".to_owned(),
    );
    keys
}

fn loosens_approvals(old: Option<&Approvals>, new: Option<&Approvals>) -> Vec<Loosening> {
    let Some(old) = old.filter(|old| old.count > 0) else { return Vec::new() };
    let Some(new) = new else {
        let change = format!("{} become none", old.count);
        return vec![Loosening { key: "approvals", change }];
    };
    let Approvals { count, from, allow_author, timeout } = new;
    let changes = [
        ("approvals.count", (*count < old.count).then(|| format!("{} becomes {count}", old.count))),
        ("approvals.from", wider(&old.from, from)),
        (
            "approvals.allow_author",
            (*allow_author && !old.allow_author).then(|| "authors may approve now".to_owned()),
        ),
        ("approvals.timeout", longer(old.timeout, *timeout)),
    ];
    let changes = changes.into_iter().filter_map(|(key, change)| Some((key, change?)));
    changes.map(|(key, change)| Loosening { key, change }).collect()
}

/// No names at all stand for everybody.
fn wider(old: &BTreeSet<Approver>, new: &BTreeSet<Approver>) -> Option<String> {
    if old.is_empty() {
        return None;
    }
    if new.is_empty() {
        return Some("anybody may approve now".to_owned());
    }
    let added: Vec<_> = new.difference(old).map(ToString::to_string).collect();
    (!added.is_empty()).then(|| format!("{} may approve now", added.join(", ")))
}

/// No time at all stands for ever.
fn longer(old: Option<Duration>, new: Option<Duration>) -> Option<String> {
    match (old, new) {
        (Some(old), None) => Some(format!("{old:?} becomes for ever")),
        (Some(old), Some(new)) if new > old => Some(format!("{old:?} becomes {new:?}")),
        _ => None,
    }
}

fn loosens_branches(old: Option<&Branches>, new: Option<&Branches>) -> Option<String> {
    let old = old?;
    let Some(new) = new else { return Some("every branch may come now".to_owned()) };
    let added: Vec<_> = new.not_in(old).collect();
    (!added.is_empty()).then(|| format!("{} may come now", added.join(", ")))
}

fn loosens_freeze(old: &[Freeze], new: &[Freeze]) -> Option<String> {
    let gone: Vec<_> = old
        .iter()
        .filter(|old| !new.iter().any(|new| old.is_within(new)))
        .map(|old| format!("'{}' for {:?} in {}", old.cron(), old.lasts(), old.timezone()))
        .collect();
    (!gone.is_empty()).then(|| format!("no longer frozen: {}", gone.join(", ")))
}

#[cfg(test)]
mod tests;
