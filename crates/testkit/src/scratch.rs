use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use tempfile::TempDir;

/// A directory that is gone when the test has ended, or one of the caller's that stays.
#[derive(Debug)]
pub(crate) enum Scratch {
    Own(TempDir),
    Given(PathBuf),
}

impl Scratch {
    pub(crate) fn new(given: Option<PathBuf>) -> Result<Self> {
        if let Some(path) = given {
            std::fs::create_dir_all(&path)
                .with_context(|| format!("cannot create {}", path.display()))?;
            return Ok(Self::Given(path));
        }
        let made = tempfile::Builder::new().prefix("solum-test-").tempdir();
        Ok(Self::Own(made.context("cannot create a scratch directory")?))
    }

    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Own(directory) => directory.path(),
            Self::Given(path) => path,
        }
    }
}
