//! Whether more users of the canary than of the baseline meet with trouble, by a bet that is fair however often it is looked at.
//!
//! # The bet
//!
//! A window has `m` users on the canary and `u` on the baseline; θ = m / (m + u) is the canary's observed share. Of `n` users with
//! trouble `k` are on the canary. A bet on a rate ratio ρ multiplies its stake by
//!
//! ```text
//! ρ^k / (1 + θ(ρ − 1))^n = A^k · C^(n − k),   A = ρ / (1 + θ(ρ − 1)),  C = 1 / (1 + θ(ρ − 1))
//! ```
//!
//! With t = ρθ / (1 + θ(ρ − 1)) this is t^k (1−t)^(n−k) / (θ^k (1−θ)^(n−k)), the likelihood ratio of "each user with trouble is
//! on the canary with probability t" against θ. Stakes are spread over many ρ as a Beta(a, b) prior on t spreads them, so that while
//! the share stands still the sum of them is `E = B(a+k, b+n−k) / B(a, b) / (θ^k (1−θ)^(n−k))`, the beta-binomial test
//! of Lindon, Sanden and Shirikian (KDD 2022); here conditioned on 1 < ρ < 100, because with both directions in one
//! sum a canary that was *better* in one segment would bring on a false alarm in the next. The prior is a = ½ and
//! b = ½ (1 − θ) / θ: its mean is θ, it weighs as much as half a user with trouble on the canary, and at small shares a twelfth of what
//! bets on ρ > 1 bets on ρ > 5. θ is the share in the segment's first window; of the troubles in it nothing is used.
//!
//! # Why it is fair
//!
//! Given the past and m and u, let the users of a window fail independently, on average with probability p on the canary and q on the baseline,
//! whatever they are in this window. Then a bet with a loss allowance δ,
//! `A^k C^(n−k) exp(δ m (1 − A))`, has an expectation of at most
//!
//! ```text
//! exp(m p (A − 1) + u q (C − 1) + δ m (1 − A)) = exp((1 − A) · m · (q + δ − p))
//! ```
//!
//! by ln(1 + x) ≤ x for each user, and because u (1 − C) = m (A − 1). So for A > 1 and δ = 0 the product over windows is a
//! supermartingale if p ≤ q, and by Ville's inequality it ever reaches 1/α with a probability of at most α: that is the alarm. For A < 1
//! it is one if p ≥ q + δ: reaching 1/α says that the excess p − q is below δ. Neither needs the base rate, a constant
//! rate, a constant share, rare troubles or a number of looks chosen ahead. Where p − q moves, divide each window's factor by that bound: what is left is a
//! supermartingale, and the product is no larger than it whenever p − q, averaged over the canary's users so far, is at least δ (the weights of
//! that average, m (1 − A), follow the share where it moves too). A sum over ρ of supermartingales is one: that it is finite costs
//! sharpness, not validity.
//!
//! Segments (stretches of the same weight and match rules) multiply for the alarm, each with a prior of its own. *Within tolerance* is asked
//! of the newest segment alone: how a canary did at 5 % says little of how it does at 50 %.
//!
//! Windows without users on both sides compare nothing and are passed over.

mod segment;

use serde::{Deserialize, Serialize};

use super::verdict::{Figures, Finding, Metric, Verdict};
use segment::Segment;

/// Users of both sides in one window, and how many of them met with one kind of trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) baseline: Side,
    pub(super) canary: Side,
}

/// Users of one release.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Side {
    /// Users, each counted once per window.
    pub users: u64,
    /// Those of them who met with trouble.
    pub affected: u64,
}

/// All that was seen of one kind of trouble. It takes the same room however long it goes on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Evidence {
    metric: Metric,
    alpha: f64,
    tolerance: f64,
    baseline: Side,
    canary: Side,
    /// Of all users with trouble, how many would be on the canary if the sides were alike.
    expected: f64,
    /// ln of what segments before the current one made of the stake.
    before: f64,
    /// The largest ln of the stake so far: an alarm that was raised stays.
    peak: f64,
    segments: u32,
    number: u32,
    current: Option<Segment>,
}

/// What a verdict on counts was made from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CountFigures {
    pub baseline: Side,
    pub canary: Side,
    /// Of all users with trouble, how many would be on the canary if the sides were alike.
    pub expected_on_canary: f64,
    /// Natural logarithm of the e-value against "the canary is no worse".
    pub ln_e_value: f64,
    /// The largest it ever was: at or above `ln_threshold` the canary regressed.
    pub ln_e_value_peak: f64,
    pub ln_threshold: f64,
    pub alpha: f64,
    /// By how much the canary's part of users with trouble exceeds the baseline's at most, in the newest segment; absent while even
    /// 1 cannot be excluded.
    pub excess_at_most: Option<f64>,
    pub tolerance: f64,
    /// How many segments had users on both sides.
    pub segments: u32,
}

impl Evidence {
    pub(super) fn new(metric: Metric, alpha: f64, tolerance: f64) -> Self {
        Self {
            metric,
            alpha,
            tolerance,
            baseline: Side::default(),
            canary: Side::default(),
            expected: 0.0,
            before: 0.0,
            peak: 0.0,
            segments: 0,
            number: 0,
            current: None,
        }
    }

    pub(super) fn add(&mut self, segment: u32, tally: &Tally) {
        self.baseline.add(tally.baseline);
        self.canary.add(tally.canary);
        if segment != self.number {
            self.number = segment;
            self.before += self.current.take().map_or(0.0, |ended| ended.ln_worse());
        }
        let Some(share) = tally.share() else { return };
        let current = self.current.get_or_insert_with(|| {
            self.segments += 1;
            Segment::new(share)
        });
        current.add(tally, share);
        self.expected += tally.affected() * share;
        self.peak = self.peak.max(self.before + current.ln_worse());
    }

    pub(super) fn metric(&self) -> &Metric {
        &self.metric
    }

    fn figures(&self) -> CountFigures {
        let current = self.current.as_ref();
        let ln_threshold = -self.alpha.ln();
        CountFigures {
            baseline: self.baseline,
            canary: self.canary,
            expected_on_canary: self.expected,
            ln_e_value: self.before + current.map_or(0.0, Segment::ln_worse),
            ln_e_value_peak: self.peak,
            ln_threshold,
            alpha: self.alpha,
            excess_at_most: current.and_then(|current| current.excess_at_most(ln_threshold)),
            tolerance: self.tolerance,
            segments: self.segments,
        }
    }

    pub(super) fn verdict(&self) -> Verdict {
        let ln_threshold = -self.alpha.ln();
        let within = |current: &Segment| current.ln_better(self.tolerance) >= ln_threshold;
        if self.peak >= ln_threshold {
            Verdict::Regressed
        } else if self.current.as_ref().is_some_and(within) {
            Verdict::WithinTolerance
        } else {
            Verdict::Unknown
        }
    }

    pub(super) fn finding(&self) -> Finding {
        let figures = self.figures();
        let verdict = self.verdict();
        let reason = figures.reason(&self.metric, verdict);
        Finding { metric: self.metric.clone(), verdict, reason, figures: Figures::Counts(figures) }
    }
}

impl CountFigures {
    fn reason(&self, metric: &Metric, verdict: Verdict) -> String {
        let sides = format!(
            "{metric}: {} of {} users on the canary, {} of {} on the baseline",
            self.canary.affected, self.canary.users, self.baseline.affected, self.baseline.users
        );
        let percent = |part: f64| 100.0 * part;
        match (verdict, self.excess_at_most) {
            (Verdict::Regressed, _) => format!(
                "{sides}; {:.1} on the canary would be its share. If it were no worse, such counts would ever come up once in {:.0} \
                 rollouts or more rarely",
                self.expected_on_canary,
                self.ln_e_value_peak.exp().min(1e15)
            ),
            (_, _) if self.segments == 0 => {
                format!("{sides}; there were never users on both sides at the same time")
            }
            (_, None) => format!("{sides}; too few users to say anything"),
            (Verdict::WithinTolerance, Some(excess)) => format!(
                "{sides}; at most {:.3} percentage points more at this weight, {:.3} are tolerated",
                percent(excess),
                percent(self.tolerance)
            ),
            (Verdict::Unknown, Some(excess)) => format!(
                "{sides}; up to {:.3} percentage points more at this weight cannot be excluded yet, {:.3} are tolerated",
                percent(excess),
                percent(self.tolerance)
            ),
        }
    }
}

impl Side {
    fn add(&mut self, other: Self) {
        self.users = self.users.saturating_add(other.users);
        self.affected = self.affected.saturating_add(other.affected);
    }
}

impl Tally {
    /// The canary's share of users; none without users on both sides.
    fn share(&self) -> Option<f64> {
        let (canary, baseline) = (self.canary.users, self.baseline.users);
        let both = canary > 0 && baseline > 0;
        both.then(|| canary as f64 / (canary as f64 + baseline as f64))
    }

    fn affected(&self) -> f64 {
        self.canary.affected as f64 + self.baseline.affected as f64
    }
}

#[cfg(test)]
mod tests;
