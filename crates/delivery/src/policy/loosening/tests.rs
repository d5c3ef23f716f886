use super::*;
use crate::policy::Kept;

fn approver(text: &str) -> Approver {
    Approver::from(text.to_owned())
}

fn freeze(hours: u64, timezone: &str) -> Freeze {
    Freeze::new("0 16 * * FRI", Duration::from_hours(hours), timezone).unwrap()
}

fn approvals() -> Approvals {
    Approvals {
        count: 2,
        from: [approver("role:operator"), approver("alice")].into(),
        allow_author: false,
        timeout: Some(Duration::from_hours(72)),
    }
}

fn strict() -> Policy {
    Policy {
        after: Some("stage".parse().unwrap()),
        promote: Promote::Manual,
        soak: Duration::from_hours(24),
        approvals: Some(approvals()),
        branches: Some(Branches::new(["main", "release/*"]).unwrap()),
        freeze: vec![freeze(64, "Europe/Berlin")],
        freeze_holds_rollouts: true,
        queue: Kept::Newest,
    }
}

/// The keys by which the policy with this change asks less than the strict one; the change back must ask less by none.
fn keys(change: impl FnOnce(&mut Policy)) -> Vec<&'static str> {
    let mut changed = strict();
    change(&mut changed);
    assert_eq!(loosens(&changed, &changed), []);
    loosens(&strict(), &changed).into_iter().map(|one| one.key).collect()
}

fn keys_of_approvals(change: impl FnOnce(&mut Approvals)) -> Vec<&'static str> {
    keys(|policy| change(policy.approvals.as_mut().unwrap()))
}

#[test]
fn what_comes_before_is_as_strict_only_while_it_stays() {
    assert_eq!(keys(|policy| policy.after = None), ["after"]);
    assert_eq!(keys(|policy| policy.after = Some("dev".parse().unwrap())), ["after"]);
    assert_eq!(loosens(&Policy { after: None, ..strict() }, &strict()), []);
}

#[test]
fn promotion_by_itself_asks_less_than_by_hand() {
    assert_eq!(keys(|policy| policy.promote = Promote::Automatic), ["promote"]);
    assert_eq!(loosens(&Policy { promote: Promote::Automatic, ..strict() }, &strict()), []);
}

#[test]
fn a_shorter_soak_asks_less() {
    assert_eq!(keys(|policy| policy.soak = Duration::from_hours(23)), ["soak"]);
    assert_eq!(keys(|policy| policy.soak = Duration::from_hours(25)), [""; 0]);
}

#[test]
fn no_approvals_ask_less() {
    assert_eq!(keys(|policy| policy.approvals = None), ["approvals"]);
    assert_eq!(loosens(&Policy { approvals: None, ..strict() }, &strict()), []);
}

#[test]
fn fewer_approvals_ask_less() {
    assert_eq!(keys_of_approvals(|approvals| approvals.count = 1), ["approvals.count"]);
    assert_eq!(keys_of_approvals(|approvals| approvals.count = 0), ["approvals.count"]);
    assert_eq!(keys_of_approvals(|approvals| approvals.count = 3), [""; 0]);
}

#[test]
fn more_people_who_may_approve_ask_less() {
    let bob = || approver("bob");
    assert_eq!(keys_of_approvals(|approvals| _ = approvals.from.insert(bob())), ["approvals.from"]);
    let instead = |approvals: &mut Approvals| approvals.from = [bob()].into();
    assert_eq!(keys_of_approvals(instead), ["approvals.from"]);
    assert_eq!(keys_of_approvals(|approvals| approvals.from.clear()), ["approvals.from"]);
    assert_eq!(keys_of_approvals(|approvals| _ = approvals.from.pop_first()), [""; 0]);
}

#[test]
fn authors_who_may_approve_ask_less() {
    assert_eq!(
        keys_of_approvals(|approvals| approvals.allow_author = true),
        ["approvals.allow_author"]
    );
}

#[test]
fn more_time_to_approve_asks_less() {
    for timeout in [None, Some(Duration::from_hours(73))] {
        assert_eq!(
            keys_of_approvals(|approvals| approvals.timeout = timeout),
            ["approvals.timeout"]
        );
    }
    let shorter = Some(Duration::from_hours(71));
    assert_eq!(keys_of_approvals(|approvals| approvals.timeout = shorter), [""; 0]);
}

#[test]
fn more_branches_ask_less() {
    let branches = |patterns: &[&str]| Branches::new(patterns.iter().copied()).ok();
    assert_eq!(keys(|policy| policy.branches = None), ["branches"]);
    assert_eq!(keys(|policy| policy.branches = branches(&["main", "*"])), ["branches"]);
    assert_eq!(keys(|policy| policy.branches = branches(&["main"])), [""; 0]);
}

#[test]
fn a_freeze_that_is_gone_or_other_asks_less() {
    assert_eq!(keys(|policy| policy.freeze.clear()), ["freeze"]);
    assert_eq!(keys(|policy| policy.freeze = vec![freeze(63, "Europe/Berlin")]), ["freeze"]);
    assert_eq!(keys(|policy| policy.freeze = vec![freeze(64, "UTC")]), ["freeze"]);
    assert_eq!(keys(|policy| policy.freeze = vec![freeze(65, "Europe/Berlin")]), [""; 0]);
    assert_eq!(keys(|policy| policy.freeze.push(freeze(1, "UTC"))), [""; 0]);
}

#[test]
fn a_freeze_that_lets_rollouts_go_on_asks_less() {
    assert_eq!(keys(|policy| policy.freeze_holds_rollouts = false), ["freeze_holds_rollouts"]);
}

#[test]
fn the_order_of_what_waits_asks_nothing() {
    assert_eq!(keys(|policy| policy.queue = Kept::All), [""; 0]);
}

#[test]
fn all_keys_are_named_with_what_they_asked() {
    let all = loosens(&strict(), &Policy { promote: Promote::Automatic, ..Policy::default() });
    let keys: Vec<_> = all.iter().map(|one| one.key).collect();
    assert_eq!(
        keys,
        ["after", "promote", "soak", "approvals", "branches", "freeze", "freeze_holds_rollouts"]
    );
    assert_eq!(all[0].change, "after stage becomes after nothing");
    assert_eq!(all[5].change, "no longer frozen: '0 16 * * FRI' for 230400s in Europe/Berlin");
}
