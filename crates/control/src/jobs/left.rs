//! What a step leaves for those after it: read from its files, with what is secret taken out of it.

use std::collections::BTreeMap;

use types::Timestamp;
use workflow::Produced;

use super::ground::StepFiles;
use super::vault::Vault;
use crate::actions::env_files::{self, EnvFile, EnvFileError, MOST_BYTES};
use crate::actions::job::{JobDirectory, Root};
use crate::actions::scribe::{Said, Scribe, ScribeError};

/// Why what a step left cannot be taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum LeftError {
    /// The step fails for it.
    #[error(transparent)]
    File(#[from] EnvFileError),
    #[error(transparent)]
    Scribe(#[from] ScribeError),
}

/// What a step wrote to its files.
#[derive(Debug, Default)]
pub(super) struct Written {
    outputs: Vec<(String, String)>,
    env: Vec<(String, String)>,
    state: Vec<(String, String)>,
    path: Vec<String>,
}

impl Written {
    /// Reads the files, and tells in the log what is to be seen there. Blocks.
    pub(super) fn read(
        job: &JobDirectory,
        files: &StepFiles,
        scribe: &mut Scribe,
        now: Timestamp,
    ) -> Result<Self, LeftError> {
        let text = |file: EnvFile| {
            let not_a_file = |_| EnvFileError::NotAFile { file: file.variable() };
            let temp = job.open(Root::Temp).map_err(not_a_file)?;
            let bytes = temp.read(&files.path(file), MOST_BYTES).map_err(not_a_file)?;
            file.text(bytes.unwrap_or_default())
        };
        let mut written = Self {
            outputs: EnvFile::Output.pairs(&text(EnvFile::Output)?)?,
            env: EnvFile::Env.pairs(&text(EnvFile::Env)?)?,
            state: EnvFile::State.pairs(&text(EnvFile::State)?)?,
            path: EnvFile::directories(&text(EnvFile::Path)?)?,
        };
        let mut refused = Vec::new();
        written.env.retain(|(name, _)| match env_files::refused(name) {
            Some(why) => {
                refused.push(why);
                false
            }
            None => true,
        });
        for why in refused {
            scribe.note(now, &why)?;
        }
        let summary = text(EnvFile::Summary)?;
        if !summary.trim().is_empty() {
            scribe.group(now, "Summary", &summary)?;
        }
        Ok(written)
    }

    /// With what the step said in the old manner. What holds a secret goes to the vault, and a token stands for it.
    pub(super) fn into_produced(
        self,
        said: &Said,
        is_secret: impl Fn(&str) -> bool,
        vault: &mut Vault,
    ) -> Produced {
        let mut kept = |value: String| if is_secret(&value) { vault.seal(&value) } else { value };
        let mut all = |older: &[(String, String)], newer: Vec<(String, String)>| {
            let pairs = older.iter().cloned().chain(newer);
            pairs.map(|(name, value)| (name, kept(value))).collect::<BTreeMap<_, _>>()
        };
        Produced {
            outputs: all(&said.outputs, self.outputs),
            env: all(&[], self.env),
            state: all(&said.state, self.state),
            path: self.path.into_iter().map(kept).collect(),
        }
    }
}
