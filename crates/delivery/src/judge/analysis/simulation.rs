//! Seeded rollouts, looked at after every window. `SOLUM_TEST_FULL=1` makes ten times as many.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::*;
use crate::judge::Shares;

const ALPHA: f64 = 0.05;

fn rollouts() -> u64 {
    let full = std::env::var_os("SOLUM_TEST_FULL").is_some_and(|value| value == "1");
    if full { 20_000 } else { 2_000 }
}

fn analysis() -> Analysis {
    let shares = Shares { errors: 1.0, timeouts: 0.0, crashes: 0.0, latency: 0.0 };
    let config = AnalysisConfig { alpha: ALPHA, tolerance: 0.01, latency: None, shares };
    Analysis::new(&config).unwrap()
}

/// How many of `users` are hit, each with probability `rate`: by the gaps between those who are.
fn hit(users: u64, rate: f64, random: &mut StdRng) -> u64 {
    let (mut hit, mut left) = (0, users as f64);
    loop {
        left -= ((1.0 - random.random::<f64>()).ln() / (1.0 - rate).ln()).floor() + 1.0;
        if left < 0.0 {
            return hit;
        }
        hit += 1;
    }
}

/// One window of a rollout: what part of the users is on the canary, and the two error rates.
struct Weather {
    segment: u32,
    share: f64,
    canary: f64,
    baseline: f64,
}

fn window(users: u64, weather: &Weather, random: &mut StdRng) -> Window {
    let on_canary = hit(users, weather.share, random);
    let mut side = |users, rate| {
        let users_with_error = hit(users, rate, random);
        Seen { users, users_with_error, ..Seen::default() }
    };
    let canary = side(on_canary, weather.canary);
    Window { segment: weather.segment, canary, baseline: side(users - on_canary, weather.baseline) }
}

/// How many rollouts of `windows` windows with 400 users each ever got this verdict.
fn ever(verdict: Verdict, seed: u64, windows: u32, weather: impl Fn(u32) -> Weather) -> u64 {
    let got = |rollout: &u64| {
        let mut random = StdRng::seed_from_u64(seed + rollout);
        let mut analysis = analysis();
        (0..windows).any(|at| {
            analysis.add(&window(400, &weather(at), &mut random)).unwrap();
            analysis.verdict() == verdict
        })
    };
    (0..rollouts()).filter(got).count() as u64
}

/// At most alpha of them: a fixed seed makes it the same number each time.
fn assert_at_most_alpha(count: u64, what: &str) {
    let rollouts = rollouts();
    println!("{what}: {count} of {rollouts}");
    assert!(count as f64 <= ALPHA * rollouts as f64, "{what}: {count} of {rollouts}");
}

#[test]
fn false_alarms_of_looking_all_the_time_stay_below_alpha() {
    let alike = |_| Weather { segment: 0, share: 0.05, canary: 0.02, baseline: 0.02 };
    assert_at_most_alpha(ever(Verdict::Regressed, 1, 60, alike), "alarms at 5 %");
}

/// The base rate goes from 0.5 % to 8 % and back, for both sides alike, while the weight goes up in four segments.
#[test]
fn changing_shares_and_base_rates_are_no_alarm() {
    let moving = |at: u32| {
        let rate = if at % 20 < 10 { 0.005 } else { 0.08 };
        let segment = at / 15;
        let share = [0.01, 0.05, 0.25, 0.5][segment as usize];
        Weather { segment, share, canary: rate, baseline: rate }
    };
    assert_at_most_alpha(ever(Verdict::Regressed, 2, 60, moving), "alarms while all moves");
}

/// What the router counts is users, however many errors each of them meets with.
#[test]
fn errors_that_come_in_clusters_count_once() {
    const ROLLOUTS: u64 = 400;
    let alarmed = |per_error: fn(&mut StdRng) -> u64| {
        let alarmed = |rollout: &u64| {
            let mut random = StdRng::seed_from_u64(3_000 + rollout);
            let mut analysis = analysis();
            (0..60).any(|_| {
                let weather = Weather { segment: 0, share: 0.1, canary: 0.02, baseline: 0.02 };
                let mut window = window(400, &weather, &mut random);
                for seen in [&mut window.canary, &mut window.baseline] {
                    seen.users_with_error =
                        (0..seen.users_with_error).map(|_| per_error(&mut random)).sum();
                    // Room for 50 errors of each user. What matters is the share of users, which stays.
                    seen.users *= 50;
                }
                analysis.add(&window).unwrap();
                analysis.verdict() == Verdict::Regressed
            })
        };
        (0..ROLLOUTS).filter(alarmed).count() as f64 / ROLLOUTS as f64
    };
    let by_request = alarmed(|random| random.random_range(1..=50));
    let by_user = alarmed(|_| 1);
    println!("alarms counted by user: {by_user}, by request: {by_request}");
    assert!(by_user <= ALPHA);
    assert!(by_request > 0.3, "clusters would matter if requests were counted");
}

/// The same 400 users for ten windows, of whom the same ones meet with errors each time.
#[test]
fn trouble_that_outlasts_a_window_counts_once_if_who_was_counted_is_left_out() {
    const ROLLOUTS: u64 = 400;
    let alarmed = |windows: u32, leave_out: bool| {
        let alarmed = |rollout: &u64| {
            let mut random = StdRng::seed_from_u64(7_000 + rollout);
            let mut analysis = analysis();
            (0..60).any(|_| {
                let weather = Weather { segment: 0, share: 0.1, canary: 0.02, baseline: 0.02 };
                let mut window = window(400, &weather, &mut random);
                for _ in 0..windows {
                    analysis.add(&window).unwrap();
                    if leave_out {
                        for seen in [&mut window.canary, &mut window.baseline] {
                            seen.users -= std::mem::take(&mut seen.users_with_error);
                        }
                    }
                }
                analysis.verdict() == Verdict::Regressed
            })
        };
        (0..ROLLOUTS).filter(alarmed).count() as f64 / ROLLOUTS as f64
    };
    let (one, ten, left_out) = (alarmed(1, false), alarmed(10, false), alarmed(10, true));
    println!(
        "alarms with one window for a user's trouble: {one}, with ten: {ten}, left out: {left_out}"
    );
    assert!(one <= ALPHA);
    assert!(left_out <= ALPHA);
    assert!(ten > 0.3, "the documentation warns of this");
}

/// A canary whose excess is exactly what is tolerated is hardly ever passed.
#[test]
fn what_is_out_of_tolerance_passes_no_more_often_than_alpha() {
    let worse = |_| Weather { segment: 0, share: 0.2, canary: 0.03, baseline: 0.02 };
    assert_at_most_alpha(ever(Verdict::WithinTolerance, 4, 60, worse), "passes out of tolerance");
}

#[test]
fn a_canary_that_is_alike_is_passed_in_the_end() {
    let alike = |_| Weather { segment: 0, share: 0.2, canary: 0.005, baseline: 0.005 };
    let passed = ever(Verdict::WithinTolerance, 5, 60, alike);
    println!("passes of a good canary: {passed} of {}", rollouts());
    assert!(passed * 10 >= rollouts() * 9);
}

/// From 1 % to 5 % at 5 % weight.
#[test]
fn a_real_regression_is_found_soon() {
    let weather = Weather { segment: 0, share: 0.05, canary: 0.05, baseline: 0.01 };
    let mut needed: Vec<u64> = (0..rollouts() / 10)
        .map(|rollout| {
            let mut random = StdRng::seed_from_u64(6_000 + rollout);
            let mut analysis = analysis();
            let mut canary = 0;
            for _ in 0..1_000 {
                let window = window(400, &weather, &mut random);
                canary += window.canary.users;
                analysis.add(&window).unwrap();
                if analysis.verdict() == Verdict::Regressed {
                    return canary;
                }
            }
            u64::MAX
        })
        .collect();
    needed.sort_unstable();
    let median = needed[needed.len() / 2];
    println!("users on the canary to find 1 % → 5 %: median {median}, worst {:?}", needed.last());
    assert!(needed.iter().all(|users| *users < 2_000), "{:?}", needed.last());
}
