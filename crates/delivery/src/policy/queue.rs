use serde::{Deserialize, Serialize};
use types::{DeploymentId, Timestamp};

use super::Kind;

/// What waits while a deployment runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kept {
    /// Only the newest; it makes all that were asked for before it superfluous.
    #[default]
    Newest,
    /// All, in the order in which they were asked for.
    All,
}

/// A deployment that has not begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    pub deployment: DeploymentId,
    pub kind: Kind,
    pub asked_at: Timestamp,
}

/// Whose turn it is, and who will never have one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Turn {
    pub next: Option<DeploymentId>,
    /// In the order in which they were asked for.
    pub superseded: Vec<DeploymentId>,
}

/// Which of the deployments that wait for one environment is next. A rollback goes before all others and supersedes what was
/// asked for before it: what was on its way when somebody went back must not undo it. Of two that were asked for at the same time,
/// the one with the larger id is the newer.
#[must_use]
pub fn next(kept: Kept, waiting: &[Waiting]) -> Turn {
    let mut waiting: Vec<_> = waiting.iter().collect();
    waiting.sort_by_key(|one| (one.asked_at, one.deployment));
    let rollback = waiting.iter().rposition(|one| one.kind == Kind::Rollback);
    let newest = waiting.len().checked_sub(1);
    let next = match (rollback, kept) {
        (Some(rollback), _) => Some(rollback),
        (None, Kept::Newest) => newest,
        (None, Kept::All) => newest.map(|_| 0),
    };
    let deployment = |one: &&Waiting| one.deployment;
    Turn {
        next: next.and_then(|index| waiting.get(index)).map(deployment),
        superseded: waiting.iter().take(next.unwrap_or(0)).map(deployment).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(number: u32, second: i64, kind: Kind) -> Waiting {
        let asked_at = Timestamp::from_second(second).unwrap();
        let deployment = DeploymentId::from_parts(Timestamp::UNIX_EPOCH, u128::from(number));
        Waiting { deployment, kind, asked_at }
    }

    /// The place in `asked` of the next one, and of those that are superseded.
    fn turn(kept: Kept, asked: &[(i64, Kind)]) -> (Option<usize>, Vec<usize>) {
        let waiting: Vec<_> =
            (0..).zip(asked).map(|(n, (at, kind))| waiting(n, *at, *kind)).collect();
        let place =
            |id: &DeploymentId| waiting.iter().position(|one| one.deployment == *id).unwrap();
        let turn = next(kept, &waiting);
        (turn.next.as_ref().map(place), turn.superseded.iter().map(place).collect())
    }

    #[test]
    fn the_newest_supersedes_the_others_or_all_go_in_order() {
        use Kind::Forward;
        let asked = [(20, Forward), (10, Forward), (30, Forward)];
        assert_eq!(turn(Kept::Newest, &asked), (Some(2), vec![1, 0]));
        assert_eq!(turn(Kept::All, &asked), (Some(1), vec![]));
        assert_eq!(turn(Kept::Newest, &[(10, Forward), (10, Forward)]), (Some(1), vec![0]));
    }

    #[test]
    fn nothing_waits_for_nothing() {
        assert_eq!(turn(Kept::Newest, &[]), (None, vec![]));
        assert_eq!(turn(Kept::All, &[]), (None, vec![]));
    }

    #[test]
    fn a_rollback_goes_first_and_ends_what_was_asked_for_before_it() {
        use Kind::{Forward, Rollback};
        let asked = [(10, Forward), (20, Rollback), (30, Forward)];
        for kept in [Kept::Newest, Kept::All] {
            assert_eq!(turn(kept, &asked), (Some(1), vec![0]), "{kept:?}");
        }
    }
}
