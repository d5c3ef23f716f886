//! One function a rule: what it finds in the way.

use types::{Actor, Promote, Timestamp};

use super::super::approvals::{Ignored, Standing, Vote, end};
use super::super::freeze::{FreezeEnd, frozen};
use super::{Blocker, Facts, Policy, Previous, Rule, State, words};

/// What the rules find, in their order.
pub(super) fn all(
    policy: &Policy,
    facts: &Facts,
    ignored: &mut Vec<(Vote, Ignored)>,
) -> impl Iterator<Item = Blocker> {
    [
        branch(policy, facts),
        before(policy, facts),
        soak(policy, facts),
        promotion(policy, facts),
        approvals(policy, facts, ignored),
        freeze(policy, facts),
        hold(facts),
        lock(facts),
    ]
    .into_iter()
    .flatten()
}

fn waiting(rule: Rule, until: Option<Timestamp>, (reason, hint): (String, String)) -> Blocker {
    Blocker { rule, state: State::Waiting { until }, reason, hint }
}

fn refused(rule: Rule, (reason, hint): (String, String)) -> Blocker {
    Blocker { rule, state: State::Refused, reason, hint }
}

fn branch(policy: &Policy, facts: &Facts) -> Option<Blocker> {
    let allowed = policy.branches.as_ref()?;
    let branch = facts.request.branch.as_deref();
    if branch.is_some_and(|branch| allowed.allow(branch)) {
        return None;
    }
    Some(refused(Rule::Branch, words::branch(branch, allowed)))
}

fn before(policy: &Policy, facts: &Facts) -> Option<Blocker> {
    let before = policy.after.as_ref()?;
    let never = facts.previous == Previous::Never;
    never.then(|| refused(Rule::Before, words::never_before(facts.request.release, before)))
}

fn soak(policy: &Policy, facts: &Facts) -> Option<Blocker> {
    let before = policy.after.as_ref()?;
    if policy.soak.is_zero() {
        return None;
    }
    let until = match facts.previous {
        // That it was never there is said by the rule before.
        Previous::Never => return None,
        Previous::NotNow => None,
        Previous::HealthySince(since) => Some(end(since, policy.soak)),
    };
    if until.is_some_and(|until| until <= facts.now) {
        return None;
    }
    let release = facts.request.release;
    Some(waiting(Rule::Soak, until, words::soak(release, before, policy.soak, until)))
}

fn promotion(policy: &Policy, facts: &Facts) -> Option<Blocker> {
    let before = policy.after.as_ref()?;
    let by_itself = facts.request.by == Actor::System;
    let waits = policy.promote == Promote::Manual && by_itself;
    waits.then(|| waiting(Rule::Promotion, None, words::by_hand(facts.request.release, before)))
}

fn approvals(
    policy: &Policy,
    facts: &Facts,
    ignored: &mut Vec<(Vote, Ignored)>,
) -> Option<Blocker> {
    let asked = policy.approvals.as_ref()?;
    let request = &facts.request;
    let tally = asked.tally(&request.digest, &request.authors, request.at, &facts.votes, facts.now);
    *ignored = tally.ignored;
    match tally.standing {
        Standing::Given => None,
        Standing::Missing { count, until } => {
            let words = words::approvals(asked, count, &tally.approved, until);
            Some(waiting(Rule::Approvals, None, words))
        }
        Standing::Rejected { by } => Some(refused(Rule::Approvals, words::rejected(&by))),
        Standing::TimedOut { at } => Some(refused(Rule::Approvals, words::timed_out(at))),
    }
}

fn freeze(policy: &Policy, facts: &Facts) -> Option<Blocker> {
    let until = match frozen(&policy.freeze, facts.now)? {
        FreezeEnd::At(end) => Some(end),
        FreezeEnd::NotInSight => None,
    };
    Some(waiting(Rule::Freeze, until, words::frozen(until)))
}

fn hold(facts: &Facts) -> Option<Blocker> {
    let hold = facts.hold.as_ref()?;
    Some(waiting(Rule::Hold, None, words::held(hold)))
}

fn lock(facts: &Facts) -> Option<Blocker> {
    let lock = facts.lock.as_ref()?;
    Some(waiting(Rule::Lock, None, words::locked(lock)))
}
