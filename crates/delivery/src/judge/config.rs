use serde::{Deserialize, Serialize};

use super::LatencyConfig;

/// What an analysis promises and asks for (`analysis:` in the manifest).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AnalysisConfig {
    /// The chance that a canary that is no worse is ever called regressed, and the chance that one which is out of tolerance is
    /// ever let pass; each over all metrics and looks.
    pub alpha: f64,
    /// How much larger the canary's part of users with trouble may be than the baseline's: 0.005 is half a percentage point.
    pub tolerance: f64,
    /// Latencies are not judged without it.
    pub latency: Option<LatencyConfig>,
    pub shares: Shares,
}

/// How alpha is divided between metrics, relative to each other. A metric without a share is not judged.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Shares {
    pub errors: f64,
    pub timeouts: f64,
    pub crashes: f64,
    /// Counts only where latencies are judged.
    pub latency: f64,
}

impl Default for Shares {
    fn default() -> Self {
        Self { errors: 1.0, timeouts: 1.0, crashes: 1.0, latency: 1.0 }
    }
}

impl Default for AnalysisConfig {
    fn default() -> Self {
        Self { alpha: 0.01, tolerance: 0.005, latency: None, shares: Shares::default() }
    }
}

/// What is wrong with an analysis, and how to mend it.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum InvalidConfig {
    #[error("`alpha` is {0}: it has to be more than 0 and at most 0.5, as 0.01")]
    Alpha(f64),
    #[error(
        "`tolerance` is {0}: it has to be more than 0 and less than 1, as 0.005 for half a percentage point"
    )]
    Tolerance(f64),
    #[error("`latency.quantile` is {0}: it has to be more than 0 and less than 1, as 0.99")]
    Quantile(f64),
    #[error("`latency.tolerance` is {0}: it has to be 1 or more, as 1.2 for a fifth longer")]
    Ratio(f64),
    #[error("a share of alpha is {0}: it has to be a number that is not negative")]
    Share(f64),
    #[error("no metric has a share of alpha: give at least one")]
    NoMetric,
}

impl AnalysisConfig {
    pub fn check(&self) -> Result<(), InvalidConfig> {
        if !(self.alpha > 0.0 && self.alpha <= 0.5) {
            return Err(InvalidConfig::Alpha(self.alpha));
        }
        if !(self.tolerance > 0.0 && self.tolerance < 1.0) {
            return Err(InvalidConfig::Tolerance(self.tolerance));
        }
        if let Some(LatencyConfig { quantile, tolerance }) = self.latency {
            if !(quantile > 0.0 && quantile < 1.0) {
                return Err(InvalidConfig::Quantile(quantile));
            }
            if !(tolerance >= 1.0 && tolerance.is_finite()) {
                return Err(InvalidConfig::Ratio(tolerance));
            }
        }
        let shares = self.shares();
        if let Some(wrong) = shares.iter().find(|share| !(share.is_finite() && **share >= 0.0)) {
            return Err(InvalidConfig::Share(*wrong));
        }
        let none = shares.iter().all(|share| *share == 0.0);
        if none { Err(InvalidConfig::NoMetric) } else { Ok(()) }
    }

    /// Of what is judged.
    fn shares(&self) -> [f64; 4] {
        let Shares { errors, timeouts, crashes, latency } = self.shares;
        [errors, timeouts, crashes, self.latency.map_or(0.0, |_| latency)]
    }

    /// The part of alpha for a metric with this share.
    pub(super) fn alpha_for(&self, share: f64) -> f64 {
        self.alpha * share / self.shares().iter().sum::<f64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_share_alpha_by_their_shares() {
        let shares = Shares { errors: 2.0, timeouts: 1.0, crashes: 0.5, latency: 0.5 };
        let latency = Some(LatencyConfig::default());
        let config = AnalysisConfig { alpha: 0.04, shares, latency, ..AnalysisConfig::default() };
        assert_eq!(config.check(), Ok(()));
        assert!((config.alpha_for(2.0) - 0.02).abs() < 1e-15);
        assert!((config.alpha_for(1.0) - 0.01).abs() < 1e-15);
        let shares = Shares { latency: 100.0, ..Shares::default() };
        let unjudged = AnalysisConfig { alpha: 0.03, shares, ..AnalysisConfig::default() };
        assert!((unjudged.alpha_for(1.0) - 0.01).abs() < 1e-15);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let fine = AnalysisConfig::default();
        for alpha in [0.0, -0.1, 0.6, f64::NAN] {
            assert!(AnalysisConfig { alpha, ..fine.clone() }.check().is_err(), "{alpha}");
        }
        for tolerance in [0.0, 1.0, f64::NAN] {
            assert!(AnalysisConfig { tolerance, ..fine.clone() }.check().is_err(), "{tolerance}");
        }
        for latency in [(1.0, 1.2), (0.0, 1.2), (f64::NAN, 1.2), (0.9, 0.9), (0.9, f64::INFINITY)] {
            let (quantile, tolerance) = latency;
            let latency = Some(LatencyConfig { quantile, tolerance });
            assert!(AnalysisConfig { latency, ..fine.clone() }.check().is_err(), "{latency:?}");
        }
        let none = Shares { errors: 0.0, timeouts: 0.0, crashes: 0.0, latency: 1.0 };
        let none = AnalysisConfig { shares: none, ..fine.clone() };
        assert_eq!(none.check(), Err(InvalidConfig::NoMetric));
        let negative = Shares { errors: -1.0, ..Shares::default() };
        assert_eq!(
            AnalysisConfig { shares: negative, ..fine }.check(),
            Err(InvalidConfig::Share(-1.0))
        );
    }
}
