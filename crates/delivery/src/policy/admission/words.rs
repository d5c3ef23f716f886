//! What people are told: a reason, and what to do.

use std::time::Duration;

use jiff::SignedDuration;
use types::{Actor, EnvironmentName, Timestamp};

use super::super::{Approvals, Branches};
use super::{Hold, Lock};

type Words = (String, String);

fn list<T: ToString>(all: impl IntoIterator<Item = T>) -> String {
    let all: Vec<_> = all.into_iter().map(|one| one.to_string()).collect();
    all.join(", ")
}

fn span(lasts: Duration) -> String {
    SignedDuration::try_from(lasts)
        .map_or_else(|_| "for ever".to_owned(), |span| format!("{span:#}"))
}

pub(super) fn branch(branch: Option<&str>, allowed: &Branches) -> Words {
    let reason = match branch {
        Some(branch) => {
            format!("the release comes from the branch {branch}; {allowed} may come here")
        }
        None => format!("the release comes from no branch; {allowed} may come here"),
    };
    (
        reason,
        "merge the change into a branch that may, or change `branches` of the environment"
            .to_owned(),
    )
}

pub(super) fn never_before(release: u64, before: &EnvironmentName) -> Words {
    let hint = format!("promote it to {before} first, or let an owner bypass this with a reason");
    (format!("v{release} was never healthy in {before}"), hint)
}

pub(super) fn soak(
    release: u64,
    before: &EnvironmentName,
    asked: Duration,
    until: Option<Timestamp>,
) -> Words {
    let asked = span(asked);
    match until {
        Some(until) => (
            format!(
                "v{release} has to have been healthy in {before} for {asked}, which it is at {until}"
            ),
            format!("wait; a restart or a failure in {before} sets the clock back"),
        ),
        None => (
            format!(
                "v{release} has to have been healthy in {before} for {asked}, and is not healthy there now"
            ),
            format!("look at {before}; the clock runs from when it is healthy again"),
        ),
    }
}

pub(super) fn by_hand(release: u64, before: &EnvironmentName) -> Words {
    let hint = format!("run `solum promote APP --from {before}`");
    (format!("v{release} is brought here by a person"), hint)
}

pub(super) fn approvals(
    asked: &Approvals,
    missing: u32,
    approved: &[Actor],
    until: Option<Timestamp>,
) -> Words {
    let people = if missing == 1 { "approval is" } else { "approvals are" };
    let mut reason = format!("{missing} more {people} needed");
    if !approved.is_empty() {
        reason.push_str(&format!(", {} approved", list(approved)));
    }
    if let Some(until) = until {
        reason.push_str(&format!("; it ends at {until}"));
    }
    let who = if asked.from.is_empty() { "anybody".to_owned() } else { list(&asked.from) };
    let author = if asked.allow_author { "" } else { "; not those who made the change" };
    let hint = format!("may be given by {who}{author}");
    (reason, hint)
}

pub(super) fn rejected(by: &Actor) -> Words {
    (format!("{by} rejected it"), "mend what was rejected and deploy it again".to_owned())
}

pub(super) fn timed_out(at: Timestamp) -> Words {
    (
        format!("too few had approved when the time for it ended at {at}"),
        "deploy it again to ask once more".to_owned(),
    )
}

pub(super) fn frozen(until: Option<Timestamp>) -> Words {
    let reason = match until {
        Some(until) => format!("the environment is frozen until {until}"),
        None => {
            "the environment is frozen, and its windows follow each other without an end".to_owned()
        }
    };
    (reason, "wait, or let an owner bypass the freeze with a reason; a rollback may go".to_owned())
}

pub(super) fn held(hold: &Hold) -> Words {
    let Hold { by, why, since, against } = hold;
    let hint = match against {
        Some(against) => {
            format!("lift it with `solum env hold`, or deploy a release newer than v{against}")
        }
        None => "lift it with `solum env hold`".to_owned(),
    };
    (format!("{by} put a hold on the environment at {since}: {why}"), hint)
}

pub(super) fn newer_than_held(release: u64, against: u64) -> String {
    format!("v{release} is newer than v{against}, which the hold is against")
}

pub(super) fn locked(lock: &Lock) -> Words {
    let Lock { deployment, release, since } = lock;
    let reason = format!("v{release} has been on its way here since {since} ({deployment})");
    (reason, "wait until it ends, or abort it".to_owned())
}
