//! Dying on purpose, for tests of what happens after: compiled into debug builds only.
//!
//! `SOLUM_FAILPOINT=journal:N` kills the process, as SIGKILL does, right after the commit that holds the
//! N-th journal record since its start; `commit:N` after the N-th commit of any kind.

#[cfg(debug_assertions)]
pub(crate) fn after_commit(journalled: u32) {
    use std::sync::atomic::{AtomicU32, Ordering};

    static COMMITS: AtomicU32 = AtomicU32::new(0);
    static RECORDS: AtomicU32 = AtomicU32::new(0);

    let commits = COMMITS.fetch_add(1, Ordering::Relaxed) + 1;
    let records = RECORDS.fetch_add(journalled, Ordering::Relaxed) + journalled;
    let Ok(failpoint) = std::env::var("SOLUM_FAILPOINT") else { return };
    let reached = match failpoint.split_once(':') {
        Some(("journal", number)) => {
            number.parse::<u32>().is_ok_and(|n| records >= n && records - journalled < n)
        }
        Some(("commit", number)) => number.parse::<u32>().is_ok_and(|n| commits == n),
        _ => false,
    };
    if reached {
        let this = rustix::process::getpid();
        let _ = rustix::process::kill_process(this, rustix::process::Signal::KILL);
        // The signal is on its way; nothing may happen after this commit.
        loop {
            std::thread::park();
        }
    }
}

#[cfg(not(debug_assertions))]
pub(crate) fn after_commit(_: u32) {}
