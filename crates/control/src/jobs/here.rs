//! What expressions of a step see only where it is carried out: secrets, the job's files, and where things are.

use std::collections::BTreeMap;
use std::io::Read as _;

use sha2::{Digest as _, Sha256};
use workflow::Late;
use workflow::expression::{HashFilesError, Object, Value};

use super::ground::StepFiles;
use crate::actions::beneath::Kind;
use crate::actions::env_files::EnvFile;
use crate::actions::job::{JobDirectory, PathError, Root};

/// Without `job` there is no box: the step is the control plane's.
pub(crate) struct Here<'a> {
    pub(crate) secrets: &'a BTreeMap<String, String>,
    pub(crate) job: Option<(&'a JobDirectory, &'a StepFiles)>,
    /// In the box.
    pub(crate) action_path: Option<String>,
}

impl Late for Here<'_> {
    fn secrets(&self) -> Value {
        self.secrets.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    fn hash_files(&self, patterns: &[String]) -> Result<String, HashFilesError> {
        let Some((job, _)) = self.job else { return Err(HashFilesError::NotHere) };
        hash_files(job, patterns)
            .map_err(|error| HashFilesError::Failed(crate::error::chain(&error)))
    }

    fn more(&self, context: &str) -> Option<Object> {
        let (job, files) = self.job?;
        let places = job.places();
        match context {
            "github" | "solum" => {
                let mut github = Object::new();
                github.insert("workspace", places.workspace.as_str());
                github.insert("token", "");
                for (name, file) in [
                    ("env", EnvFile::Env),
                    ("path", EnvFile::Path),
                    ("output", EnvFile::Output),
                    ("state", EnvFile::State),
                    ("step_summary", EnvFile::Summary),
                ] {
                    github.insert(name, files.in_box(places, file));
                }
                if let Some(path) = &self.action_path {
                    github.insert("action_path", path.as_str());
                }
                Some(github)
            }
            "runner" => {
                let mut runner = Object::new();
                runner.insert("temp", places.temp.as_str());
                runner.insert("tool_cache", places.tools.as_str());
                runner.insert("workspace", places.workspace.as_str());
                Some(runner)
            }
            _ => None,
        }
    }
}

/// As GitHub has it: SHA-256 over the SHA-256 of each file in the workspace that is found, and nothing where none is.
/// <https://docs.github.com/en/actions/reference/workflows-and-actions/expressions#hashfiles>
fn hash_files(job: &JobDirectory, patterns: &[String]) -> Result<String, PathError> {
    let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
    let found = job.find(&patterns)?;
    let workspace = job.open(Root::Workspace)?;
    let mut all = Sha256::new();
    let mut any = false;
    for (root, entry) in found.entries {
        if root != Root::Workspace || entry.kind != Kind::File {
            continue;
        }
        let mut file = workspace.file(&entry.path)?;
        let mut hash = Sha256::new();
        let mut piece = vec![0; 64 << 10];
        loop {
            match file.read(&mut piece)? {
                0 => break,
                read => hash.update(&piece[..read]),
            }
        }
        all.update(hash.finalize());
        any = true;
    }
    let digits = |digest: &[u8]| digest.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(if any { digits(&all.finalize()) } else { String::new() })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::actions::environment::Places;

    #[test]
    fn files_are_hashed_as_on_github() {
        let directory = tempfile::tempdir().unwrap();
        let places = Places::default();
        let job = JobDirectory::make(directory.path().join("job"), 23_458, places).unwrap();
        let workspace = job.open(Root::Workspace).unwrap();
        workspace.write(Path::new("a/x.lock"), b"one\n", 0o644).unwrap();
        workspace.write(Path::new("b/y.lock"), b"two\n", 0o644).unwrap();
        workspace.write(Path::new("c.txt"), b"three\n", 0o644).unwrap();
        let hash = |patterns: &[&str]| {
            let patterns: Vec<String> = patterns.iter().map(|&it| it.to_owned()).collect();
            hash_files(&job, &patterns).unwrap()
        };
        let mut expected = Sha256::new();
        expected.update(Sha256::digest(b"one\n"));
        expected.update(Sha256::digest(b"two\n"));
        let expected: String =
            expected.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hash(&["**/*.lock"]), expected);
        assert_eq!(hash(&["nothing"]), "");
        assert_ne!(hash(&["**/*.lock", "!b/*"]), expected);
    }
}
