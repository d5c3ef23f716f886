//! Seeded rollouts, looked at after every window. `SOLUM_TEST_FULL=1` makes ten times as many.

use std::collections::BTreeMap;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::*;
use crate::judge::window::{Bucket, Seen};

const ALPHA: f64 = 0.05;
/// What the first segment gets of it.
const FIRST: f64 = ALPHA * 6.0 / (PI * PI);
const WINDOWS: u32 = 30;

fn rollouts() -> u64 {
    let full = std::env::var_os("SOLUM_TEST_FULL").is_some_and(|value| value == "1");
    if full { 20_000 } else { 2_000 }
}

/// Answers that take anything up to `longest` seconds, in buckets of 10 ms: the quantile p is p · `longest`.
fn answers(count: u64, longest: f64, random: &mut StdRng) -> Seen {
    let mut buckets = BTreeMap::new();
    for _ in 0..count {
        let bucket = (random.random::<f64>() * longest * 100.0) as u64;
        *buckets.entry(bucket).or_insert(0) += 1;
    }
    let bucket =
        |(index, count)| Bucket { from_us: index * 10_000, to_us: (index + 1) * 10_000, count };
    Seen { users: count, latency: buckets.into_iter().map(bucket).collect(), ..Seen::default() }
}

/// Looks at one rollout after each window, in which answers take up to so many seconds on the canary and on the baseline, until
/// something is found; gives how many answers of the canary it took.
fn until(
    seed: u64,
    tolerance: f64,
    longest: impl Fn(u32) -> (f64, f64),
    found: impl Fn(&Evidence) -> bool,
) -> Option<u64> {
    let mut random = StdRng::seed_from_u64(seed);
    let mut evidence = Evidence::new(LatencyConfig { quantile: 0.9, tolerance }, ALPHA);
    (0..WINDOWS).find_map(|at| {
        let (canary, baseline) = longest(at);
        let canary = answers(20, canary, &mut random);
        let baseline = answers(80, baseline, &mut random);
        evidence.add(&Window { segment: 0, baseline, canary }).unwrap();
        found(&evidence).then(|| evidence.canary.answers())
    })
}

fn assert_at_most(limit: f64, rollouts: u64, ever: impl Fn(&u64) -> bool, what: &str) {
    let count = (0..rollouts).filter(ever).count();
    println!("{what}: {count} of {rollouts}, at most {:.0}", limit * rollouts as f64);
    assert!(count as f64 <= limit * rollouts as f64, "{what}: {count} of {rollouts}");
}

/// Of answers that come before the quantile with exactly its probability, looked at after every ten. Either stake may be won at half of
/// alpha, so that the interval misses the quantile with alpha at most.
#[test]
fn an_interval_ever_misses_its_quantile_no_more_often_than_alpha() {
    const QUANTILE: f64 = 0.9;
    let bets = Bets::on(QUANTILE);
    let threshold = -(ALPHA / 2.0).ln();
    let missed = |rollout: &u64| {
        let mut random = StdRng::seed_from_u64(1_000_000 + rollout);
        let mut before = 0;
        (1..=500).any(|look: u64| {
            before += (0..10).filter(|_| random.random::<f64>() < QUANTILE).count() as u64;
            let (fewer, more) = (bets.ln_fewer(before, 10 * look), bets.ln_more(before, 10 * look));
            fewer.max(more) >= threshold
        })
    };
    assert_at_most(ALPHA, rollouts(), missed, "quantiles ever outside");
    assert!(
        (0..rollouts()).any(|rollout| missed(&rollout)),
        "a bet that is never won says nothing"
    );
}

#[test]
fn sides_that_slow_down_alike_are_no_alarm() {
    let both = |at: u32| if at % 10 < 5 { (1.0, 1.0) } else { (3.0, 3.0) };
    let alarmed = |rollout: &u64| {
        until(2_000_000 + rollout, 1.0, both, |evidence| evidence.alarm.is_some()).is_some()
    };
    assert_at_most(FIRST, rollouts() / 4, alarmed, "alarms while all slows down");
}

#[test]
fn what_is_just_out_of_tolerance_passes_no_more_often_than_alpha() {
    let passed = |rollout: &u64| {
        let pass = |evidence: &Evidence| evidence.verdict() == Verdict::WithinTolerance;
        until(3_000_000 + rollout, 1.2, |_| (1.2, 1.0), pass).is_some()
    };
    assert_at_most(FIRST, rollouts() / 4, passed, "passes out of tolerance");
}

#[test]
fn twice_as_slow_is_found_and_equally_fast_is_passed() {
    let median = |verdict: Verdict, canary: f64, tolerance: f64| {
        let mut needed: Vec<_> = (0..rollouts() / 10)
            .map(|rollout| {
                let found = |evidence: &Evidence| evidence.verdict() == verdict;
                until(4_000_000 + rollout, tolerance, |_| (canary, 1.0), found).unwrap_or(u64::MAX)
            })
            .collect();
        needed.sort_unstable();
        needed[needed.len() / 2]
    };
    let slow = median(Verdict::Regressed, 2.0, 1.2);
    let good = median(Verdict::WithinTolerance, 1.0, 1.5);
    println!("answers of the canary: {slow} until an alarm at twice the time, {good} until a pass");
    assert!(slow <= 200 && good <= 1_200, "{slow}, {good}");
}
