use std::io::{self, Write};

use types::RunId;

use super::request::Call;
use super::{Client, Error};
use crate::paths;
use crate::run_artifacts::RunArtifact;

impl Client {
    /// By name.
    pub fn run_artifacts(&self, run: RunId) -> Result<Vec<RunArtifact>, Error> {
        self.fetch(&Call::get(&paths::run_artifacts(run)))
    }

    /// The artifact's files, as a `.tar.gz`, to `into`.
    ///
    /// # Errors
    /// Where `into` cannot be written, that is the inner error.
    pub fn download_run_artifact(
        &self,
        run: RunId,
        name: &str,
        into: &mut impl Write,
    ) -> Result<io::Result<u64>, Error> {
        let path = paths::run_artifact(run, name);
        let answer =
            self.send(&Call::get(&path).header("accept", "application/gzip").endless(), None)?;
        let mut body = answer.into_body().into_reader();
        Ok(io::copy(&mut body, into))
    }
}
