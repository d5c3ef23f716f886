use api::paths;
use api::workflow_plans::{
    Plan, PlanVerdict, PlanWorkflow, PlannedEvent, PlannedJob, WorkflowPlan,
};
use axum::extract::State;
use control::{Control, Looked, Verdict};

use super::workflow_checks;
use crate::extract::Json;
use crate::refusal::Answer;

/// Say what a workflow would do about an event
///
/// Nothing is kept and nothing runs. What the workflow leads to and was not sent is asked for in the answer.
#[utoipa::path(post, path = paths::WORKFLOW_PLANS, operation_id = "plan_workflow", tag = "workflows",
    request_body = PlanWorkflow,
    responses((status = 200, description = "Which jobs would run, and why.", body = WorkflowPlan)))]
pub(crate) async fn plan(
    State(control): State<Control>,
    Json(request): Json<PlanWorkflow>,
) -> Answer<Json<WorkflowPlan>> {
    let PlanWorkflow { workflow, files, event } = request;
    let looked = control.plan_workflow(workflow, files, planned(event)).await?;
    Ok(Json(match looked {
        Looked::Wanted(wanted) => WorkflowPlan { wanted, ..WorkflowPlan::default() },
        Looked::At(Err(mistakes)) => {
            WorkflowPlan { mistakes: workflow_checks::wire(mistakes), ..WorkflowPlan::default() }
        }
        Looked::At(Ok(plan)) => WorkflowPlan { plan: Some(wire(plan)), ..WorkflowPlan::default() },
    }))
}

fn planned(event: PlannedEvent) -> control::PlannedEvent {
    let PlannedEvent { name, activity, reference, changed, inputs } = event;
    let inputs = inputs.into_iter().collect();
    control::PlannedEvent { name, activity, reference, changed, inputs }
}

fn wire(plan: control::WorkflowPlan) -> Plan {
    let control::WorkflowPlan { workflow, runs, why, jobs } = plan;
    Plan { workflow, runs, why, jobs: jobs.into_iter().map(job).collect() }
}

fn job(job: control::PlannedJob) -> PlannedJob {
    let control::PlannedJob { path, needs, environment, legs, verdict, why } = job;
    let verdict = match verdict {
        Verdict::Runs => PlanVerdict::Runs,
        Verdict::Skipped => PlanVerdict::Skipped,
        Verdict::Depends => PlanVerdict::Depends,
    };
    PlannedJob { job: path, needs, environment, legs, verdict, why }
}
