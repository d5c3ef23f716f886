//! What stands in the way of one deployment, all of it.

mod rules;
mod words;

use serde::{Deserialize, Serialize};
use types::{Actor, DeploymentId, Digest, Timestamp};

use super::approvals::{Ignored, Vote};
use super::{OWNER, Policy};

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    pub kind: Kind,
    /// The release's number: the 7 of `v7`.
    pub release: u64,
    pub digest: Digest,
    /// Where its commit comes from; none of a bundle that was handed in.
    pub branch: Option<String>,
    /// Who made the change, and who handed it in.
    pub authors: Vec<Actor>,
    /// Who brings it: `System` where it comes by itself.
    pub by: Actor,
    pub at: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Forward,
    /// Back to a pair of release and config that was admitted here before: nothing holds it up, and what would have is
    /// audited.
    Rollback,
}

/// All that is known when it is decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    pub now: Timestamp,
    pub request: Request,
    /// How the release did in the environment that the policy's `after` names.
    pub previous: Previous,
    pub votes: Vec<Vote>,
    pub hold: Option<Hold>,
    pub lock: Option<Lock>,
    pub bypasses: Vec<Bypass>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Previous {
    /// It never was healthy there.
    #[default]
    Never,
    /// It was, and is not at the moment: it failed, was restarted, or another took its place before the soak time was over.
    NotNow,
    /// Without a break since then ([`super::healthy_since`]).
    HealthySince(Timestamp),
}

/// Nothing new until somebody lifts it (`solum env hold`, or a rollback).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    pub by: Actor,
    pub why: String,
    pub since: Timestamp,
    /// The release that was gone back from: a newer one lifts the hold. Without it only a person does.
    pub against: Option<u64>,
}

/// Another deployment is on its way into this environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    pub deployment: DeploymentId,
    pub release: u64,
    pub since: Timestamp,
}

/// Somebody's word that a rule shall not count this time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bypass {
    pub rule: Rule,
    pub by: Actor,
    /// Those that the actor had when saying it; it takes an owner.
    pub roles: Vec<String>,
    pub why: String,
    /// The artifact that it is for.
    pub digest: Digest,
    pub at: Timestamp,
}

/// What may stand in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    Branch,
    /// It was never healthy in the environment before.
    Before,
    Soak,
    Promotion,
    Approvals,
    Freeze,
    Hold,
    Lock,
}

/// One thing that stands in the way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blocker {
    pub rule: Rule,
    pub state: State,
    pub reason: String,
    pub hint: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Time or somebody's word may end it; the time, where it is known.
    Waiting { until: Option<Timestamp> },
    /// It will not change for this deployment.
    Refused,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Admitted,
    Waiting,
    Refused,
}

/// A rule that did not count this time: for the history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audit {
    pub rule: Rule,
    /// What would have stood in the way.
    pub passed_over: String,
    pub by: Actor,
    pub why: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admission {
    pub outcome: Outcome,
    /// In the order of [`Rule`].
    pub blockers: Vec<Blocker>,
    pub audit: Vec<Audit>,
    /// Words that do not count, and why.
    pub ignored: Vec<(Vote, Ignored)>,
}

/// Looks at every rule.
#[must_use]
pub fn admit(policy: &Policy, facts: &Facts) -> Admission {
    let mut admission =
        Admission { outcome: Outcome::Admitted, blockers: vec![], audit: vec![], ignored: vec![] };
    for blocker in rules::all(policy, facts, &mut admission.ignored) {
        match passed_over(&blocker, facts) {
            Some(audit) => admission.audit.push(audit),
            None => admission.blockers.push(blocker),
        }
    }
    let refused = admission.blockers.iter().any(|one| one.state == State::Refused);
    admission.outcome = match (refused, admission.blockers.is_empty()) {
        (true, _) => Outcome::Refused,
        (false, true) => Outcome::Admitted,
        (false, false) => Outcome::Waiting,
    };
    admission
}

/// Whether a blocker does not count, and by whose word.
fn passed_over(blocker: &Blocker, facts: &Facts) -> Option<Audit> {
    let rule = blocker.rule;
    let passed_over = blocker.reason.clone();
    if facts.request.kind == Kind::Rollback {
        let why = "a rollback goes at once".to_owned();
        return Some(Audit { rule, passed_over, by: facts.request.by.clone(), why });
    }
    if let (Rule::Hold, Some(against)) = (rule, facts.hold.as_ref().and_then(|hold| hold.against)) {
        let release = facts.request.release;
        if release > against {
            let why = words::newer_than_held(release, against);
            return Some(Audit { rule, passed_over, by: facts.request.by.clone(), why });
        }
    }
    let bypass = facts.bypasses.iter().find(|bypass| bypass.counts(rule, facts))?;
    Some(Audit { rule, passed_over, by: bypass.by.clone(), why: bypass.why.clone() })
}

impl Rule {
    /// Whether an owner may pass it over. Approvals, branches and who promotes are the policy's to say, a hold is lifted, and two
    /// deployments at once are never right.
    #[must_use]
    pub fn can_be_bypassed(self) -> bool {
        match self {
            Self::Before | Self::Soak | Self::Freeze => true,
            Self::Branch | Self::Promotion | Self::Approvals | Self::Hold | Self::Lock => false,
        }
    }
}

impl Bypass {
    fn counts(&self, rule: Rule, facts: &Facts) -> bool {
        self.rule == rule
            && rule.can_be_bypassed()
            && self.digest == facts.request.digest
            && self.roles.iter().any(|role| role == OWNER)
            && self.by != Actor::System
            && !self.why.trim().is_empty()
            && self.at <= facts.now
    }
}

impl Facts {
    /// What is known of a deployment that nothing else is known of.
    #[must_use]
    pub fn new(now: Timestamp, request: Request) -> Self {
        Self {
            now,
            request,
            previous: Previous::Never,
            votes: Vec::new(),
            hold: None,
            lock: None,
            bypasses: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests;
