//! What may not be done twice leaves a mark before it is done: whoever takes the step up again after a crash knows
//! whether it may have happened.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use deploy::steps::StepKey;

use super::{Problem, Step, workspace};
use crate::{Error, jobs};

impl Step {
    /// Marks this attempt as begun, on the disk. `false` if it was begun before: what became of that is not known.
    pub(super) async fn begin_once(&self) -> Result<bool, Problem> {
        let directory = workspace::directory(&self.control, self.run.id);
        let name = format!("begun-{}", jobs::key(self.run.id, &self.task).file_name());
        let marked = tokio::task::spawn_blocking(move || mark(&directory, &name)).await;
        let marked = marked.map_err(|error| Problem::internal(error.to_string()))?;
        Ok(marked.map_err(Error::io("mark a step as begun"))?)
    }

    /// The same for every attempt, and for no other step: what those who are called tell repeated requests by.
    pub(crate) fn idempotency_key(&self) -> String {
        StepKey { attempt: 0, ..jobs::key(self.run.id, &self.task) }.file_name()
    }
}

fn mark(directory: &Path, name: &str) -> io::Result<bool> {
    fs::DirBuilder::new().recursive(true).mode(0o711).create(directory)?;
    let mut options = fs::OpenOptions::new();
    match options.write(true).create_new(true).mode(0o600).open(directory.join(name)) {
        Ok(file) => file.sync_all()?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(false),
        Err(error) => return Err(error),
    }
    fs::File::open(directory)?.sync_all()?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_begun_is_known_afterwards() {
        let directory = tempfile::tempdir().unwrap();
        let run = directory.path().join("run");
        assert!(mark(&run, "begun-1").unwrap());
        assert!(!mark(&run, "begun-1").unwrap());
        assert!(mark(&run, "begun-2").unwrap());
    }
}
