//! A histogram of lapses with buckets that are linear within each power of two: eight to the octave, so that
//! a quantile is right within an eighth, from 1 µs to two minutes.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Linear buckets per power of two.
const STEPS: u64 = 8;
const STEP_BITS: u32 = STEPS.trailing_zeros();
/// Lapses of 2^27 µs (134 s) and more share the last bucket.
const OCTAVES: u32 = 27;
const BUCKETS: usize = bucket((1 << OCTAVES) - 1) + 2;

/// The bucket of a lapse: values below 16 µs have one each; above, the highest bit gives the octave and the
/// three below it the step.
const fn bucket(micros: u64) -> usize {
    if micros < STEPS {
        return micros as usize;
    }
    let octave = micros.ilog2() - STEP_BITS;
    let index = octave as u64 * STEPS + (micros >> octave);
    index as usize
}

/// The lapse in microseconds that a bucket ends before.
const fn upper_bound(bucket: usize) -> u64 {
    let bucket = bucket as u64 + 1;
    if bucket < 2 * STEPS {
        return bucket;
    }
    let octave = bucket / STEPS - 1;
    (bucket % STEPS + STEPS) << octave
}

#[derive(Debug)]
pub(super) struct LiveHistogram {
    buckets: Box<[AtomicU64; BUCKETS]>,
    sum_us: AtomicU64,
}

impl Default for LiveHistogram {
    fn default() -> Self {
        Self {
            buckets: Box::new([const { AtomicU64::new(0) }; BUCKETS]),
            sum_us: AtomicU64::new(0),
        }
    }
}

impl LiveHistogram {
    pub(super) fn record(&self, lapse: Duration) {
        let micros = u64::try_from(lapse.as_micros()).unwrap_or(u64::MAX);
        self.buckets[bucket(micros).min(BUCKETS - 1)].fetch_add(1, Relaxed);
        self.sum_us.fetch_add(micros, Relaxed);
    }

    pub(super) fn absorb(&self, counted: &Histogram) {
        for (live, value) in self.buckets.iter().zip(&counted.buckets) {
            live.fetch_add(*value, Relaxed);
        }
        self.sum_us.fetch_add(counted.sum_us, Relaxed);
    }

    pub(super) fn snapshot(&self) -> Histogram {
        let mut buckets: Vec<u64> = self.buckets.iter().map(|live| live.load(Relaxed)).collect();
        let used = buckets.iter().rposition(|count| *count > 0).map_or(0, |last| last + 1);
        buckets.truncate(used);
        Histogram { buckets, sum_us: self.sum_us.load(Relaxed) }
    }
}

/// How many lapses fell into which bucket. Buckets after the last used one are left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Histogram {
    pub buckets: Vec<u64>,
    pub sum_us: u64,
}

impl Histogram {
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// The buckets that are not empty: the lapse that each ends before, and its count.
    pub fn filled(&self) -> impl Iterator<Item = (Duration, u64)> + '_ {
        let bounds = (0..).map(|index| Duration::from_micros(upper_bound(index)));
        bounds.zip(self.buckets.iter().copied()).filter(|(_, count)| *count > 0)
    }

    /// The lapse that the fraction `quantile` (0 to 1) of all lapses stays below, rounded up to its bucket's
    /// end; none when nothing was counted.
    #[must_use]
    pub fn quantile(&self, quantile: f64) -> Option<Duration> {
        let rank = (quantile.clamp(0.0, 1.0) * self.count() as f64).ceil().max(1.0) as u64;
        let mut seen = 0;
        self.filled().find_map(|(bound, count)| {
            seen += count;
            (seen >= rank).then_some(bound)
        })
    }

    pub(super) fn add(&mut self, other: &Self) {
        if self.buckets.len() < other.buckets.len() {
            self.buckets.resize(other.buckets.len(), 0);
        }
        for (mine, theirs) in self.buckets.iter_mut().zip(&other.buckets) {
            *mine += theirs;
        }
        self.sum_us += other.sum_us;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_lapse_lies_below_its_buckets_bound_and_within_an_eighth_of_it() {
        let mut values: Vec<u64> = (0..5000).collect();
        values.extend((13..OCTAVES).flat_map(|bit| [(1 << bit) - 1, 1 << bit, (1 << bit) + 1]));
        for micros in values {
            let bound = upper_bound(bucket(micros));
            assert!(micros < bound, "{micros} in a bucket that ends at {bound}");
            assert!(bound - micros <= 1 + micros / 8, "{micros} in a bucket up to {bound}");
        }
    }

    #[test]
    fn buckets_follow_each_other_without_gap() {
        for index in 0..BUCKETS - 2 {
            assert_eq!(bucket(upper_bound(index)), index + 1, "after bucket {index}");
        }
    }

    #[test]
    fn a_quantile_is_the_bound_of_the_bucket_that_reaches_it() {
        let live = LiveHistogram::default();
        for millis in 1..=100 {
            live.record(Duration::from_millis(millis));
        }
        live.record(Duration::from_secs(3600));
        let counted = live.snapshot();
        assert_eq!(counted.count(), 101);
        let median = counted.quantile(0.5).unwrap();
        assert!(
            (Duration::from_millis(51)..Duration::from_millis(58)).contains(&median),
            "{median:?}"
        );
        assert!(counted.quantile(1.0).unwrap() >= Duration::from_secs(134));
        assert_eq!(Histogram::default().quantile(0.5), None);
    }
}
