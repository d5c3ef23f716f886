use serde::{Deserialize, Serialize};

use super::config::{AnalysisConfig, InvalidConfig};
use super::counts::{Evidence, Side, Tally};
use super::latency;
use super::measured::Check;
use super::verdict::{Finding, Judgement, Metric, Verdict};
use super::window::{InvalidWindow, Seen, Window};

/// All evidence on one canary. It takes the same room however long the rollout goes on, and can be kept and taken up
/// again as it is written down.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Analysis {
    segment: u32,
    counts: Vec<Evidence>,
    latency: Option<latency::Evidence>,
}

impl Analysis {
    pub fn new(config: &AnalysisConfig) -> Result<Self, InvalidConfig> {
        config.check()?;
        let shares = &config.shares;
        let metrics = [
            (Metric::Errors, shares.errors),
            (Metric::Timeouts, shares.timeouts),
            (Metric::Crashes, shares.crashes),
        ];
        let judged = metrics.into_iter().filter(|(_, share)| *share > 0.0);
        let counts = judged.map(|(metric, share)| {
            Evidence::new(metric, config.alpha_for(share), config.tolerance)
        });
        let latency = config
            .latency
            .filter(|_| shares.latency > 0.0)
            .map(|latency| latency::Evidence::new(latency, config.alpha_for(shares.latency)));
        Ok(Self { segment: 0, counts: counts.collect(), latency })
    }

    /// Takes a window in. One that cannot be true is refused and changes nothing.
    pub fn add(&mut self, window: &Window) -> Result<(), InvalidWindow> {
        window.check()?;
        let (given, current) = (window.segment, self.segment);
        if given < current {
            return Err(InvalidWindow::SegmentWentBack { given, current });
        }
        if let Some(latency) = &mut self.latency {
            latency.add(window)?;
        }
        self.segment = given;
        for evidence in &mut self.counts {
            evidence.add(given, &tally(evidence.metric(), window));
        }
        Ok(())
    }

    /// What the evidence so far says, metric by metric.
    #[must_use]
    pub fn findings(&self) -> Vec<Finding> {
        let counts = self.counts.iter().map(Evidence::finding);
        counts.chain(self.latency.iter().map(latency::Evidence::finding)).collect()
    }

    /// The verdict of [`Analysis::judgement`], without the figures.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let counts = self.counts.iter().map(Evidence::verdict);
        Verdict::of_all(counts.chain(self.latency.iter().map(latency::Evidence::verdict)))
    }

    #[must_use]
    pub fn judgement(&self) -> Judgement {
        judge(Some(self), &[])
    }
}

/// Puts together what our own counts say, if they are asked, and what others measured.
#[must_use]
pub fn judge(analysis: Option<&Analysis>, checks: &[Check]) -> Judgement {
    let counted = analysis.map(Analysis::findings).unwrap_or_default();
    Judgement::new(counted.into_iter().chain(checks.iter().map(Check::finding)).collect())
}

fn tally(metric: &Metric, window: &Window) -> Tally {
    let side = |seen: &Seen| Side {
        users: seen.users,
        affected: match metric {
            Metric::Errors => seen.users_with_error,
            Metric::Timeouts => seen.users_with_timeout,
            Metric::Crashes => seen.users_with_crash,
            Metric::Latency | Metric::Check(_) => 0,
        },
    };
    Tally { baseline: side(&window.baseline), canary: side(&window.canary) }
}

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
