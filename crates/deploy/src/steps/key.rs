use std::fmt;
use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use types::RunId;

use crate::shim::directory::InstanceDirectory;

/// One attempt of one step. Every part but the run is whatever its owner calls it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct StepKey {
    pub run: RunId,
    /// The job, or the leg of its matrix.
    pub leg: String,
    pub step: String,
    pub attempt: u32,
}

impl StepKey {
    /// A name that no other step of this machine has: of bounded length, without anything that has a meaning in a path.
    #[must_use]
    pub fn file_name(&self) -> String {
        let mut hash = Sha256::new();
        hash.update(self.run.to_string());
        // With their lengths, so that no two keys are the same text.
        for part in [&self.leg, &self.step] {
            hash.update((part.len() as u64).to_le_bytes());
            hash.update(part);
        }
        hash.update(self.attempt.to_le_bytes());
        hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }
}

impl fmt::Display for StepKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}#{}", self.run, self.leg, self.step, self.attempt)
    }
}

/// The key of the step in a directory, if there is one.
pub(super) fn read(directory: &Path) -> Option<StepKey> {
    serde_json::from_slice(&fs::read(directory.join("key.json")).ok()?).ok()
}

pub(super) fn write(directory: &InstanceDirectory, key: &StepKey) -> io::Result<()> {
    directory.write("key.json", &serde_json::to_vec(key)?, false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::SystemClock;

    #[test]
    fn keys_that_read_alike_have_names_of_their_own() {
        let run = RunId::generate(&SystemClock);
        let key = |leg: &str, step: &str, attempt| {
            let (leg, step) = (leg.to_owned(), step.to_owned());
            StepKey { run, leg, step, attempt }.file_name()
        };
        let names = [key("a", "bc", 1), key("ab", "c", 1), key("a", "bc", 2), key("", "abc", 1)];
        let different: std::collections::BTreeSet<_> = names.iter().collect();
        assert_eq!(different.len(), names.len());
        assert!(names.iter().all(|name| name.len() == 32));
        assert_eq!(key("a", "bc", 1), names[0]);
        let other = RunId::generate(&SystemClock);
        let other = StepKey { run: other, leg: "a".to_owned(), step: "bc".to_owned(), attempt: 1 };
        assert_ne!(other.file_name(), names[0]);
    }
}
