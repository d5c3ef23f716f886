use api::paths;
use api::workflow_checks::{CheckWorkflow, FileMistake, WorkflowCheck};
use axum::extract::State;
use control::{Control, Looked, Mistake};

use crate::extract::Json;
use crate::refusal::Answer;

/// Check a workflow
///
/// Nothing is kept and nothing runs. What the workflow leads to and was not sent is asked for in the answer.
#[utoipa::path(post, path = paths::WORKFLOW_CHECKS, operation_id = "check_workflow", tag = "workflows",
    request_body = CheckWorkflow,
    responses((status = 200, description = "What is wrong with it.", body = WorkflowCheck)))]
pub(crate) async fn check(
    State(control): State<Control>,
    Json(request): Json<CheckWorkflow>,
) -> Answer<Json<WorkflowCheck>> {
    let CheckWorkflow { workflow, files, app } = request;
    let looked = control.check_workflow(workflow, files, app.as_ref()).await?;
    Ok(Json(match looked {
        Looked::Wanted(wanted) => WorkflowCheck { wanted, ..WorkflowCheck::default() },
        Looked::At(checked) => WorkflowCheck {
            wanted: Vec::new(),
            name: checked.name,
            mistakes: wire(checked.mistakes),
            more_mistakes: checked.more_mistakes,
            warnings: wire(checked.warnings),
        },
    }))
}

pub(super) fn wire(mistakes: Vec<Mistake>) -> Vec<FileMistake> {
    let wire = |mistake: Mistake| FileMistake {
        file: mistake.file,
        line: mistake.at.map(|at| at.line),
        column: mistake.at.map(|at| at.column),
        message: mistake.message,
    };
    mistakes.into_iter().map(wire).collect()
}
