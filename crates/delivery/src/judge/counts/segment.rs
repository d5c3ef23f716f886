use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::super::mixture::ln_sum_exp;
use super::Tally;

/// Rate ratios that stakes lie on are apart by this much in their logarithm. Up to some 600 users with trouble on the canary a sum over
/// them is as sharp as the integral would be.
const STEP: f64 = 0.04;
/// Stakes in each direction: from 1.02 to almost 100 times the rate, and as far down.
const STAKES: usize = 115;
/// The prior's weight, in users with trouble on the canary.
const PRIOR: f64 = 0.5;
/// An excess is found to this many halvings of the range from −1 to 1.
const HALVINGS: u32 = 40;

static WORSE: LazyLock<Vec<Stake>> = LazyLock::new(|| stakes(1.0));
static BETTER: LazyLock<Vec<Stake>> = LazyLock::new(|| stakes(-1.0));

/// A rate ratio ρ that is bet on.
#[derive(Debug, Clone, Copy)]
struct Stake {
    /// ln ρ.
    ln_ratio: f64,
    /// ρ − 1.
    surplus: f64,
}

/// The bets of one stretch of constant weight: ln of what became of the part of one unit that lies on each stake.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Segment {
    worse: Vec<f64>,
    better: Vec<f64>,
    /// Of each bet on a better canary, Σ m (1 − A): what an excess of 1 would add to its logarithm.
    allowance: Vec<f64>,
}

/// Each in the middle of its step.
fn stakes(sign: f64) -> Vec<Stake> {
    let ln_ratios = (0..STAKES).map(|index| sign * STEP * (index as f64 + 0.5));
    ln_ratios.map(|ln_ratio| Stake { ln_ratio, surplus: ln_ratio.exp_m1() }).collect()
}

impl Stake {
    /// ln(1 + θ(ρ − 1)).
    fn ln_total(self, share: f64) -> f64 {
        (share * self.surplus).ln_1p()
    }

    /// 1 − A = (1 − θ)(1 − ρ) / (1 + θ(ρ − 1)).
    fn lost(self, share: f64) -> f64 {
        -(1.0 - share) * self.surplus / (1.0 + share * self.surplus)
    }
}

/// ln of the prior on each stake: Beta(a, b) on t, in the measure of ln ρ, where dt = t (1 − t) d ln ρ.
fn prior(stakes: &[Stake], share: f64) -> Vec<f64> {
    let (a, b) = (PRIOR, PRIOR * (1.0 - share) / share);
    let density = |stake: &Stake| a * stake.ln_ratio - (a + b) * stake.ln_total(share);
    let all = ln_sum_exp(stakes.iter().map(density));
    stakes.iter().map(|stake| density(stake) - all).collect()
}

fn bet(bets: &mut [f64], stakes: &[Stake], tally: &Tally, share: f64) {
    let (affected, on_canary) = (tally.affected(), tally.canary.affected as f64);
    if affected == 0.0 {
        return;
    }
    for (bet, stake) in bets.iter_mut().zip(stakes) {
        *bet += on_canary * stake.ln_ratio - affected * stake.ln_total(share);
    }
}

impl Segment {
    /// `share` is the canary's share of users in the first window: the prior's mean.
    pub(super) fn new(share: f64) -> Self {
        Self {
            worse: prior(&WORSE, share),
            better: prior(&BETTER, share),
            allowance: vec![0.0; STAKES],
        }
    }

    pub(super) fn add(&mut self, tally: &Tally, share: f64) {
        bet(&mut self.worse, &WORSE, tally, share);
        bet(&mut self.better, &BETTER, tally, share);
        let users = tally.canary.users as f64;
        for (allowance, stake) in self.allowance.iter_mut().zip(BETTER.iter()) {
            *allowance += users * stake.lost(share);
        }
    }

    /// ln of the stake against "the canary is no worse".
    pub(super) fn ln_worse(&self) -> f64 {
        ln_sum_exp(self.worse.iter().copied())
    }

    /// ln of the stake against "the canary's excess is `excess` or more". It grows with `excess`.
    pub(super) fn ln_better(&self, excess: f64) -> f64 {
        let bets = self.better.iter().zip(&self.allowance);
        ln_sum_exp(bets.map(|(bet, allowance)| bet + excess * allowance))
    }

    /// The smallest excess that is excluded, rounded up.
    pub(super) fn excess_at_most(&self, ln_threshold: f64) -> Option<f64> {
        let excluded = |excess| self.ln_better(excess) >= ln_threshold;
        let (mut below, mut above) = (-1.0, 1.0);
        if !excluded(above) {
            return None;
        }
        for _ in 0..HALVINGS {
            let middle = 0.5 * (below + above);
            if excluded(middle) {
                above = middle;
            } else {
                below = middle;
            }
        }
        Some(above)
    }
}
