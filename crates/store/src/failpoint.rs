//! Dying on purpose, for tests of what happens after: compiled into debug builds only.
//!
//! `SOLUM_FAILPOINT=journal:N` kills the process, as SIGKILL does, right after the commit that holds the
//! N-th journal record since its start; `commit:N` after the N-th commit of any kind; `effect:N` when the N-th
//! step has done its work and nothing of that is recorded.

#[cfg(debug_assertions)]
use std::sync::atomic::{AtomicU32, Ordering};

#[cfg(debug_assertions)]
pub(crate) fn after_commit(journalled: u32) {
    static COMMITS: AtomicU32 = AtomicU32::new(0);
    static RECORDS: AtomicU32 = AtomicU32::new(0);

    let commits = COMMITS.fetch_add(1, Ordering::Relaxed) + 1;
    let records = RECORDS.fetch_add(journalled, Ordering::Relaxed) + journalled;
    if wanted("commit").is_some_and(|n| commits == n)
        || wanted("journal").is_some_and(|n| records >= n && records - journalled < n)
    {
        die();
    }
}

/// To be called between what a step does and the record of it.
#[cfg(debug_assertions)]
pub fn after_effect() {
    static EFFECTS: AtomicU32 = AtomicU32::new(0);

    let effects = EFFECTS.fetch_add(1, Ordering::Relaxed) + 1;
    if wanted("effect").is_some_and(|n| effects == n) {
        die();
    }
}

/// At which of these to die.
#[cfg(debug_assertions)]
fn wanted(what: &str) -> Option<u32> {
    let failpoint = std::env::var("SOLUM_FAILPOINT").ok()?;
    let (kind, number) = failpoint.split_once(':')?;
    number.parse().ok().filter(|_| kind == what)
}

#[cfg(debug_assertions)]
fn die() -> ! {
    let this = rustix::process::getpid();
    let _ = rustix::process::kill_process(this, rustix::process::Signal::KILL);
    // The signal is on its way; nothing may happen after this.
    loop {
        std::thread::park();
    }
}

#[cfg(not(debug_assertions))]
pub(crate) fn after_commit(_: u32) {}

/// Does nothing in a release build.
#[cfg(not(debug_assertions))]
pub fn after_effect() {}
