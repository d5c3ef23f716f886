//! Judges who are not ours: a query to Prometheus, an HTTP check, a command, the app's own restarts. Somebody else asks
//! them; here their answer is set against thresholds.
//!
//! The invariant: a judge that did not answer, or gave no number, is *unknown*, never a pass.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::verdict::{Figures, Finding, Metric, Verdict};

/// One question and what came back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Check {
    pub name: String,
    pub threshold: Threshold,
    pub measurement: Measurement,
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measurement {
    Measured(f64),
    /// It answered that there is no data.
    Missing,
    /// It did not answer, or not so that it could be understood; in words that hold no secret.
    Failed(String),
}

/// Which values are good. Between `within` and `regressed` neither is said.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Threshold {
    /// Larger is worse: more than `regressed` is a regression, `within` or less a pass.
    AtMost { within: f64, regressed: f64 },
    /// Smaller is worse: less than `regressed` is a regression, `within` or more a pass.
    AtLeast { within: f64, regressed: f64 },
}

/// What a verdict on a measured value was made from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckFigures {
    pub threshold: Threshold,
    pub measurement: Measurement,
}

impl Threshold {
    fn verdict(self, value: f64) -> Verdict {
        let (passes, regressed) = match self {
            Self::AtMost { within, regressed } => (value <= within, value > regressed),
            Self::AtLeast { within, regressed } => (value >= within, value < regressed),
        };
        match (regressed, passes) {
            (true, _) => Verdict::Regressed,
            (false, true) => Verdict::WithinTolerance,
            (false, false) => Verdict::Unknown,
        }
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost { within, regressed } if within == regressed => {
                write!(f, "at most {within} is good")
            }
            Self::AtMost { within, regressed } => {
                write!(f, "at most {within} is good, more than {regressed} a regression")
            }
            Self::AtLeast { within, regressed } if within == regressed => {
                write!(f, "at least {within} is good")
            }
            Self::AtLeast { within, regressed } => {
                write!(f, "at least {within} is good, less than {regressed} a regression")
            }
        }
    }
}

impl Check {
    pub(super) fn finding(&self) -> Finding {
        let name = &self.name;
        let (verdict, reason) = match &self.measurement {
            // A query that divides nothing by nothing says NaN.
            Measurement::Measured(value) if value.is_nan() => {
                (Verdict::Unknown, format!("{name} gave no number"))
            }
            Measurement::Measured(value) => {
                (self.threshold.verdict(*value), format!("{name} is {value}; {}", self.threshold))
            }
            Measurement::Missing => (Verdict::Unknown, format!("{name} has no data")),
            Measurement::Failed(why) => (Verdict::Unknown, format!("{name} failed: {why}")),
        };
        let figures =
            CheckFigures { threshold: self.threshold, measurement: self.measurement.clone() };
        let metric = Metric::Check(name.clone());
        Finding { metric, verdict, reason, figures: Figures::Check(figures) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(threshold: Threshold, measurement: Measurement) -> Verdict {
        Check { name: "query".to_owned(), threshold, measurement }.finding().verdict
    }

    #[test]
    fn values_are_set_against_thresholds() {
        let most = Threshold::AtMost { within: 1.0, regressed: 2.0 };
        let least = Threshold::AtLeast { within: 2.0, regressed: 1.0 };
        for (threshold, value, expected) in [
            (most, 1.0, Verdict::WithinTolerance),
            (most, 1.5, Verdict::Unknown),
            (most, 2.0, Verdict::Unknown),
            (most, 2.5, Verdict::Regressed),
            (most, f64::INFINITY, Verdict::Regressed),
            (least, 2.0, Verdict::WithinTolerance),
            (least, 1.5, Verdict::Unknown),
            (least, 0.5, Verdict::Regressed),
        ] {
            assert_eq!(verdict(threshold, Measurement::Measured(value)), expected, "{value}");
        }
    }

    #[test]
    fn no_answer_is_never_a_pass() {
        let threshold = Threshold::AtMost { within: 1.0, regressed: 1.0 };
        for measurement in [
            Measurement::Missing,
            Measurement::Failed("timed out after 10 s".to_owned()),
            Measurement::Measured(f64::NAN),
        ] {
            assert_eq!(verdict(threshold, measurement), Verdict::Unknown);
        }
    }

    #[test]
    fn the_reason_says_the_value_and_what_is_good() {
        let check = Check {
            name: "restarts".to_owned(),
            threshold: Threshold::AtMost { within: 0.0, regressed: 0.0 },
            measurement: Measurement::Measured(3.0),
        };
        assert_eq!(check.finding().reason, "restarts is 3; at most 0 is good");
    }
}
