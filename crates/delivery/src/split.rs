//! Which side of a rollout a user is on. A function, not a memory: the same key in the same rollout gives the same
//! side for as long as the weight stands, in every router and after every restart.
//!
//! A user's place is the first 64 bits of SHA-256 over the rollout and the key. SHA-256, because its result is
//! written down for every architecture and every language (FIPS 180-4), so that anybody can compute who saw what; because no
//! pattern in keys (numbers, addresses) and no likeness of two rollouts' names shows in it; and because its cost, two
//! hashed blocks at most for usual keys, is small beside a request.
//!
//! The invariants: raising the weight only adds users to the canary, lowering it only takes users away, and two rollouts
//! divide the same users independently of each other.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// What serves everybody else.
    Baseline,
    /// What is being rolled out.
    Canary,
}

/// The part of all users that the canary gets, in hundredths of a percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct Weight(u16);

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a weight of {0} hundredths of a percent is more than everybody; 10000 is the most")]
pub struct InvalidWeight(pub u16);

impl Weight {
    pub const NOBODY: Self = Self(0);
    pub const EVERYBODY: Self = Self(10_000);

    /// A weight in hundredths of a percent.
    pub fn from_basis_points(basis_points: u16) -> Result<Self, InvalidWeight> {
        let weight = Self(basis_points);
        if weight <= Self::EVERYBODY { Ok(weight) } else { Err(InvalidWeight(basis_points)) }
    }

    /// A weight in whole percent, as `setWeight` has it.
    pub fn from_percent(percent: u8) -> Result<Self, InvalidWeight> {
        Self::from_basis_points(u16::from(percent) * 100)
    }

    #[must_use]
    pub fn basis_points(self) -> u16 {
        self.0
    }
}

impl TryFrom<u16> for Weight {
    type Error = InvalidWeight;

    fn try_from(basis_points: u16) -> Result<Self, InvalidWeight> {
        Self::from_basis_points(basis_points)
    }
}

impl From<Weight> for u16 {
    fn from(weight: Weight) -> Self {
        weight.0
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0 / 100, self.0 % 100) {
            (whole, 0) => write!(f, "{whole} %"),
            (whole, rest) => write!(f, "{whole}.{rest:02} %"),
        }
    }
}

/// The side of the user with this key, in the rollout of this name, at this weight.
#[must_use]
pub fn side(key: &[u8], rollout: &str, weight: Weight) -> Side {
    place(key, rollout).side(weight)
}

/// Where a user lies in a rollout, from 0 to 2⁶⁴ − 1: to be kept while the weight moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place(u64);

/// The first eight bytes, big-endian, of SHA-256 over the length of the rollout's name (eight bytes, big-endian), the name
/// and the key. With the length in front no two pairs of name and key read the same.
#[must_use]
pub fn place(key: &[u8], rollout: &str) -> Place {
    let mut hash = Sha256::new();
    hash.update((rollout.len() as u64).to_be_bytes());
    hash.update(rollout);
    hash.update(key);
    let hash = hash.finalize();
    Place(hash.iter().take(8).fold(0, |place, byte| place << 8 | u64::from(*byte)))
}

impl Place {
    #[must_use]
    pub fn side(self, weight: Weight) -> Side {
        // Which of the 10,000 equal stretches of the line it lies in.
        let stretch = (u128::from(self.0) * u128::from(Weight::EVERYBODY.0)) >> 64;
        if stretch < u128::from(weight.0) { Side::Canary } else { Side::Baseline }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn weight(basis_points: u16) -> Weight {
        Weight::from_basis_points(basis_points).unwrap()
    }

    fn keys(count: u32) -> impl Iterator<Item = String> {
        (0..count).map(|number| format!("user-{number}"))
    }

    fn on_canary(key: &str, rollout: &str, at: Weight) -> bool {
        side(key.as_bytes(), rollout, at) == Side::Canary
    }

    /// Computed with Python 3.11: `int.from_bytes(hashlib.sha256(struct.pack(">Q", len(r)) + r + k).digest()[:8], "big")`.
    #[test]
    fn places_are_the_same_in_every_version() {
        for (key, rollout, expected) in [
            ("", "", 0xaf55_70f5_a181_0b7a),
            ("user-1", "dep_01h2xcejqtf2nbrexx3vqjhp41", 0x1506_3ad3_0db7_3e30),
            ("user-2", "dep_01h2xcejqtf2nbrexx3vqjhp41", 0x95c4_03a7_30ca_574f),
            ("0123456789abcdef0123456789abcdef", "shop/prod", 0x6439_cb71_1d07_2c56),
        ] {
            assert_eq!(place(key.as_bytes(), rollout), Place(expected), "{key} in {rollout}");
        }
    }

    #[test]
    fn raising_the_weight_only_adds_users() {
        for key in keys(300) {
            let place = place(key.as_bytes(), "rollout");
            let first = (0..=10_000).find(|points| place.side(weight(*points)) == Side::Canary);
            let first = first.expect("at full weight everybody is on the canary");
            assert!(first > 0, "nobody is on the canary at weight 0");
            assert!((first..=10_000).all(|points| place.side(weight(points)) == Side::Canary));
        }
    }

    #[test]
    fn the_ends_of_the_line_are_where_they_belong() {
        assert_eq!(Place(0).side(Weight::NOBODY), Side::Baseline);
        assert_eq!(Place(0).side(weight(1)), Side::Canary);
        assert_eq!(Place(u64::MAX).side(weight(9_999)), Side::Baseline);
        assert_eq!(Place(u64::MAX).side(Weight::EVERYBODY), Side::Canary);
    }

    /// The share of 100,000 keys lies within four standard deviations of the weight.
    #[test]
    fn the_share_is_the_weight_within_binomial_limits() {
        const USERS: u32 = 100_000;
        for points in [1, 100, 500, 5_000, 9_900] {
            let seen = keys(USERS).filter(|key| on_canary(key, "rollout", weight(points))).count();
            let share = f64::from(points) / 10_000.0;
            let expected = f64::from(USERS) * share;
            let limit = 4.0 * (expected * (1.0 - share)).sqrt();
            assert!((seen as f64 - expected).abs() <= limit, "{seen} for {expected} ± {limit}");
        }
    }

    /// Of those whom one rollout chose, another chooses the same part as of all.
    #[test]
    fn rollouts_choose_independently_of_each_other() {
        const USERS: u32 = 40_000;
        let half = weight(5_000);
        for (one, other) in [("shop/prod", "shop/stage"), ("r1", "r2"), ("", "a")] {
            let both =
                keys(USERS).filter(|key| on_canary(key, one, half) && on_canary(key, other, half));
            let expected = f64::from(USERS) / 4.0;
            let limit = 4.0 * (expected * 0.75).sqrt();
            let both = both.count() as f64;
            assert!(
                (both - expected).abs() <= limit,
                "{one}, {other}: {both} for {expected} ± {limit}"
            );
        }
    }

    #[test]
    fn a_name_does_not_run_into_the_key() {
        assert_ne!(place(b"bc", "a"), place(b"c", "ab"));
    }

    #[test]
    fn a_weight_is_at_most_everybody_and_reads_as_percent() {
        assert_eq!(Weight::from_basis_points(10_001), Err(InvalidWeight(10_001)));
        assert_eq!(Weight::from_percent(101), Err(InvalidWeight(10_100)));
        assert_eq!(Weight::from_percent(5).unwrap().to_string(), "5 %");
        assert_eq!(weight(5).to_string(), "0.05 %");
        assert!(serde_json::from_str::<Weight>("10001").is_err());
    }
}
