//! Work that keeps a thread busy: hashing, packing, walking trees.

/// Runs `work` on a thread that may block, and returns what it returns. A panic goes on where it was asked for.
///
/// The work runs to its end even when nobody waits for it any more; whatever it must have to itself (a lock's guard, a
/// temporary file) belongs inside.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            Err(_) => unreachable!("blocking tasks are never aborted"),
        },
    }
}
