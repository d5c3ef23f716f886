//! Whether the canary's answers take longer: a quantile of its latencies against the baseline's, by intervals that hold at every look.
//!
//! For each side there is an interval that holds the true quantile at all times at once, a confidence sequence (Howard and Ramdas,
//! "Sequential estimation of quantiles with applications to A/B testing and best-arm identification", Bernoulli 28(3), 2022). It comes from a
//! bet: were x the quantile p or more, an answer would be below x with a probability of p at least, and whoever bets on fewer wins nothing in the long run
//! (`quantile.rs`). By Ville's inequality the bet ever makes 1/α of its stake with a probability of at most α; if it does, the quantile
//! lies at x or above. One bet is enough for all x together: what is below the true quantile is at most what is below any larger x, so a
//! false claim of any x would have needed that the bet on the true quantile was won. The other end is found in the same way.
//!
//! The canary *regressed* if the lower end of its interval is above `tolerance` times the upper end of the baseline's, and is *within
//! tolerance* if its upper end is at most that multiple of the baseline's lower end. Each claim takes two ends, each at half of the metric's alpha.
//! Latencies are counted in buckets; each end is taken at that bound of its bucket which claims less.
//!
//! What a segment showed says nothing of the next, in which the load is another: each starts anew, with 6 / (π² s²) of the alpha for the s-th
//! one, which makes 1 in all; one without an answer uses nothing. An alarm of an earlier segment stays.
//!
//! What is assumed: answers are independent, which is why the router counts one per user and window; and how each side does stands still
//! within a segment, or moves for both alike.

mod buckets;
mod quantile;

use std::f64::consts::PI;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::verdict::{Figures, Finding, Metric, Verdict};
use super::window::{InvalidWindow, Window};
use buckets::Buckets;
use quantile::Bets;

/// What is asked of latency (`analysis: { latency: … }`).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LatencyConfig {
    /// The part of answers that come within the time that is compared.
    pub quantile: f64,
    /// How many times the baseline's that time may be.
    pub tolerance: f64,
}

impl Default for LatencyConfig {
    fn default() -> Self {
        Self { quantile: 0.99, tolerance: 1.2 }
    }
}

/// The latencies of the newest segment, and the alarm if there was one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Evidence {
    config: LatencyConfig,
    alpha: f64,
    number: u32,
    /// How many segments with answers there were, this one included.
    segments: u32,
    baseline: Buckets,
    canary: Buckets,
    alarm: Option<LatencyFigures>,
}

/// What a verdict on latency was made from. Where an alarm was raised: how it was then.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct LatencyFigures {
    pub quantile: f64,
    pub tolerance: f64,
    /// For this segment.
    pub alpha: f64,
    pub segment: u32,
    pub baseline: Interval,
    pub canary: Interval,
}

/// Where the quantile of one side lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Interval {
    pub answers: u64,
    pub at_least_us: u64,
    /// Absent while no time is known to be enough.
    pub at_most_us: Option<u64>,
}

impl Evidence {
    pub(super) fn new(config: LatencyConfig, alpha: f64) -> Self {
        Self {
            config,
            alpha,
            number: 0,
            segments: 1,
            baseline: Buckets::default(),
            canary: Buckets::default(),
            alarm: None,
        }
    }

    /// Takes a window in, or refuses it and stays as it was.
    pub(super) fn add(&mut self, window: &Window) -> Result<(), InvalidWindow> {
        let empty = Buckets::default();
        let next = window.segment != self.number;
        let (baseline, canary) =
            if next { (&empty, &empty) } else { (&self.baseline, &self.canary) };
        let baseline = baseline.with(&window.baseline.latency)?;
        let canary = canary.with(&window.canary.latency)?;
        if next && self.baseline.answers().max(self.canary.answers()) > 0 {
            self.segments = self.segments.saturating_add(1);
        }
        self.number = window.segment;
        (self.baseline, self.canary) = (baseline, canary);
        if self.alarm.is_none() {
            let figures = self.figures();
            self.alarm = figures.is_alarm().then_some(figures);
        }
        Ok(())
    }

    fn figures(&self) -> LatencyFigures {
        let LatencyConfig { quantile, tolerance } = self.config;
        let alpha = self.alpha * 6.0 / (PI * f64::from(self.segments)).powi(2);
        let bets = Bets::on(quantile);
        let interval = |buckets: &Buckets| buckets.interval(&bets, -(alpha / 2.0).ln());
        LatencyFigures {
            quantile,
            tolerance,
            alpha,
            segment: self.number,
            baseline: interval(&self.baseline),
            canary: interval(&self.canary),
        }
    }

    pub(super) fn verdict(&self) -> Verdict {
        match self.alarm {
            Some(_) => Verdict::Regressed,
            None if self.figures().is_pass() => Verdict::WithinTolerance,
            None => Verdict::Unknown,
        }
    }

    pub(super) fn finding(&self) -> Finding {
        let figures = self.alarm.unwrap_or_else(|| self.figures());
        let verdict = self.verdict();
        Finding {
            metric: Metric::Latency,
            verdict,
            reason: figures.reason(verdict),
            figures: Figures::Latency(figures),
        }
    }
}

impl LatencyFigures {
    fn is_alarm(&self) -> bool {
        let most = self.baseline.at_most_us;
        most.is_some_and(|most| self.canary.at_least_us as f64 > self.tolerance * most as f64)
    }

    fn is_pass(&self) -> bool {
        let most = self.canary.at_most_us;
        most.is_some_and(|most| most as f64 <= self.tolerance * self.baseline.at_least_us as f64)
    }

    fn reason(&self, verdict: Verdict) -> String {
        let Self { quantile, tolerance, baseline, canary, .. } = self;
        let percent = 100.0 * quantile;
        let sides = format!(
            "latency: {percent} % of answers take up to {canary} on the canary and up to {baseline} on the baseline"
        );
        match verdict {
            Verdict::Regressed => format!("{sides}: more than {tolerance} times as long"),
            Verdict::WithinTolerance => format!("{sides}: at most {tolerance} times as long"),
            Verdict::Unknown => {
                format!("{sides}: not enough to say whether it is {tolerance} times as long")
            }
        }
    }
}

impl std::fmt::Display for Interval {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let least = Duration::from_micros(self.at_least_us);
        match self.at_most_us.map(Duration::from_micros) {
            Some(most) => write!(f, "{least:?} to {most:?}")?,
            None => write!(f, "{least:?} or more")?,
        }
        write!(f, " ({} answers)", self.answers)
    }
}

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
