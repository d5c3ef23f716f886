//! How long to go on trying.

use std::time::{Duration, Instant};

/// Pauses between attempts that double from one to the next, and come to an end.
#[derive(Debug, Clone)]
pub struct Patience {
    until: Instant,
    pause: Duration,
    longest: Duration,
}

impl Patience {
    const FIRST_PAUSE: Duration = Duration::from_millis(50);

    /// Tries for `total`, pausing for `longest` at most.
    #[must_use]
    pub fn new(total: Duration, longest: Duration) -> Self {
        Self { until: Instant::now() + total, pause: Self::FIRST_PAUSE, longest }
    }

    /// Waits before the next attempt. Answers whether there is one.
    #[must_use]
    pub fn pause(&mut self) -> bool {
        let pause = self.pause.min(self.until.saturating_duration_since(Instant::now()));
        if pause.is_zero() {
            return false;
        }
        self.pause = (self.pause * 2).min(self.longest);
        wait(pause);
        true
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a remote server gives no condition to wait for; this is the pause between two questions"
)]
fn wait(pause: Duration) {
    std::thread::sleep(pause);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_ends() {
        let started = Instant::now();
        let mut patience = Patience::new(Duration::from_millis(120), Duration::from_secs(1));
        let mut pauses = 0;
        while patience.pause() {
            pauses += 1;
        }
        assert!(pauses >= 2, "{pauses}");
        assert!(started.elapsed() >= Duration::from_millis(120));
    }
}
