//! How much one run may cost.

/// Records in one run's journal; a run that needs more fails.
pub(crate) const MAX_RECORDS: u32 = 10_000;
/// Text in one run's journal, likewise.
pub(crate) const MAX_JOURNAL_BYTES: u64 = 16 << 20;
/// Legs of all jobs of a run together.
pub(crate) const MAX_LEGS: usize = 1_000;
/// Text that one attempt of a step may leave: outputs, variables, paths, state.
pub(crate) const MAX_PRODUCED_BYTES: usize = 1 << 20;
/// A job's outputs, as on GitHub.
pub(crate) const MAX_OUTPUT_BYTES: usize = 1 << 20;
/// Approvals that came before anything waits for them.
pub(crate) const MAX_PARKED: usize = 64;
/// How long a job in a box may take unless it says otherwise, as on GitHub.
pub(crate) const DEFAULT_JOB_MINUTES: i64 = 360;
/// How long a step waits for people unless it says otherwise.
pub(crate) const DEFAULT_WAIT_HOURS: i64 = 72;
