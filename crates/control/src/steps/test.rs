//! `solum/test`: runs the app's tests, where there are any. Idempotent: tests may run twice.

use std::collections::BTreeMap;

use build::Tested;
use types::Transcript as _;

use super::build::build_problem;
use super::{Problem, Step};

pub(super) async fn perform(step: &Step) -> Result<BTreeMap<String, String>, Problem> {
    let _place = step.build_place().await?;
    let workspace = step.workspace().await?;
    let plan = step.plan(&workspace).await?;
    plan.tell(&step.transcript);
    let builder = &step.control.inner.builder;
    let tested = builder.test(&workspace, &plan, &step.transcript, &step.cancel).await;
    match tested.map_err(build_problem)? {
        Tested::Passed => step.transcript.line("Tests passed"),
        Tested::Skipped(why) => step.transcript.line(&format!("No tests were run: {why}")),
    }
    Ok(BTreeMap::new())
}
