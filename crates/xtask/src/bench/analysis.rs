//! `cargo xtask bench analysis`: how often our judge cries wolf, and how much it has to see to find a regression, beside two others.
//!
//! Every figure comes from seeded simulations, so that it is the same on every machine. Twenty users a second arrive, each of them
//! once. The error rate goes up and down for both sides alike, by autocorrelated noise on its logarithm. With errors apart each user sends one
//! request; in clusters ten, and who meets with an error sends 1 to 19, which all fail. Our judge is told of users after every second; the others read
//! error rates of requests by the minute, as they do from a metrics store.

use anyhow::{Result, ensure};
use delivery::judge::{Analysis, AnalysisConfig, Seen, Shares, Verdict, Window};

mod rivals;
mod traffic;

use rivals::Minutes;
use traffic::{Scene, Second, Traffic};

const ALPHA: f64 = 0.05;
/// A rollout lasts 64 minutes; Kayenta looks at it eight times.
const MINUTES: usize = 64;
const LOOKS: usize = 8;
const NULL_ROLLOUTS: u64 = 2_000;
const ROLLOUTS: u64 = 200;
const BASE_RATE: f64 = 0.01;

const JUDGES: [(&str, Judge); 3] = [
    ("Solum, α = 0.05, each second", Judge::Ours),
    ("Mann–Whitney as Kayenta, 8 looks", Judge::MannWhitney),
    ("threshold as Argo's, 5 %, 4 of 64", Judge::Threshold),
];

#[derive(Debug, Clone, Copy)]
enum Judge {
    Ours,
    MannWhitney,
    Threshold,
}

pub(super) fn run(arguments: &[String]) -> Result<()> {
    ensure!(arguments.is_empty(), "the analysis benchmark takes no options");
    println!(
        "base rate {BASE_RATE}, {MINUTES} minutes, 20 users/s; prior of ours: Beta(½, ½(1 − θ)/θ) with θ the canary's share\n\n\
         False alarms of {NULL_ROLLOUTS} rollouts without a regression, 5 % of users on the canary\n\n\
         | judge | errors apart | errors in clusters |\n|---|---|---|"
    );
    for (name, judge) in JUDGES {
        let alarms = |clusters| {
            let scene = Scene { share: 0.05, base_rate: BASE_RATE, times: 1.0, clusters };
            (0..NULL_ROLLOUTS).filter(|seed| alarm(judge, scene, *seed).is_some()).count()
        };
        println!("| {name} | {} | {} |", alarms(false), alarms(true));
    }
    println!(
        "\nErrors until the alarm: users with an error on both sides, median of {ROLLOUTS} rollouts with clusters (part of rollouts with an alarm)\n\n\
         | judge | share | 5 × | 2 × | 1.5 × |\n|---|---|---|---|---|"
    );
    for share in [0.05, 0.1] {
        for (name, judge) in JUDGES {
            let cell = |times| {
                let scene = Scene { share, base_rate: BASE_RATE, times, clusters: true };
                needed((0..ROLLOUTS).map(|seed| alarm(judge, scene, 1_000_000 + seed)).collect())
            };
            println!(
                "| {name} | {} % | {} | {} | {} |",
                100.0 * share,
                cell(5.0),
                cell(2.0),
                cell(1.5)
            );
        }
    }
    Ok(())
}

/// The median over all rollouts, where those without an alarm need more than any.
fn needed(mut errors: Vec<Option<u64>>) -> String {
    let found = errors.iter().flatten().count();
    errors.sort_unstable_by_key(|errors| errors.unwrap_or(u64::MAX));
    let part = 100 * found / errors.len().max(1);
    match errors.get(errors.len().saturating_sub(1) / 2).copied().flatten() {
        Some(median) => format!("{median} ({part} %)"),
        None => format!("– ({part} %)"),
    }
}

/// How many users had met with an error when the judge called the rollout regressed, if it ever did.
fn alarm(judge: Judge, scene: Scene, seed: u64) -> Option<u64> {
    let mut traffic = Traffic::new(scene, seed);
    let mut errors = 0;
    match judge {
        Judge::Ours => {
            let mut ours = ours();
            (0..60 * MINUTES).find_map(|_| {
                let second = traffic.second();
                errors += second.errors();
                ours.add(&window(&second)).expect("no more users meet with errors than there are");
                (ours.verdict() == Verdict::Regressed).then_some(errors)
            })
        }
        Judge::MannWhitney | Judge::Threshold => {
            let mut minutes = Minutes::default();
            (1..=MINUTES).find_map(|minute| {
                let seconds: Vec<_> = (0..60).map(|_| traffic.second()).collect();
                errors += seconds.iter().map(Second::errors).sum::<u64>();
                minutes.add(&seconds);
                let alarm = match judge {
                    Judge::Threshold => minutes.over_threshold(),
                    _ => minute % (MINUTES / LOOKS) == 0 && minutes.mann_whitney_is_high(),
                };
                alarm.then_some(errors)
            })
        }
    }
}

fn ours() -> Analysis {
    let shares = Shares { errors: 1.0, timeouts: 0.0, crashes: 0.0, latency: 0.0 };
    let config = AnalysisConfig { alpha: ALPHA, shares, ..AnalysisConfig::default() };
    Analysis::new(&config).expect("the figures above are sound")
}

fn window(second: &Second) -> Window {
    let seen = |side: &traffic::Side| Seen {
        users: side.users,
        users_with_error: side.users_with_error,
        ..Seen::default()
    };
    Window { segment: 0, baseline: seen(&second.baseline), canary: seen(&second.canary) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_counts_rollouts_without_an_alarm_as_the_slowest() {
        assert_eq!(needed(vec![Some(3), None, Some(1)]), "3 (66 %)");
        assert_eq!(needed(vec![None, None, Some(1)]), "– (33 %)");
    }

    #[test]
    fn a_plain_regression_is_found_by_our_judge() {
        let scene = Scene { share: 0.1, base_rate: BASE_RATE, times: 10.0, clusters: true };
        assert!(alarm(Judge::Ours, scene, 1).is_some());
    }
}
