use std::fmt;

use serde::{Deserialize, Serialize};

use super::{CheckFigures, CountFigures, LatencyFigures};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Worse than the baseline.
    Regressed,
    /// Not worse by more than what is tolerated.
    WithinTolerance,
    /// The data does not say. Never a pass.
    Unknown,
}

impl Verdict {
    /// One regression is a regression; else one unknown is unknown; nothing at all is unknown.
    #[must_use]
    pub fn of_all(verdicts: impl IntoIterator<Item = Self>) -> Self {
        let mut all = Self::Unknown;
        for (index, verdict) in verdicts.into_iter().enumerate() {
            all = match (all, verdict) {
                (Self::Regressed, _) | (_, Self::Regressed) => Self::Regressed,
                (_, one) if index == 0 => one,
                (Self::WithinTolerance, Self::WithinTolerance) => Self::WithinTolerance,
                _ => Self::Unknown,
            };
        }
        all
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Regressed => "regressed",
            Self::WithinTolerance => "within tolerance",
            Self::Unknown => "unknown",
        })
    }
}

/// What was looked at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Metric {
    Errors,
    Timeouts,
    Crashes,
    Latency,
    /// Something that was measured elsewhere, by its name.
    Check(String),
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Errors => "errors",
            Self::Timeouts => "timeouts",
            Self::Crashes => "crashes",
            Self::Latency => "latency",
            Self::Check(name) => name,
        })
    }
}

/// The verdict on one metric, with every figure that it was made from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    pub metric: Metric,
    pub verdict: Verdict,
    /// In words for people.
    pub reason: String,
    pub figures: Figures,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Figures {
    Counts(CountFigures),
    Latency(LatencyFigures),
    Check(CheckFigures),
}

/// The verdict on everything that was looked at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Judgement {
    pub verdict: Verdict,
    pub findings: Vec<Finding>,
}

impl Judgement {
    pub(super) fn new(findings: Vec<Finding>) -> Self {
        let verdict = Verdict::of_all(findings.iter().map(|finding| finding.verdict));
        Self { verdict, findings }
    }

    /// The reasons of those findings that made the verdict what it is.
    pub fn reasons(&self) -> impl Iterator<Item = &str> {
        let decisive = self.findings.iter().filter(|finding| finding.verdict == self.verdict);
        decisive.map(|finding| finding.reason.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::Verdict::{self, Regressed, Unknown, WithinTolerance};

    #[test]
    fn one_regression_outweighs_all_and_nothing_is_no_pass() {
        for (verdicts, expected) in [
            (&[][..], Unknown),
            (&[WithinTolerance], WithinTolerance),
            (&[WithinTolerance, WithinTolerance], WithinTolerance),
            (&[WithinTolerance, Unknown], Unknown),
            (&[Unknown, WithinTolerance], Unknown),
            (&[Unknown, Regressed, WithinTolerance], Regressed),
            (&[Regressed, Unknown], Regressed),
        ] {
            assert_eq!(Verdict::of_all(verdicts.iter().copied()), expected, "{verdicts:?}");
        }
    }
}
