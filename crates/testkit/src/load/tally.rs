use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::http::Response;

/// So many failures are told in words, and so many different answers told apart.
const TOLD: usize = 10;
const LONGEST_ANSWER: usize = 60;

/// What the clients got.
#[derive(Debug, Clone, Default)]
pub struct LoadReport {
    /// Answered and failed.
    pub requests: u64,
    pub failures: u64,
    /// The first of them in words, with the time since the load began.
    pub first_failures: Vec<String>,
    /// How often each answer came, by the beginning of its first line.
    pub answers: BTreeMap<String, u64>,
    pub slowest: Duration,
    pub lasted: Duration,
}

impl fmt::Display for LoadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { requests, failures, slowest, lasted, .. } = self;
        write!(
            f,
            "{requests} requests in {:.1} s, {failures} failed, slowest answer {} ms",
            lasted.as_secs_f64(),
            slowest.as_millis()
        )?;
        for failure in &self.first_failures {
            write!(f, "\n  {failure}")?;
        }
        Ok(())
    }
}

#[derive(Debug)]
pub(super) struct Tally {
    began: Instant,
    sum: Mutex<LoadReport>,
}

impl Default for Tally {
    fn default() -> Self {
        Self { began: Instant::now(), sum: Mutex::default() }
    }
}

impl Tally {
    pub(super) fn answered(&self, response: &Response, took: Duration) {
        let text = response.text();
        let first_line = text.lines().next().unwrap_or_default();
        let answer: String = first_line.chars().take(LONGEST_ANSWER).collect();
        let mut sum = self.sum();
        sum.requests += 1;
        sum.slowest = sum.slowest.max(took);
        let known = sum.answers.len() < TOLD || sum.answers.contains_key(&answer);
        let answer = if known { answer } else { "(others)".to_owned() };
        *sum.answers.entry(answer).or_default() += 1;
    }

    pub(super) fn failed(&self, what: String) {
        let since = self.began.elapsed();
        let mut sum = self.sum();
        sum.requests += 1;
        sum.failures += 1;
        if sum.first_failures.len() < TOLD {
            sum.first_failures.push(format!("at {:.3} s: {what}", since.as_secs_f64()));
        }
    }

    pub(super) fn report(&self) -> LoadReport {
        let mut report = self.sum().clone();
        report.lasted = self.began.elapsed();
        report
    }

    fn sum(&self) -> MutexGuard<'_, LoadReport> {
        self.sum.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends all clients at once, those that wait for their next turn too.
#[derive(Debug, Default)]
pub(super) struct Stop {
    asked: Mutex<bool>,
    changed: Condvar,
}

impl Stop {
    pub(super) fn ask(&self) {
        *self.asked.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.changed.notify_all();
    }

    /// Waits for `due`; true when the clients are to end.
    pub(super) fn wait_until(&self, due: Instant) -> bool {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        while !*asked {
            let left = due.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let woken = self.changed.wait_timeout(asked, left);
            asked = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}
