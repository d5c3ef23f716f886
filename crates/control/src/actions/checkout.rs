//! `actions/checkout`: the app's own repository in a job's workspace, with a git that works.
//!
//! The files and their `.git` are put together where no box sees them, by the server's git, from the hosted repository alone.
//! Then they are given to the job's user and moved into the workspace. The server's git never looks at anything that a job
//! may have written. Submodules are laid out as files, whatever `submodules` says.

use std::io;
use std::path::Path;

use source::{CheckoutError as SourceError, CheckoutWarning, History, Repositories};
use types::{AppName, CommitId};

use super::beneath::Beneath;
use super::inputs::{InputError, Inputs};
use super::job::{JobDirectory, PathError};

/// `with:` of `actions/checkout`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkout {
    /// A branch, a tag or a commit; otherwise what the run is about.
    pub reference: Option<String>,
    /// As the job says it.
    pub path: String,
    /// Commits of history; `None` for all.
    pub depth: Option<u32>,
    pub tags: bool,
    /// Remove what is there; otherwise what the commit does not have stays.
    pub clean: bool,
}

/// What a run is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    pub app: AppName,
    pub commit: CommitId,
    /// `refs/heads/main`.
    pub reference: String,
    /// What `origin` stands for in the job.
    pub remote: String,
}

/// Outputs `ref` and `commit`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckedOut {
    pub reference: String,
    pub commit: CommitId,
    pub warnings: Vec<CheckoutWarning>,
}

#[derive(Debug, thiserror::Error)]
pub enum CheckoutError {
    #[error(transparent)]
    Input(#[from] InputError),
    #[error(transparent)]
    Path(#[from] PathError),
    #[error("the repository has no branch and no tag `{0}`, and no such commit")]
    NoReference(String),
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error("the job's workspace cannot be written")]
    Io(#[from] io::Error),
}

impl Checkout {
    /// `repository` is the run's own, as `github.repository` has it.
    pub fn read(inputs: Inputs<'_>, repository: &str) -> Result<Self, InputError> {
        if let Some(other) = inputs.text("repository")
            && other != repository
        {
            let why = "only the repository of the run can be checked out";
            return Err(InputError::Unsupported { name: "repository", why });
        }
        for name in ["lfs", "sparse-checkout", "filter"] {
            inputs.refuse(name, "the whole commit is checked out, without LFS")?;
        }
        inputs.refuse("ssh-key", "the hosted repository is read without a key")?;
        let depth = inputs.number("fetch-depth", 1)?;
        Ok(Self {
            reference: inputs.text("ref").map(str::to_owned),
            path: inputs.text("path").unwrap_or(".").to_owned(),
            depth: (depth > 0).then_some(depth),
            tags: inputs.flag("fetch-tags", false)?,
            clean: inputs.flag("clean", true)?,
        })
    }

    /// Brings the files into the job's workspace.
    pub async fn perform(
        &self,
        repositories: &Repositories,
        subject: &Subject,
        job: &JobDirectory,
    ) -> Result<CheckedOut, CheckoutError> {
        let (reference, commit) = self.resolve(repositories, subject).await?;
        let (root, path) = job.locate(&self.path)?;
        let staging = job.staging("checkout");
        let history = History {
            reference: reference.clone(),
            depth: self.depth,
            tags: self.tags,
            remote: subject.remote.clone(),
        };
        let app = &subject.app;
        let staged = async {
            let warnings = repositories.checkout(app, &commit, &staging).await?;
            let attached = repositories.attach_history(app, &commit, &history, &staging).await;
            attached.map_err(SourceError::from)?;
            Ok::<_, CheckoutError>(warnings)
        };
        let staged = staged.await;
        let (job, clean, from) = (job.clone(), self.clean, staging.clone());
        let moved = tokio::task::spawn_blocking(move || {
            let moved = staged.and_then(|warnings| {
                let mut workspace = job.open(root)?;
                if !path.as_os_str().is_empty() {
                    workspace.make_directories(&path)?;
                    workspace = workspace.open_directory(&path)?;
                }
                put(&from, &workspace, clean, job.owner())?;
                Ok(warnings)
            });
            match std::fs::remove_dir_all(&from) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
                _ => moved,
            }
        });
        let warnings = moved.await.map_err(io::Error::other)??;
        Ok(CheckedOut { reference, commit, warnings })
    }

    async fn resolve(
        &self,
        repositories: &Repositories,
        subject: &Subject,
    ) -> Result<(String, CommitId), CheckoutError> {
        let Some(name) = &self.reference else {
            return Ok((subject.reference.clone(), subject.commit.clone()));
        };
        if *name == subject.reference {
            return Ok((name.clone(), subject.commit.clone()));
        }
        if let Ok(commit) = name.parse::<CommitId>() {
            return Ok((commit.to_string(), commit));
        }
        let found =
            repositories.find_reference(&subject.app, name).await.map_err(SourceError::from)?;
        found.ok_or_else(|| CheckoutError::NoReference(name.clone()))
    }
}

fn put(staging: &Path, workspace: &Beneath, clean: bool, owner: u32) -> io::Result<()> {
    let staged = Beneath::open(staging, Some(owner))?;
    staged.give_away()?;
    if clean {
        workspace.clear()?;
    } else {
        // Two of them do not become one.
        workspace.remove(".git".as_ref())?;
    }
    workspace.take_all(&staged)
}

#[cfg(test)]
mod tests;
