use serde::{Deserialize, Serialize};
use types::Timestamp;

/// How a release was seen to do in an environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    /// All of its instances answer.
    Healthy,
    /// An instance ended by itself and was started again.
    Restarted,
    /// An instance no longer answers, or the deployment failed.
    Failed,
    /// Another release took its place.
    Replaced,
}

/// Since when a release has been healthy without a break, from what was seen of it in the order of time. A restart or a failure
/// sets the clock back: it runs again from the next time that all is well.
#[must_use]
pub fn healthy_since(seen: impl IntoIterator<Item = (Timestamp, Health)>) -> Option<Timestamp> {
    seen.into_iter().fold(None, |since, (at, health)| match health {
        Health::Healthy => since.or(Some(at)),
        Health::Restarted | Health::Failed | Health::Replaced => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn since(seen: &[(i64, Health)]) -> Option<i64> {
        let at = |second| Timestamp::from_second(second).unwrap();
        healthy_since(seen.iter().map(|(second, health)| (at(*second), *health)))
            .map(Timestamp::as_second)
    }

    #[test]
    fn the_clock_runs_from_the_first_good_sight_after_the_last_bad_one() {
        use Health::{Failed, Healthy, Replaced, Restarted};
        assert_eq!(since(&[]), None);
        assert_eq!(since(&[(10, Healthy), (20, Healthy)]), Some(10));
        assert_eq!(since(&[(10, Healthy), (20, Restarted)]), None);
        assert_eq!(since(&[(10, Healthy), (20, Restarted), (30, Healthy)]), Some(30));
        assert_eq!(since(&[(10, Healthy), (20, Failed), (30, Healthy), (40, Healthy)]), Some(30));
        assert_eq!(since(&[(10, Healthy), (20, Replaced)]), None);
    }
}
