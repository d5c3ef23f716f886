//! Whether a canary does worse than what it replaces: a verdict that may be asked for at every moment.
//!
//! An [`Analysis`] takes one [`Window`] after the other and says at any time *regressed*, *within tolerance* or *unknown*.
//! Looking often costs nothing (decision 0014): what is bounded by alpha is the chance that a false verdict is **ever** given, not the chance
//! at one look. [`counts`] compares users who met with errors, by a bet whose proof is in its documentation, and [`latency`] how long answers take. What others
//! measured (a query's value, a check, restarts) comes in by [`measured`], and [`judge`] puts all of it
//! together: one regression is a regression, one unknown is unknown, and nothing at all is unknown.
//!
//! Several metrics share alpha by the union bound: each gets the part of it that [`Shares`] says.
//!
//! What is assumed, and cannot be checked from counts: users fail independently of each other within a window once it is given how
//! the environment did in it (an outage that hits both sides alike is allowed for), and a user's side does not depend on how the user
//! fares, which [`crate::split`] sees to. Users count once per window, so errors that come in clusters do no harm as long as a window
//! is longer than a cluster; a user whose trouble lasts for ten windows counts ten times, unless those who were counted are left out, as
//! [`Window`] says.
//!
//! The invariant: no data is never a pass. Counts that cannot be true are refused by [`Analysis::add`] and change nothing.

mod analysis;
mod config;
pub mod counts;
pub mod latency;
pub mod measured;
mod mixture;
mod verdict;
mod window;

pub use analysis::{Analysis, judge};
pub use config::{AnalysisConfig, InvalidConfig, Shares};
pub use counts::CountFigures;
pub use latency::{Interval, LatencyConfig, LatencyFigures};
pub use measured::{Check, CheckFigures, Measurement, Threshold};
pub use verdict::{Figures, Finding, Judgement, Metric, Verdict};
pub use window::{Bucket, InvalidWindow, Seen, Window};
