use serde::{Deserialize, Serialize};

/// What the router saw of both sides of one rollout in one stretch of time.
///
/// Windows do not overlap. They have to be longer than a user's trouble lasts, or leave out whom they counted before: a user who was
/// counted with any trouble in a segment is left out of `users` and of all troubles for the rest of the segment. Rates and tolerance
/// are parts of the users of a window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// Counts up each time the configured weight or the match rules change. Evidence is weighed per segment.
    pub segment: u32,
    pub baseline: Seen,
    pub canary: Seen,
}

/// One release in one window.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Seen {
    /// Different users who sent at least one request.
    pub users: u64,
    /// Of these, how many met with at least one answer that is an error of the server (5xx), of the release or in its stead.
    pub users_with_error: u64,
    /// Of these, how many waited in vain at least once.
    pub users_with_timeout: u64,
    /// Of these, how many saw a connection refused or broken off at least once.
    pub users_with_crash: u64,
    /// For people: no verdict is made from it.
    pub requests: u64,
    /// How long answers took: of each user the first answer in the window, because answers of one user resemble each other.
    pub latency: Vec<Bucket>,
}

/// How many answers took at least `from_us` and less than `to_us` microseconds; `u64::MAX` is no end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bucket {
    pub from_us: u64,
    pub to_us: u64,
    pub count: u64,
}

/// Counts that cannot be true.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidWindow {
    #[error("of {users} users {affected} are counted with {what}")]
    MoreThanAll { what: &'static str, affected: u64, users: u64 },
    #[error("a window holds {0} users: more than 2^53 cannot be counted exactly")]
    TooMany(u64),
    #[error("no answer can take at least {from} and less than {to} microseconds")]
    EmptyBucket { from: u64, to: u64 },
    #[error(
        "the latencies of a segment come in too many different buckets; the bounds have to stay the same"
    )]
    TooManyBuckets,
    #[error("a window of segment {given} came after segment {current} had begun")]
    SegmentWentBack { given: u32, current: u32 },
}

impl Window {
    pub(super) fn check(&self) -> Result<(), InvalidWindow> {
        self.baseline.check()?;
        self.canary.check()
    }
}

impl Seen {
    const MOST: u64 = 1 << 53;

    fn check(&self) -> Result<(), InvalidWindow> {
        let users = self.users;
        if users > Self::MOST {
            return Err(InvalidWindow::TooMany(users));
        }
        let parts = [
            ("errors", self.users_with_error),
            ("timeouts", self.users_with_timeout),
            ("crashes", self.users_with_crash),
        ];
        match parts.into_iter().find(|(_, affected)| *affected > users) {
            Some((what, affected)) => Err(InvalidWindow::MoreThanAll { what, affected, users }),
            None => Ok(()),
        }
    }
}
