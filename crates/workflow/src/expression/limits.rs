//! What the evaluation of one template may cost.

use std::cell::Cell;

/// The longest text that an expression, or a template, may give.
pub(super) const MAX_RESULT_BYTES: usize = 1 << 20;
/// What may be written and looked through on the way there, in bytes.
const MAX_WORK_BYTES: usize = 16 << 20;

/// More than the limits allow.
#[derive(Debug)]
pub(super) struct Exhausted;

/// Counts down what an evaluation may still do.
pub(super) struct Meter {
    left: Cell<usize>,
}

impl Meter {
    pub(super) fn new() -> Self {
        Self { left: Cell::new(MAX_WORK_BYTES) }
    }

    /// Pays for what is about to be done.
    pub(super) fn spend(&self, bytes: usize) -> Result<(), Exhausted> {
        let left = self.left.get().checked_sub(bytes).ok_or(Exhausted)?;
        self.left.set(left);
        Ok(())
    }

    /// Adds to a text that becomes a result.
    pub(super) fn append(&self, to: &mut String, more: &str) -> Result<(), Exhausted> {
        self.spend(more.len())?;
        if to.len() + more.len() > MAX_RESULT_BYTES {
            return Err(Exhausted);
        }
        to.push_str(more);
        Ok(())
    }
}
