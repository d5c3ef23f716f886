use super::CheckoutError;

/// More files than any source tree has; it stops trees that were made to explode.
const FILE_BOUND: u64 = 1_000_000;

/// What a checkout may still take up, submodules included.
pub(crate) struct Budget {
    limit: u64,
    bytes: u64,
    files: u64,
}

impl Budget {
    pub(crate) fn new(limit: u64) -> Self {
        Self { limit, bytes: limit, files: FILE_BOUND }
    }

    /// Accounts for one file.
    pub(super) fn spend(&mut self, bytes: u64) -> Result<(), CheckoutError> {
        let limit = self.limit;
        self.bytes = self.bytes.checked_sub(bytes).ok_or(CheckoutError::TooLarge { limit })?;
        let limit = FILE_BOUND;
        self.files = self.files.checked_sub(1).ok_or(CheckoutError::TooManyFiles { limit })?;
        Ok(())
    }
}
