//! The checked-out tree that a run's steps share.

use std::collections::BTreeMap;
use std::path::PathBuf;

use build::{Plan, PlanError, Workspace};
use types::{CommitId, RunId, Transcript as _};

use super::{Problem, Step};
use crate::Control;
use crate::error::chain;

/// Where a run's files are until it ends.
pub(crate) fn directory(control: &Control, run: RunId) -> PathBuf {
    control.inner.settings.work_directory().join(run.to_string())
}

impl Step {
    /// The run's tree: checked out by the first step that asks, found by the others.
    pub(super) async fn workspace(&self) -> Result<Workspace, Problem> {
        let directory = directory(&self.control, self.run.id);
        let source = directory.join("source");
        let commit = self.commit()?;
        if !tokio::fs::try_exists(&source).await.unwrap_or(false) {
            let made = tokio::fs::create_dir_all(&directory).await;
            made.map_err(crate::Error::io("make a directory to build in"))?;
            self.check_out(commit, &source).await?;
        }
        let info = self.control.inner.repositories.commit(&self.app.name, commit).await;
        let committed_at = info.map_err(crate::Error::from)?.committed_at.as_second();
        Ok(Workspace {
            app: self.app.id,
            uid: self.app.uid,
            source,
            committed_at: u64::try_from(committed_at).unwrap_or(0),
            build_env: BTreeMap::new(),
        })
    }

    async fn check_out(&self, commit: &CommitId, into: &std::path::Path) -> Result<(), Problem> {
        let checked_out =
            self.control.inner.repositories.checkout(&self.app.name, commit, into).await;
        match checked_out {
            Ok(warnings) => {
                for warning in warnings {
                    self.transcript.warning(&warning.to_string());
                }
                Ok(())
            }
            Err(error) => Err(Problem::failed("checkout_failed", chain(&error))),
        }
    }

    pub(crate) fn commit(&self) -> Result<&CommitId, Problem> {
        let missing = || Problem::failed("no_commit", "the run has no commit to check out");
        self.run.commit.as_ref().ok_or_else(missing)
    }

    pub(super) async fn plan(&self, workspace: &Workspace) -> Result<Plan, Problem> {
        self.control.inner.builder.plan(&workspace.source).await.map_err(plan_problem)
    }
}

pub(super) fn plan_problem(error: PlanError) -> Problem {
    let code = match &error {
        PlanError::Mistakes(_) => "manifest_invalid",
        PlanError::NoLanguage { .. } => "no_language",
        PlanError::MissingTool { .. } => "tool_missing",
        PlanError::WrongVersion { .. } => "version_missing",
        PlanError::NoProcess { .. } => "no_process",
        PlanError::PointsOutside { .. }
        | PlanError::NotText { .. }
        | PlanError::Unreadable { .. } => "source_unreadable",
    };
    let problem = Problem::failed(code, chain(&error));
    match error.hint() {
        Some(hint) => problem.hint(hint),
        None => problem,
    }
}
