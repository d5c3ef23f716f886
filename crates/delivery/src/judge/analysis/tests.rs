use super::*;
use crate::judge::{Measurement, Threshold};

fn seen(users: u64, users_with_error: u64) -> Seen {
    Seen { users, users_with_error, ..Seen::default() }
}

fn window(segment: u32, canary: Seen, baseline: Seen) -> Window {
    Window { segment, baseline, canary }
}

fn analysis() -> Analysis {
    Analysis::new(&AnalysisConfig::default()).unwrap()
}

fn check(measurement: Measurement) -> Check {
    let threshold = Threshold::AtMost { within: 0.0, regressed: 0.0 };
    Check { name: "restarts".to_owned(), threshold, measurement }
}

#[test]
fn every_metric_with_a_share_is_judged() {
    let mut analysis = analysis();
    let crashing = Seen { users: 3_000, users_with_crash: 150, ..Seen::default() };
    analysis.add(&window(0, crashing, seen(27_000, 0))).unwrap();
    let judgement = analysis.judgement();
    let verdicts: Vec<_> =
        judgement.findings.iter().map(|one| (one.metric.clone(), one.verdict)).collect();
    assert_eq!(
        verdicts,
        [
            (Metric::Errors, Verdict::WithinTolerance),
            (Metric::Timeouts, Verdict::WithinTolerance),
            (Metric::Crashes, Verdict::Regressed)
        ]
    );
    assert_eq!(judgement.verdict, Verdict::Regressed);
    let reasons: Vec<_> = judgement.reasons().collect();
    assert!(matches!(reasons[..], [one] if one.starts_with("crashes: 150 of 3000")), "{reasons:?}");
}

#[test]
fn counts_that_cannot_be_true_change_nothing() {
    let mut analysis = analysis();
    analysis.add(&window(1, seen(10, 0), seen(90, 1))).unwrap();
    let before = analysis.clone();
    let error = analysis.add(&window(1, seen(10, 11), seen(90, 0))).unwrap_err();
    assert_eq!(error.to_string(), "of 10 users 11 are counted with errors");
    analysis.add(&window(0, seen(10, 1), seen(90, 0))).unwrap_err();
    analysis.add(&window(1, seen(u64::MAX, 1), seen(90, 0))).unwrap_err();
    assert_eq!(analysis, before);
}

#[test]
fn checks_count_beside_our_own_figures() {
    let mut analysis = analysis();
    analysis.add(&window(0, seen(3_000, 0), seen(27_000, 0))).unwrap();
    for (measurement, expected) in [
        (Measurement::Measured(0.0), Verdict::WithinTolerance),
        (Measurement::Missing, Verdict::Unknown),
        (Measurement::Failed("refused".to_owned()), Verdict::Unknown),
        (Measurement::Measured(1.0), Verdict::Regressed),
    ] {
        assert_eq!(judge(Some(&analysis), &[check(measurement)]).verdict, expected);
    }
    assert_eq!(analysis.verdict(), analysis.judgement().verdict);
    assert_eq!(judge(None, &[]).verdict, Verdict::Unknown);
    assert_eq!(judge(None, &[check(Measurement::Measured(0.0))]).verdict, Verdict::WithinTolerance);
}

#[test]
fn a_judgement_reads_by_stable_names() {
    let judgement = judge(None, &[check(Measurement::Measured(2.0))]);
    assert_eq!(
        serde_json::to_value(&judgement).unwrap(),
        serde_json::json!({
            "verdict": "regressed",
            "findings": [{
                "metric": { "check": "restarts" },
                "verdict": "regressed",
                "reason": "restarts is 2; at most 0 is good",
                "figures": {
                    "kind": "check",
                    "threshold": { "at_most": { "within": 0.0, "regressed": 0.0 } },
                    "measurement": { "measured": 2.0 },
                },
            }],
        })
    );
}
