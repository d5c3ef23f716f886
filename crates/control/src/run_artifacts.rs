use std::fs::File;

use types::RunId;

use crate::actions::artifacts::{Artifact, ArtifactError};
use crate::{Control, Error};

impl Control {
    /// What a run's workflow keeps, by name.
    pub async fn run_artifacts(&self, run: RunId) -> Result<Vec<Artifact>, Error> {
        self.run(run).await?;
        let control = self.clone();
        let listed = tokio::task::spawn_blocking(move || control.inner.run_artifacts.list(run));
        let listed = listed.await.map_err(std::io::Error::other).and_then(|listed| listed);
        listed.map_err(Error::io("list the artifacts of a run"))
    }

    /// One of them, packed: a `.tar.gz`, and how long it is.
    pub async fn run_artifact(&self, run: RunId, name: String) -> Result<(File, u64), Error> {
        self.run(run).await?;
        let control = self.clone();
        let opened =
            tokio::task::spawn_blocking(move || control.inner.run_artifacts.open(run, &name));
        match opened.await.map_err(std::io::Error::other) {
            Ok(Ok(opened)) => Ok(opened),
            Ok(Err(ArtifactError::Io(error))) | Err(error) => {
                Err(Error::io("read an artifact of a run")(error))
            }
            Ok(Err(error)) => Err(Error::NotFound(error.to_string())),
        }
    }
}
