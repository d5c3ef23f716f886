//! The two others, from their documentation: the test by which Kayenta's `NetflixACAJudge` compares a metric, and the rule of an analysis
//! template of Argo Rollouts.

use super::traffic::{Second, Side};

/// The normal quantile of a two-sided interval of 98 %, Kayenta's `confLevel`.
const Z: f64 = 2.326_347_874_040_841;
/// An effect is one that is more than this part of the estimated shift, Kayenta's `tolerance`.
const TOLERANCE: f64 = 0.25;
/// Shifts are found to this many halvings.
const HALVINGS: u32 = 20;
/// `successCondition: result[0] >= 0.95`.
const MOST_ERRORS_PERCENT: f64 = 5.0;
/// `failureLimit: 3`: the fourth failure is one too many.
const FAILURE_LIMIT: usize = 3;

/// Error rates of requests in percent, by the minute; minutes without a request are left out.
#[derive(Debug, Default)]
pub(super) struct Minutes {
    baseline: Vec<f64>,
    canary: Vec<f64>,
}

impl Minutes {
    pub(super) fn add(&mut self, seconds: &[Second]) {
        self.baseline.extend(percent(seconds.iter().map(|second| &second.baseline)));
        self.canary.extend(percent(seconds.iter().map(|second| &second.canary)));
    }

    pub(super) fn over_threshold(&self) -> bool {
        let failures = self.canary.iter().filter(|percent| **percent > MOST_ERRORS_PERCENT);
        failures.count() > FAILURE_LIMIT
    }

    /// Whether the lower end of the interval of the shift (canary − baseline) is above a quarter of the estimated shift.
    pub(super) fn mann_whitney_is_high(&self) -> bool {
        let estimate = self.shift(0.0);
        let lower = self.shift(Z);
        lower > TOLERANCE * estimate.abs()
    }

    /// The shift at which the rank sum of the canary's shifted values is this many deviations above its mean.
    fn shift(&self, deviations: f64) -> f64 {
        let most = |values: &[f64]| values.iter().copied().fold(f64::MIN, f64::max);
        let least = |values: &[f64]| values.iter().copied().fold(f64::MAX, f64::min);
        let (mut below, mut above) = (
            least(&self.canary) - most(&self.baseline),
            most(&self.canary) - least(&self.baseline),
        );
        for _ in 0..HALVINGS {
            let middle = 0.5 * (below + above);
            if self.deviations(middle) > deviations {
                below = middle;
            } else {
                above = middle;
            }
        }
        0.5 * (below + above)
    }

    /// How far the rank sum is from its mean, with average ranks of ties and a correction of one half for continuity.
    fn deviations(&self, shift: f64) -> f64 {
        let canary = self.canary.iter().map(|value| (value - shift, true));
        let mut all: Vec<_> =
            canary.chain(self.baseline.iter().map(|value| (*value, false))).collect();
        all.sort_by(|one, other| one.0.total_cmp(&other.0));
        let (m, n) = (self.canary.len() as f64, self.baseline.len() as f64);
        let (mut ranks, mut ties, mut before) = (0.0, 0.0, 0.0);
        for tied in all.chunk_by(|one, other| one.0 == other.0) {
            let count = tied.len() as f64;
            let of_canary = tied.iter().filter(|(_, canary)| *canary).count() as f64;
            ranks += of_canary * (before + (count + 1.0) / 2.0);
            ties += count.powi(3) - count;
            before += count;
        }
        let off = ranks - m * (m + 1.0) / 2.0 - m * n / 2.0;
        let variance = m * n / 12.0 * ((m + n + 1.0) - ties / ((m + n) * (m + n - 1.0)));
        let corrected = if off == 0.0 { 0.0 } else { off - 0.5 * off.signum() };
        if variance > 0.0 { corrected / variance.sqrt() } else { 0.0 }
    }
}

fn percent<'a>(sides: impl Iterator<Item = &'a Side>) -> Option<f64> {
    let (requests, errors) = sides
        .fold((0, 0), |(requests, errors), side| (requests + side.requests, errors + side.errors));
    (requests > 0).then(|| 100.0 * errors as f64 / requests as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The interval and the estimate of R's `wilcox.test(x, y, conf.int = TRUE, exact = FALSE)` solve the same equations: at the ends
    /// of the interval the statistic, as computed by scipy 1.17.1 (`stats.mannwhitneyu(x − shift, y, method="asymptotic")`), is Z.
    #[test]
    fn the_statistic_is_that_of_the_asymptotic_test_with_ties() {
        let minutes = Minutes {
            canary: vec![1.0, 2.0, 2.0, 3.5, 5.0, 6.0],
            baseline: vec![0.0, 1.0, 1.0, 2.0, 2.5, 3.0, 4.0],
        };
        for (shift, expected) in [(0.0, 1.083_400_2), (1.0, 0.145_478_6), (-1.5, 2.295_192_1)] {
            let deviations = minutes.deviations(shift);
            assert!((deviations - expected).abs() < 1e-6, "{shift}: {deviations}, not {expected}");
        }
    }

    #[test]
    fn a_clear_shift_is_high_and_none_is_not() {
        let shifted = |by: f64| Minutes {
            baseline: (0..40).map(|index| f64::from(index % 7)).collect(),
            canary: (0..40).map(|index| by + f64::from(index % 5)).collect(),
        };
        assert!(shifted(10.0).mann_whitney_is_high());
        assert!(!shifted(0.0).mann_whitney_is_high());
    }

    #[test]
    fn the_fourth_failure_is_one_too_many() {
        let with = |failures| Minutes { canary: vec![5.1; failures], ..Minutes::default() };
        assert!(!with(3).over_threshold());
        assert!(with(4).over_threshold());
    }
}
