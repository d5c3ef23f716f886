use api::workflow_simulations::{
    BrokenExpectation, Rehearsal, SimulateWorkflow, WorkflowSimulation,
};
use api::{ErrorCode, paths};
use axum::extract::State;
use control::{Control, Looked, rehearsal};

use super::workflow_checks;
use crate::extract::Json;
use crate::refusal::{Answer, Refusal};

/// Play a scenario
///
/// The real engine runs the workflow in virtual time, with the outcomes that the scenario states. Nothing is kept, and
/// nothing runs. What is led to and was not sent is asked for in the answer.
#[utoipa::path(post, path = paths::WORKFLOW_SIMULATIONS, operation_id = "simulate_workflow", tag = "workflows",
    request_body = SimulateWorkflow,
    responses((status = 200, description = "What came of it.", body = WorkflowSimulation)))]
pub(crate) async fn simulate(
    State(control): State<Control>,
    Json(request): Json<SimulateWorkflow>,
) -> Answer<Json<WorkflowSimulation>> {
    let SimulateWorkflow { scenario, workflow, mut files } = request;
    let Some(Some(text)) = files.remove(&scenario) else {
        let detail = "a value in the body is not valid";
        return Err(Refusal::new(ErrorCode::InvalidRequest, detail)
            .field("/scenario", "the file is not among those that were sent"));
    };
    let looked = control.rehearse_workflow((scenario, text), workflow, files).await?;
    Ok(Json(match looked {
        Looked::Wanted(wanted) => WorkflowSimulation { wanted, ..WorkflowSimulation::default() },
        Looked::At(Err(mistakes)) => WorkflowSimulation {
            mistakes: workflow_checks::wire(mistakes),
            ..WorkflowSimulation::default()
        },
        Looked::At(Ok(played)) => {
            WorkflowSimulation { rehearsal: Some(wire(played)), ..WorkflowSimulation::default() }
        }
    }))
}

fn wire(played: rehearsal::Rehearsal) -> Rehearsal {
    Rehearsal {
        held: played.held,
        elapsed_ms: u64::try_from(played.elapsed.as_millis()).unwrap_or(0),
        story: played.story,
        broken: played.broken.map(|broken| BrokenExpectation {
            line: broken.line,
            message: broken.message,
            last: broken.last,
        }),
    }
}
