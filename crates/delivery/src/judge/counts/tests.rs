use super::*;

fn tally(canary: (u64, u64), baseline: (u64, u64)) -> Tally {
    let side = |(affected, users)| Side { users, affected };
    Tally { canary: side(canary), baseline: side(baseline) }
}

fn evidence() -> Evidence {
    Evidence::new(Metric::Errors, 0.01, 0.005)
}

/// The bets of one segment of constant share, after one window or after several that add up to it.
fn segment(canary: (u64, u64), baseline: (u64, u64), windows: u64) -> Segment {
    let share = tally(canary, baseline).share().unwrap();
    let part = |total: u64, index: u64| (index + 1) * total / windows - index * total / windows;
    let mut segment = Segment::new(share);
    for index in 0..windows {
        let side = |(affected, users)| (part(affected, index), part(users, index));
        segment.add(&tally(side(canary), side(baseline)), share);
    }
    segment
}

/// `ln E + ln(P(θ < t < T | k, n) / P(θ < t < T))` with E as in the module's documentation, T the t of ρ = exp(4.6), P by the regularised
/// incomplete beta function and a = ½, b = ½ (1 − θ) / θ: computed with scipy 1.17.1 (`special.betaln`, `special.betainc`).
#[test]
fn the_stake_is_the_beta_binomial_test_where_the_share_stands_still() {
    for (canary, baseline, expected) in [
        ((3, 500), (17, 9_500), 0.973_662),
        ((10, 500), (50, 9_500), 4.412_999),
        ((1, 500), (39, 9_500), -1.067_286),
        ((30, 1_000), (10, 1_000), 3.983_218),
        ((200, 1_000), (800, 9_000), 42.195_865),
        ((5, 100), (95, 9_900), 3.008_396),
    ] {
        for windows in [1, 7] {
            let ln = segment(canary, baseline, windows).ln_worse();
            assert!((ln - expected).abs() < 0.01, "{canary:?}, {baseline:?}: {ln}, not {expected}");
        }
    }
}

/// The same prior between ρ = exp(−4.6) and 1, with the allowance for the excess: integrated over ln ρ with
/// mpmath 1.3 (`quad`, 30 digits).
#[test]
fn the_stake_on_a_small_excess_is_its_integral() {
    for (canary, baseline, excess, expected) in [
        ((0, 2_000), (0, 38_000), 0.005, 8.519434),
        ((40, 4_000), (760, 76_000), 0.005, 1.803739),
        ((20, 1_000), (20, 1_000), 0.01, -0.151743),
        ((5, 1_000), (95, 9_000), 0.02, 14.815386),
    ] {
        let ln = segment(canary, baseline, 1).ln_better(excess);
        assert!((ln - expected).abs() < 0.01, "{canary:?}, {baseline:?}: {ln}, not {expected}");
    }
}

#[test]
fn the_excess_is_where_the_stake_reaches_the_threshold() {
    let segment = segment((40, 4_000), (760, 76_000), 1);
    let threshold = 100.0_f64.ln();
    let excess = segment.excess_at_most(threshold).unwrap();
    assert!((segment.ln_better(excess) - threshold).abs() < 1e-6);
    assert!((0.001..0.02).contains(&excess), "{excess}");
}

/// (1 − A) is below 1, so that after m users without trouble at least ln(1/α)/m cannot be excluded.
#[test]
fn without_any_trouble_many_users_are_a_pass_and_few_are_not() {
    let mut few = evidence();
    few.add(0, &tally((0, 900), (0, 17_100)));
    assert_eq!(few.finding().verdict, Verdict::Unknown);
    let mut many = evidence();
    many.add(0, &tally((0, 2_000), (0, 38_000)));
    assert_eq!(many.finding().verdict, Verdict::WithinTolerance);
}

#[test]
fn no_data_and_one_side_alone_are_unknown() {
    let nothing = evidence().finding();
    assert_eq!(nothing.verdict, Verdict::Unknown);
    assert_eq!(
        nothing.reason,
        "errors: 0 of 0 users on the canary, 0 of 0 on the baseline; there were never users on both sides at the same time"
    );
    for alone in [tally((90, 100), (0, 0)), tally((0, 0), (0, 1_000_000))] {
        let mut evidence = evidence();
        evidence.add(0, &alone);
        assert_eq!(evidence.finding().verdict, Verdict::Unknown);
    }
}

#[test]
fn a_plain_regression_is_one_and_says_by_what_figures() {
    let mut evidence = evidence();
    evidence.add(0, &tally((25, 500), (95, 9_500)));
    let finding = evidence.finding();
    assert_eq!(finding.verdict, Verdict::Regressed);
    let words =
        "errors: 25 of 500 users on the canary, 95 of 9500 on the baseline; 6.0 on the canary";
    assert!(finding.reason.starts_with(words), "{}", finding.reason);
    let Figures::Counts(figures) = finding.figures else { panic!("{:?}", finding.figures) };
    assert!((figures.expected_on_canary - 6.0).abs() < 1e-9);
    assert!((figures.ln_threshold - 100.0_f64.ln()).abs() < 1e-12);
    assert!(figures.ln_e_value >= figures.ln_threshold);
}

/// Fewer errors than its share are never an alarm, however many there are.
#[test]
fn a_better_canary_does_not_regress() {
    let mut evidence = evidence();
    for _ in 0..100 {
        evidence.add(0, &tally((0, 500), (950, 9_500)));
    }
    assert_eq!(evidence.finding().verdict, Verdict::WithinTolerance);
}

/// Being better in one segment does not make a slightly unlucky next one an alarm.
#[test]
fn what_was_better_before_does_not_count_against_it_later() {
    let mut evidence = evidence();
    evidence.add(0, &tally((0, 500), (950, 9_500)));
    evidence.add(1, &tally((520, 5_000), (480, 5_000)));
    assert_ne!(evidence.finding().verdict, Verdict::Regressed);
}

#[test]
fn an_alarm_stays_when_later_windows_look_well() {
    let mut evidence = evidence();
    evidence.add(0, &tally((25, 500), (95, 9_500)));
    for _ in 0..200 {
        evidence.add(0, &tally((5, 500), (95, 9_500)));
    }
    let finding = evidence.finding();
    let Figures::Counts(figures) = &finding.figures else { panic!("{:?}", finding.figures) };
    assert!(figures.ln_e_value < figures.ln_threshold, "the test is of an alarm that has passed");
    assert_eq!(finding.verdict, Verdict::Regressed);
}

#[test]
fn a_pass_at_a_small_weight_is_none_at_a_larger_one() {
    let mut evidence = evidence();
    evidence.add(0, &tally((0, 4_000), (0, 76_000)));
    assert_eq!(evidence.finding().verdict, Verdict::WithinTolerance);
    evidence.add(1, &tally((0, 10), (0, 10)));
    assert_eq!(evidence.finding().verdict, Verdict::Unknown);
}

#[test]
fn segments_multiply_for_the_alarm() {
    let part = || tally((8, 300), (57, 5_700));
    let one = {
        let mut evidence = evidence();
        evidence.add(0, &part());
        evidence.figures()
    };
    let mut evidence = evidence();
    evidence.add(0, &part());
    evidence.add(1, &part());
    let both = evidence.figures();
    assert!((both.ln_e_value - 2.0 * one.ln_e_value).abs() < 1e-12);
    assert_eq!(both.segments, 2);
}

#[test]
fn evidence_that_was_written_down_goes_on_as_it_was() {
    let mut evidence = evidence();
    evidence.add(0, &tally((3, 101), (20, 1_907)));
    let written = serde_json::to_string(&evidence).unwrap();
    let mut read: Evidence = serde_json::from_str(&written).unwrap();
    evidence.add(1, &tally((7, 307), (31, 1_701)));
    read.add(1, &tally((7, 307), (31, 1_701)));
    let (kept, read) = (evidence.figures(), read.figures());
    assert!((kept.ln_e_value - read.ln_e_value).abs() < 1e-9);
    assert_eq!(kept.canary, read.canary);
}
