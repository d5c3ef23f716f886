use std::time::Duration;

use types::{EnvironmentName, Promote};

use super::super::{Approvals, Branches, Freeze};
use super::*;

/// A Saturday.
const NOW: &str = "2026-11-21T12:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn person(name: &str) -> Actor {
    Actor::Token(name.to_owned())
}

fn digest(byte: u8) -> Digest {
    Digest::from_sha256([byte; 32])
}

fn stage() -> Option<EnvironmentName> {
    Some("stage".parse().unwrap())
}

fn facts() -> Facts {
    let request = Request {
        kind: Kind::Forward,
        release: 7,
        digest: digest(1),
        branch: Some("main".to_owned()),
        authors: vec![person("author")],
        by: person("alice"),
        at: at("2026-11-21T10:00:00Z"),
    };
    let previous = Previous::HealthySince(at("2026-11-20T12:00:00Z"));
    Facts { previous, ..Facts::new(at(NOW), request) }
}

fn weekend() -> Freeze {
    Freeze::new("0 16 * * FRI", Duration::from_hours(64), "Europe/Berlin").unwrap()
}

fn approvals(count: u32) -> Approvals {
    Approvals { count, from: [].into(), allow_author: false, timeout: None }
}

fn vote(name: &str) -> Vote {
    Vote {
        actor: person(name),
        roles: vec![],
        approves: true,
        digest: digest(1),
        at: at("2026-11-21T11:00:00Z"),
    }
}

fn bypass(rule: Rule) -> Bypass {
    Bypass {
        rule,
        by: person("owen"),
        roles: vec![OWNER.to_owned()],
        why: "the shop is down".to_owned(),
        digest: digest(1),
        at: at(NOW),
    }
}

fn until(time: &str) -> State {
    State::Waiting { until: Some(at(time)) }
}

const WAITING: State = State::Waiting { until: None };

/// The only blocker.
fn blocker(policy: &Policy, facts: &Facts) -> Blocker {
    let admission = admit(policy, facts);
    assert_eq!(admission.blockers.len(), 1, "{:#?}", admission.blockers);
    admission.blockers.into_iter().next().unwrap()
}

fn found(blocker: &Blocker) -> (Rule, State, &str, &str) {
    (blocker.rule, blocker.state, &blocker.reason, &blocker.hint)
}

#[test]
fn nothing_in_the_way_is_admitted() {
    let admission = admit(&Policy::default(), &facts());
    assert_eq!(
        (admission.outcome, admission.blockers, admission.audit),
        (Outcome::Admitted, vec![], vec![])
    );
}

#[test]
fn a_branch_that_may_not_come_is_refused() {
    let policy = Policy { branches: Branches::new(["release/*"]).ok(), ..Policy::default() };
    let hint = "merge the change into a branch that may, or change `branches` of the environment";
    let other = "the release comes from the branch main; release/* may come here";
    assert_eq!(found(&blocker(&policy, &facts())), (Rule::Branch, State::Refused, other, hint));
    let mut facts = facts();
    facts.request.branch = None;
    let none = "the release comes from no branch; release/* may come here";
    assert_eq!(found(&blocker(&policy, &facts)), (Rule::Branch, State::Refused, none, hint));
    facts.request.branch = Some("release/7".to_owned());
    assert_eq!(admit(&policy, &facts).outcome, Outcome::Admitted);
}

#[test]
fn a_release_that_was_never_in_the_environment_before_is_refused() {
    let policy = Policy { after: stage(), soak: Duration::from_hours(1), ..Policy::default() };
    let facts = Facts { previous: Previous::Never, ..facts() };
    assert_eq!(
        found(&blocker(&policy, &facts)),
        (
            Rule::Before,
            State::Refused,
            "v7 was never healthy in stage",
            "promote it to stage first, or let an owner bypass this with a reason"
        )
    );
}

#[test]
fn the_soak_time_runs_from_when_it_was_healthy() {
    let day = Duration::from_hours(24);
    let policy = |soak| Policy { after: stage(), soak, ..Policy::default() };
    assert_eq!(admit(&policy(day), &facts()).outcome, Outcome::Admitted);
    let longer = blocker(&policy(day + Duration::from_secs(1)), &facts());
    assert_eq!((longer.rule, longer.state), (Rule::Soak, until("2026-11-21T12:00:01Z")));
    let broken = Facts { previous: Previous::NotNow, ..facts() };
    assert_eq!(
        found(&blocker(&policy(day), &broken)),
        (
            Rule::Soak,
            WAITING,
            "v7 has to have been healthy in stage for 24h, and is not healthy there now",
            "look at stage; the clock runs from when it is healthy again"
        )
    );
    assert_eq!(admit(&policy(Duration::ZERO), &broken).outcome, Outcome::Admitted);
}

#[test]
fn what_comes_by_itself_waits_for_a_person_where_promotion_is_manual() {
    let mut facts = facts();
    facts.request.by = Actor::System;
    let manual = Policy { after: stage(), promote: Promote::Manual, ..Policy::default() };
    let hint = "run `solum promote APP --from stage`";
    let reason = "v7 is brought here by a person";
    assert_eq!(found(&blocker(&manual, &facts)), (Rule::Promotion, WAITING, reason, hint));
    let automatic = Policy { promote: Promote::Automatic, ..manual.clone() };
    assert_eq!(admit(&automatic, &facts).outcome, Outcome::Admitted);
    let first = Policy { after: None, ..manual };
    assert_eq!(admit(&first, &facts).outcome, Outcome::Admitted);
}

#[test]
fn approvals_are_waited_for_and_those_that_do_not_count_are_shown() {
    let policy = Policy { approvals: Some(approvals(2)), ..Policy::default() };
    let other = Vote { digest: digest(9), ..vote("bob") };
    let mut facts = Facts { votes: vec![vote("alice"), other.clone()], ..facts() };
    assert_eq!(
        found(&blocker(&policy, &facts)),
        (
            Rule::Approvals,
            WAITING,
            "1 more approval is needed, alice approved",
            "may be given by anybody; not those who made the change"
        )
    );
    assert_eq!(admit(&policy, &facts).ignored, [(other, Ignored::OtherArtifact)]);
    facts.votes.push(vote("carol"));
    assert_eq!(admit(&policy, &facts).outcome, Outcome::Admitted);
}

#[test]
fn a_rejection_and_a_deadline_refuse() {
    let timeout = Some(Duration::from_mins(90));
    let asked = Approvals { timeout, ..approvals(1) };
    let policy = Policy { approvals: Some(asked), ..Policy::default() };
    let late = blocker(&policy, &facts());
    let reason = "too few had approved when the time for it ended at 2026-11-21T11:30:00Z";
    assert_eq!((late.state, late.reason.as_str()), (State::Refused, reason));
    let rejection = Vote { approves: false, ..vote("bob") };
    let rejected = blocker(&policy, &Facts { votes: vec![rejection], ..facts() });
    assert_eq!((rejected.state, rejected.reason.as_str()), (State::Refused, "bob rejected it"));
}

#[test]
fn a_freeze_is_waited_out() {
    let policy = Policy { freeze: vec![weekend()], ..Policy::default() };
    assert_eq!(
        found(&blocker(&policy, &facts())),
        (
            Rule::Freeze,
            until("2026-11-23T07:00:00Z"),
            "the environment is frozen until 2026-11-23T07:00:00Z",
            "wait, or let an owner bypass the freeze with a reason; a rollback may go"
        )
    );
}

#[test]
fn a_bypass_by_an_owner_with_a_reason_counts_and_is_audited() {
    let policy = Policy { freeze: vec![weekend()], ..Policy::default() };
    let facts = Facts { bypasses: vec![bypass(Rule::Freeze)], ..facts() };
    let admission = admit(&policy, &facts);
    assert_eq!(admission.outcome, Outcome::Admitted);
    let passed_over = "the environment is frozen until 2026-11-23T07:00:00Z".to_owned();
    let (by, why) = (person("owen"), "the shop is down".to_owned());
    assert_eq!(admission.audit, [Audit { rule: Rule::Freeze, passed_over, by, why }]);
}

#[test]
fn a_bypass_that_is_not_sound_counts_for_nothing() {
    let policy = Policy { freeze: vec![weekend()], ..Policy::default() };
    let sound = || bypass(Rule::Freeze);
    for unsound in [
        bypass(Rule::Soak),
        Bypass { roles: vec!["operator".to_owned()], ..sound() },
        Bypass { by: Actor::System, ..sound() },
        Bypass { why: "  ".to_owned(), ..sound() },
        Bypass { digest: digest(2), ..sound() },
        Bypass { at: at("2026-11-21T12:00:01Z"), ..sound() },
    ] {
        let facts = Facts { bypasses: vec![unsound.clone()], ..facts() };
        assert_eq!(admit(&policy, &facts).outcome, Outcome::Waiting, "{unsound:?}");
    }
}

#[test]
fn approvals_and_locks_cannot_be_bypassed() {
    let policy = Policy { approvals: Some(approvals(1)), ..Policy::default() };
    let facts = Facts { bypasses: vec![bypass(Rule::Approvals)], ..facts() };
    assert_eq!(admit(&policy, &facts).outcome, Outcome::Waiting);
}

#[test]
fn a_hold_is_lifted_by_a_person_or_a_newer_release() {
    let hold = Hold {
        by: person("alice"),
        why: "v7 loses orders".to_owned(),
        since: at("2026-11-21T11:00:00Z"),
        against: Some(7),
    };
    let mut facts = Facts { hold: Some(hold), ..facts() };
    assert_eq!(
        found(&blocker(&Policy::default(), &facts)),
        (
            Rule::Hold,
            WAITING,
            "alice put a hold on the environment at 2026-11-21T11:00:00Z: v7 loses orders",
            "lift it with `solum env hold`, or deploy a release newer than v7"
        )
    );
    facts.request.release = 8;
    let admission = admit(&Policy::default(), &facts);
    assert_eq!(admission.outcome, Outcome::Admitted);
    assert_eq!(admission.audit[0].why, "v8 is newer than v7, which the hold is against");
    facts.hold.as_mut().unwrap().against = None;
    assert_eq!(admit(&Policy::default(), &facts).outcome, Outcome::Waiting);
}

fn lock() -> Lock {
    let deployment = DeploymentId::from_parts(Timestamp::UNIX_EPOCH, 1);
    Lock { deployment, release: 6, since: at("2026-11-21T11:59:00Z") }
}

#[test]
fn one_deployment_at_a_time() {
    let found = blocker(&Policy::default(), &Facts { lock: Some(lock()), ..facts() });
    assert_eq!((found.rule, found.state), (Rule::Lock, WAITING));
    let words = "v6 has been on its way here since 2026-11-21T11:59:00Z (dep_";
    assert!(found.reason.starts_with(words), "{}", found.reason);
}

fn everything() -> (Policy, Facts) {
    let policy = Policy {
        after: stage(),
        promote: Promote::Manual,
        soak: Duration::from_hours(25),
        approvals: Some(approvals(2)),
        branches: Branches::new(["release/*"]).ok(),
        freeze: vec![weekend()],
        ..Policy::default()
    };
    let hold =
        Hold { by: Actor::System, why: "rolled back".to_owned(), since: at(NOW), against: None };
    let mut facts = Facts { hold: Some(hold), lock: Some(lock()), ..facts() };
    facts.request.by = Actor::System;
    (policy, facts)
}

#[test]
fn all_that_stands_in_the_way_is_named() {
    let (policy, facts) = everything();
    let admission = admit(&policy, &facts);
    let rules: Vec<_> = admission.blockers.iter().map(|one| one.rule).collect();
    use Rule::{Approvals, Branch, Freeze, Hold, Lock, Promotion, Soak};
    assert_eq!(rules, [Branch, Soak, Promotion, Approvals, Freeze, Hold, Lock]);
    assert_eq!(admission.outcome, Outcome::Refused);
}

#[test]
fn a_rollback_goes_at_once_and_says_what_it_passed_over() {
    let (policy, mut facts) = everything();
    facts.request.kind = Kind::Rollback;
    let admission = admit(&policy, &facts);
    assert_eq!((admission.outcome, admission.blockers), (Outcome::Admitted, vec![]));
    let freeze = admission.audit.iter().find(|audit| audit.rule == Rule::Freeze).unwrap();
    assert_eq!(freeze.passed_over, "the environment is frozen until 2026-11-23T07:00:00Z");
    assert_eq!(freeze.why, "a rollback goes at once");
}
