use serde::{Deserialize, Serialize};

use super::super::window::{Bucket, InvalidWindow};
use super::Interval;
use super::quantile::Bets;

/// Answers by how long they took; in the order of the buckets' bounds, each pair of bounds once.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Buckets(Vec<Bucket>);

impl Buckets {
    /// More different buckets are refused. The router has some 200.
    const MOST: usize = 1_024;

    /// These and those together.
    pub(super) fn with(&self, more: &[Bucket]) -> Result<Self, InvalidWindow> {
        let mut all = self.0.clone();
        for bucket in more {
            if bucket.from_us >= bucket.to_us {
                return Err(InvalidWindow::EmptyBucket { from: bucket.from_us, to: bucket.to_us });
            }
            match all.binary_search_by_key(&bounds(bucket), bounds) {
                Ok(index) => all[index].count = all[index].count.saturating_add(bucket.count),
                Err(_) if all.len() == Self::MOST => return Err(InvalidWindow::TooManyBuckets),
                Err(index) => all.insert(index, *bucket),
            }
        }
        Ok(Self(all))
    }

    pub(super) fn answers(&self) -> u64 {
        self.0.iter().fold(0, |sum, bucket| sum.saturating_add(bucket.count))
    }

    /// How many may have come before this time.
    fn before_at_most(&self, time: u64) -> u64 {
        self.count(|bucket| bucket.from_us < time)
    }

    /// How many certainly came before this time.
    fn before_at_least(&self, time: u64) -> u64 {
        self.count(|bucket| bucket.to_us <= time)
    }

    fn count(&self, which: impl Fn(&Bucket) -> bool) -> u64 {
        let counts = self.0.iter().filter(|bucket| which(bucket)).map(|bucket| bucket.count);
        counts.fold(0, u64::saturating_add)
    }

    /// Where the quantile lies: from the largest bound before which there are too few answers to the smallest one before which there are
    /// too many, by a stake of at least e^`ln_threshold`.
    pub(super) fn interval(&self, bets: &Bets, ln_threshold: f64) -> Interval {
        let answers = self.answers();
        let mut bounds: Vec<u64> = self.0.iter().flat_map(|one| [one.from_us, one.to_us]).collect();
        bounds.sort_unstable();
        bounds.dedup();
        let too_few =
            |time: &u64| bets.ln_fewer(self.before_at_most(*time), answers) >= ln_threshold;
        let too_many =
            |time: &u64| bets.ln_more(self.before_at_least(*time), answers) >= ln_threshold;
        let below = bounds.partition_point(too_few);
        let at_least_us = below.checked_sub(1).map_or(0, |last| bounds[last]);
        let above = bounds.partition_point(|time| !too_many(time));
        // A bucket without an end says of no time that it is enough.
        let at_most_us = bounds.get(above).copied().filter(|most| *most != u64::MAX);
        Interval { answers, at_least_us, at_most_us }
    }
}

fn bounds(bucket: &Bucket) -> (u64, u64) {
    (bucket.from_us, bucket.to_us)
}
