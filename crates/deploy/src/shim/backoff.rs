use std::time::Duration;

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(30);

/// A process that ran this long has proved itself.
const PROVED: Duration = Duration::from_secs(60);

/// How long to wait before a process is started again: twice as long each time, until it has proved itself.
#[derive(Debug)]
pub(super) struct Backoff {
    next: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { next: FIRST }
    }
}

impl Backoff {
    pub(super) fn after(&mut self, ran: Duration) -> Duration {
        if ran >= PROVED {
            self.next = FIRST;
        }
        let now = self.next;
        self.next = (now * 2).min(LONGEST);
        now
    }

    /// Whether the process has ended more than once without having proved itself.
    pub(super) fn is_repeated(&self) -> bool {
        self.next > FIRST * 2
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_doubles_up_to_a_bound_and_forgets_after_a_good_run() {
        let mut backoff = Backoff::default();
        let short = Duration::from_secs(1);
        let waits: Vec<u64> =
            (0..11).map(|_| u64::try_from(backoff.after(short).as_millis()).unwrap()).collect();
        assert_eq!(waits, [100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000, 30000]);
        assert!(backoff.is_repeated());
        assert_eq!(backoff.after(Duration::from_secs(60)), FIRST);
        assert!(!backoff.is_repeated());
    }
}
