use super::*;
use crate::judge::window::{Bucket, Seen};

/// Buckets of 10 ms, the last one open.
fn bucket(index: u64, count: u64) -> Bucket {
    const WIDTH: u64 = 10_000;
    let to_us = if index >= 100 { u64::MAX } else { (index + 1) * WIDTH };
    Bucket { from_us: index.min(100) * WIDTH, to_us, count }
}

/// `count` answers spread evenly from the first of these buckets to before the last one.
fn spread(from: u64, to: u64, count: u64) -> Seen {
    let buckets = (from..to).map(|index| bucket(index, count / (to - from)));
    Seen { users: count, latency: buckets.collect(), ..Seen::default() }
}

fn window(segment: u32, canary: Seen, baseline: Seen) -> Window {
    Window { segment, baseline, canary }
}

fn evidence() -> Evidence {
    Evidence::new(LatencyConfig { quantile: 0.9, tolerance: 1.2 }, 0.01)
}

fn judged(windows: &[Window]) -> Finding {
    let mut evidence = evidence();
    for window in windows {
        evidence.add(window).unwrap();
    }
    evidence.finding()
}

fn figures(finding: &Finding) -> LatencyFigures {
    let Figures::Latency(figures) = &finding.figures else { panic!("{:?}", finding.figures) };
    *figures
}

#[test]
fn a_slow_canary_regressed_and_an_equal_one_is_within() {
    let slow = judged(&[window(0, spread(0, 20, 4_000), spread(0, 10, 40_000))]);
    assert_eq!(slow.verdict, Verdict::Regressed);
    assert_eq!(
        slow.reason,
        "latency: 90 % of answers take up to 170ms to 190ms (4000 answers) on the canary and up to 80ms to 100ms (40000 answers) on the \
         baseline: more than 1.2 times as long"
    );
    let alike = judged(&[window(0, spread(10, 30, 4_000), spread(10, 30, 40_000))]);
    assert_eq!(alike.verdict, Verdict::WithinTolerance);
}

#[test]
fn the_interval_holds_the_quantile_at_the_bounds_of_its_buckets() {
    let figures = figures(&judged(&[window(0, spread(0, 20, 4_000), spread(0, 10, 40_000))]));
    // The true ones are 180 ms and 90 ms.
    let Interval { at_least_us, at_most_us, .. } = figures.canary;
    assert!(at_least_us <= 180_000 && at_most_us >= Some(180_000), "{figures:?}");
    let Interval { at_least_us, at_most_us, .. } = figures.baseline;
    assert!(at_least_us <= 90_000 && at_most_us >= Some(90_000), "{figures:?}");
}

#[test]
fn no_answers_and_few_are_unknown() {
    for canary in [spread(0, 20, 0), spread(19, 20, 3)] {
        let finding = judged(&[window(0, canary, spread(0, 10, 40_000))]);
        assert_eq!(finding.verdict, Verdict::Unknown);
    }
    let nothing = judged(&[]);
    assert_eq!(figures(&nothing).canary, Interval { answers: 0, at_least_us: 0, at_most_us: None });
}

#[test]
fn what_lies_in_the_open_bucket_has_no_upper_end() {
    let finding = judged(&[window(0, spread(100, 101, 10_000), spread(100, 101, 10_000))]);
    assert_eq!(figures(&finding).canary.at_most_us, None);
    assert_eq!(finding.verdict, Verdict::Unknown);
}

#[test]
fn an_alarm_stays_with_its_figures() {
    let slow = window(0, spread(0, 20, 4_000), spread(0, 10, 40_000));
    let alarm = judged(std::slice::from_ref(&slow));
    let later = judged(&[slow, window(1, spread(0, 10, 400_000), spread(0, 10, 400_000))]);
    assert_eq!(later, alarm);
}

#[test]
fn each_segment_starts_anew_with_less_alpha() {
    let good = || window(0, spread(10, 30, 4_000), spread(10, 30, 40_000));
    let few = || window(1, spread(10, 30, 20), spread(10, 30, 20));
    assert_eq!(judged(&[good()]).verdict, Verdict::WithinTolerance);
    let next = judged(&[good(), few()]);
    assert_eq!(next.verdict, Verdict::Unknown);
    let (first, next) = (figures(&judged(&[good()])), figures(&next));
    assert!((first.alpha - 0.01 * 6.0 / PI.powi(2)).abs() < 1e-12);
    assert!((next.alpha - first.alpha / 4.0).abs() < 1e-12);
    assert_eq!(next.canary.answers, 20);
}

#[test]
fn segments_without_an_answer_use_no_alpha() {
    let empty = |segment| window(segment, spread(0, 0, 0), spread(0, 0, 0));
    let answered = window(7, spread(10, 30, 4_000), spread(10, 30, 40_000));
    let later = figures(&judged(&[empty(1), empty(2), answered.clone()]));
    assert!((later.alpha - figures(&judged(&[answered])).alpha).abs() < 1e-15);
}

#[test]
fn windows_add_up() {
    let whole = [window(0, spread(0, 20, 4_000), spread(0, 10, 40_000))];
    let part = || window(0, spread(0, 20, 1_000), spread(0, 10, 10_000));
    let parts = [part(), part(), part(), part()];
    let (whole, parts) = (evidence_of(&whole), evidence_of(&parts));
    assert_eq!((whole.baseline, whole.canary), (parts.baseline, parts.canary));
}

fn evidence_of(windows: &[Window]) -> Evidence {
    let mut evidence = evidence();
    for window in windows {
        evidence.add(window).unwrap();
    }
    evidence
}

#[test]
fn buckets_that_make_no_sense_change_nothing() {
    let mut evidence = evidence_of(&[window(0, spread(0, 20, 400), spread(0, 10, 400))]);
    let before = evidence.clone();
    let empty = Bucket { from_us: 5, to_us: 5, count: 1 };
    let wrong = Seen { latency: vec![empty], ..Seen::default() };
    let error = evidence.add(&window(1, wrong, spread(0, 10, 400))).unwrap_err();
    assert_eq!(error, InvalidWindow::EmptyBucket { from: 5, to: 5 });
    let many = (0..2_000).map(|from| Bucket { from_us: from, to_us: from + 1, count: 1 });
    let many = Seen { latency: many.collect(), ..Seen::default() };
    let error = evidence.add(&window(0, spread(0, 10, 400), many)).unwrap_err();
    assert_eq!(error, InvalidWindow::TooManyBuckets);
    assert_eq!(evidence, before);
}
