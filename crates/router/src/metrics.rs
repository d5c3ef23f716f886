//! What is counted per release: answers by status class, errors by kind, and how long instances
//! took to begin their answers.
//!
//! Counting is a few relaxed atomic additions per request. Sums only grow while a release is known
//! to a generation; a generation that ends hands its sums to its successor.

mod histogram;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use http::StatusCode;
use serde::{Deserialize, Serialize};
use types::{AppName, EnvironmentName};

pub use histogram::Histogram;
use histogram::LiveHistogram;

/// What was counted for one release in one environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReleaseMetrics {
    pub app: AppName,
    pub environment: EnvironmentName,
    pub release: String,
    pub requests: Requests,
    pub errors: Errors,
    /// From the last byte of the request's head to the first of the answer's, as the router sees it.
    /// Answers that the router made itself are not in it.
    pub latency: Histogram,
}

/// Answers by the class of their status, the router's own included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Requests {
    pub informational: u64,
    pub success: u64,
    pub redirection: u64,
    pub client_error: u64,
    pub server_error: u64,
}

/// Requests that went wrong on the way to an instance or back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Errors {
    /// No instance accepted a connection.
    pub refused: u64,
    /// The instance closed the connection without a whole answer's head, or with one that is not HTTP.
    pub closed: u64,
    /// The instance did not answer in time.
    pub timed_out: u64,
    /// There was no instance to send it to, or none came while the request was held.
    pub no_instance: u64,
    /// The answer began and broke off.
    pub broken_off: u64,
    /// The client went away first.
    pub abandoned: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ErrorKind {
    Refused,
    Closed,
    TimedOut,
    NoInstance,
    BrokenOff,
    Abandoned,
}

/// Which release a number belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    pub(crate) app: AppName,
    pub(crate) environment: EnvironmentName,
    pub(crate) release: Arc<str>,
}

/// The live counters of one release.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    classes: [AtomicU64; 5],
    errors: [AtomicU64; 6],
    latency: LiveHistogram,
}

impl Counters {
    pub(crate) fn answered(&self, status: StatusCode) {
        let class = usize::from(status.as_u16() / 100).clamp(1, 5) - 1;
        self.classes[class].fetch_add(1, Relaxed);
    }

    pub(crate) fn failed(&self, kind: ErrorKind) {
        self.errors[kind as usize].fetch_add(1, Relaxed);
    }

    pub(crate) fn took(&self, lapse: Duration) {
        self.latency.record(lapse);
    }

    pub(crate) fn absorb(&self, counted: &ReleaseMetrics) {
        for (live, value) in self.classes.iter().zip(counted.requests.as_array()) {
            live.fetch_add(value, Relaxed);
        }
        for (live, value) in self.errors.iter().zip(counted.errors.as_array()) {
            live.fetch_add(value, Relaxed);
        }
        self.latency.absorb(&counted.latency);
    }

    pub(crate) fn snapshot(&self, key: &Key) -> ReleaseMetrics {
        ReleaseMetrics {
            app: key.app.clone(),
            environment: key.environment.clone(),
            release: key.release.to_string(),
            requests: Requests::from_array(read(&self.classes)),
            errors: Errors::from_array(read(&self.errors)),
            latency: self.latency.snapshot(),
        }
    }
}

fn read<const N: usize>(live: &[AtomicU64; N]) -> [u64; N] {
    std::array::from_fn(|index| live[index].load(Relaxed))
}

impl Requests {
    #[must_use]
    pub fn total(&self) -> u64 {
        self.as_array().iter().sum()
    }

    const fn as_array(&self) -> [u64; 5] {
        [self.informational, self.success, self.redirection, self.client_error, self.server_error]
    }

    const fn from_array(
        [informational, success, redirection, client_error, server_error]: [u64; 5],
    ) -> Self {
        Self { informational, success, redirection, client_error, server_error }
    }
}

impl Errors {
    #[must_use]
    pub fn total(&self) -> u64 {
        self.as_array().iter().sum()
    }

    /// In the order of [`ErrorKind`].
    const fn as_array(&self) -> [u64; 6] {
        [
            self.refused,
            self.closed,
            self.timed_out,
            self.no_instance,
            self.broken_off,
            self.abandoned,
        ]
    }

    const fn from_array(
        [refused, closed, timed_out, no_instance, broken_off, abandoned]: [u64; 6],
    ) -> Self {
        Self { refused, closed, timed_out, no_instance, broken_off, abandoned }
    }
}

/// Adds `counted` to `all`, release by release.
pub(crate) fn merge(all: &mut Vec<ReleaseMetrics>, counted: Vec<ReleaseMetrics>) {
    for one in counted {
        let known = all.iter_mut().find(|known| {
            (&known.app, &known.environment, &known.release)
                == (&one.app, &one.environment, &one.release)
        });
        match known {
            Some(known) => known.add(&one),
            None => all.push(one),
        }
    }
}

impl ReleaseMetrics {
    fn add(&mut self, other: &Self) {
        let sum = |a: [u64; 5], b: [u64; 5]| std::array::from_fn(|index| a[index] + b[index]);
        self.requests =
            Requests::from_array(sum(self.requests.as_array(), other.requests.as_array()));
        let (a, b) = (self.errors.as_array(), other.errors.as_array());
        self.errors = Errors::from_array(std::array::from_fn(|index| a[index] + b[index]));
        self.latency.add(&other.latency);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> Key {
        Key {
            app: "shop".parse().unwrap(),
            environment: "dev".parse().unwrap(),
            release: "v1".into(),
        }
    }

    #[test]
    fn answers_are_counted_by_class_and_errors_by_kind() {
        let counters = Counters::default();
        for status in [200, 204, 301, 404, 502] {
            counters.answered(StatusCode::from_u16(status).unwrap());
        }
        counters.failed(ErrorKind::Abandoned);
        counters.failed(ErrorKind::Refused);
        let counted = counters.snapshot(&key());
        assert_eq!(
            counted.requests,
            Requests {
                informational: 0,
                success: 2,
                redirection: 1,
                client_error: 1,
                server_error: 1
            }
        );
        assert_eq!(counted.errors, Errors { refused: 1, abandoned: 1, ..Errors::default() });
    }

    #[test]
    fn generations_add_up_whether_merged_or_absorbed() {
        let counters = Counters::default();
        counters.answered(StatusCode::OK);
        counters.took(Duration::from_millis(3));
        let once = counters.snapshot(&key());
        let mut merged = vec![once.clone()];
        merge(&mut merged, vec![once.clone()]);
        counters.absorb(&once);
        assert_eq!(merged, [counters.snapshot(&key())]);
        assert_eq!(merged[0].requests.total(), 2);
        assert_eq!(merged[0].latency.count(), 2);
    }
}
