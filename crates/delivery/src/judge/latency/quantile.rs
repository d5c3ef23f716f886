//! The bet on how many of `n` answers come before a time that is, or is not, the quantile.

use super::super::mixture::ln_sum_exp;

/// Stakes lie this far from the quantile's own probability in log-odds, and nearer and nearer to it: the k-th at
/// `FARTHEST · NEARER^k`. The nearest is about as far as 50 million answers can tell.
const FARTHEST: f64 = 5.0;
const NEARER: f64 = 0.8;
const STAKES: i32 = 48;

/// Equal stakes on probabilities below and above one.
#[derive(Debug, Clone)]
pub(super) struct Bets {
    lower: Vec<Stake>,
    higher: Vec<Stake>,
}

/// By what an answer before and one after the time changes ln of the stake.
#[derive(Debug, Clone, Copy)]
struct Stake {
    before: f64,
    after: f64,
}

impl Bets {
    /// Against the probability `quantile`, which lies between 0 and 1.
    pub(super) fn on(quantile: f64) -> Self {
        let stakes = |sign: f64| {
            let log_odds = (0..STAKES).map(|index| sign * FARTHEST * NEARER.powi(index));
            log_odds.map(|log_odds| Stake::new(quantile, log_odds)).collect()
        };
        Self { lower: stakes(-1.0), higher: stakes(1.0) }
    }

    /// ln of the stake on "less than the quantile's part of answers come before it", after `before` of `answers` did. It falls
    /// with `before`.
    pub(super) fn ln_fewer(&self, before: u64, answers: u64) -> f64 {
        ln_mean(&self.lower, before, answers)
    }

    /// ln of the stake on "more than the quantile's part". It grows with `before`.
    pub(super) fn ln_more(&self, before: u64, answers: u64) -> f64 {
        ln_mean(&self.higher, before, answers)
    }
}

impl Stake {
    /// On odds of f / (1 − f) = e^`log_odds` · p / (1 − p): ln(f / p) and ln((1 − f) / (1 − p)).
    fn new(p: f64, log_odds: f64) -> Self {
        let after = -(p * log_odds.exp_m1()).ln_1p();
        Self { before: log_odds + after, after }
    }
}

fn ln_mean(stakes: &[Stake], before: u64, answers: u64) -> f64 {
    let (before, after) = (before as f64, answers.saturating_sub(before) as f64);
    ln_sum_exp(stakes.iter().map(|stake| before * stake.before + after * stake.after))
        - (stakes.len() as f64).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// ln of the mean of `binom.pmf(s, n, f) / binom.pmf(s, n, p)` over the same f: computed with scipy 1.17.1
    /// (`stats.binom.logpmf`, `special.logsumexp`).
    #[test]
    fn the_stake_is_the_mean_of_binomial_likelihood_ratios() {
        for (quantile, before, answers, fewer, more) in [
            (0.5, 30, 100, 5.493_987, -0.686_596),
            (0.99, 970, 1000, 9.962_576, -0.683_416),
            (0.9, 9100, 10000, -1.041_660, 3.208_404),
            (0.99, 0, 3, 8.637_864, -0.380_228),
        ] {
            let bets = Bets::on(quantile);
            let (a, b) = (bets.ln_fewer(before, answers), bets.ln_more(before, answers));
            assert!((a - fewer).abs() < 1e-5, "{before} of {answers}: {a}, not {fewer}");
            assert!((b - more).abs() < 1e-5, "{before} of {answers}: {b}, not {more}");
        }
    }

    #[test]
    fn nothing_was_won_before_the_first_answer() {
        let bets = Bets::on(0.99);
        assert!(bets.ln_fewer(0, 0).abs() < 1e-12);
        assert!(bets.ln_more(0, 0).abs() < 1e-12);
    }
}
