//! `solum/build`: makes the artifact. Idempotent: the same tree gives the same digest.

use std::collections::BTreeMap;

use build::{BuildError, Stage};
use types::Transcript as _;

use super::workspace::plan_problem;
use super::{Problem, Step};
use crate::error::chain;

pub(super) async fn perform(step: &Step) -> Result<BTreeMap<String, String>, Problem> {
    let _place = step.build_place().await?;
    let workspace = step.workspace().await?;
    let plan = step.plan(&workspace).await?;
    step.transcript.step("Building");
    let builder = &step.control.inner.builder;
    let built = builder.build(&workspace, &plan, &step.transcript, &step.cancel).await;
    let bundle = built.map_err(build_problem)?;
    step.transcript.line(&format!("Bundle {}", bundle.digest.short()));
    Ok([("artifact".to_owned(), bundle.digest.to_string())].into())
}

pub(super) fn build_problem(error: BuildError) -> Problem {
    let code = match error {
        BuildError::Cancelled => return Problem::Cancelled,
        BuildError::Plan(error) => return plan_problem(error),
        BuildError::Failed { stage: Stage::Install, .. } => "install_failed",
        BuildError::Failed { stage: Stage::Test, .. } => "test_failed",
        BuildError::Failed { stage: Stage::Build, .. } => "build_failed",
        BuildError::DiskFull { .. } => "disk_full",
        BuildError::Pack(_) => "bundle_invalid",
        BuildError::Box(_) | BuildError::Store(_) | BuildError::Io { .. } => "internal",
    };
    let problem = Problem::failed(code, chain(&error));
    match error.hint() {
        Some(hint) => problem.hint(hint),
        None => problem,
    }
}
