use api::runs::Run;
use api::workflows::{Dispatch, Dispatched, RepositoryDispatch, Workflow, WorkflowInput};
use api::{ErrorCode, Page, paths};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use control::{Control, DispatchRequest, WorkflowFile, WorkflowInputType};
use serde::Deserialize;
use serde_json::Value;
use types::AppName;
use utoipa::IntoParams;

use super::{accepted, runs};
use crate::authentication::Caller;
use crate::cursor::Paging;
use crate::extract::{Json, Path, Query};
use crate::refusal::{Answer, Refusal};

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Where {
    /// A branch or a tag; the deploy branch if there is none.
    #[serde(rename = "ref")]
    reference: Option<String>,
    /// How many items; 50 if not said.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// The `next_cursor` of the part before.
    cursor: Option<String>,
}

/// List the workflow files of an app
#[utoipa::path(get, path = paths::WORKFLOWS, operation_id = "list_workflows", tag = "workflows", params(Where),
    responses((status = 200, description = "A part of the list.", body = Page<Workflow>)))]
pub(crate) async fn list(
    State(control): State<Control>,
    Path(app): Path<AppName>,
    Query(query): Query<Where>,
) -> Answer<Json<Page<Workflow>>> {
    let paging = Paging { limit: query.limit, cursor: query.cursor };
    let workflows = control.workflows_at(&app, query.reference.as_deref()).await?;
    let workflows = workflows.into_iter().map(wire).collect();
    Ok(Json(paging.part_of_all(workflows, |workflow: &Workflow| workflow.file.clone())?))
}

/// Start a workflow by hand
///
/// It has to have `workflow_dispatch` among its events. Its inputs are checked, and get their types and defaults.
#[utoipa::path(post, path = paths::WORKFLOW_DISPATCHES, operation_id = "dispatch_workflow", tag = "workflows",
    request_body = Dispatch,
    responses((status = 202, description = "A run carries it out.", body = Run,
        headers(("location" = String, description = "Where to look for the run.")))))]
pub(crate) async fn dispatch(
    State(control): State<Control>,
    caller: Caller,
    Path((app, file)): Path<(AppName, String)>,
    Json(request): Json<Dispatch>,
) -> Answer<Response> {
    let mut inputs = std::collections::BTreeMap::new();
    for (name, value) in request.inputs {
        let text = match value {
            Value::String(text) => text,
            Value::Bool(_) | Value::Number(_) => value.to_string(),
            Value::Null | Value::Array(_) | Value::Object(_) => {
                let detail = "an input is a text, a number, `true` or `false`";
                return Err(Refusal::new(ErrorCode::InvalidInputs, detail)
                    .field(format!("/inputs/{name}"), detail));
            }
        };
        inputs.insert(name, text);
    }
    let request = DispatchRequest { reference: request.reference, inputs };
    let run = control.dispatch(&app, &file, request, &caller.actor).await?;
    Ok(accepted(paths::run(run.id), runs::wire(run)))
}

/// Tell an app's workflows a word from outside
///
/// Every workflow of the deploy branch on `repository_dispatch` runs whose `types` name the word, or that names none.
#[utoipa::path(post, path = paths::DISPATCHES, operation_id = "dispatch", tag = "workflows",
    request_body = RepositoryDispatch,
    responses((status = 202, description = "What waits for it runs.", body = Dispatched)))]
pub(crate) async fn dispatch_from_outside(
    State(control): State<Control>,
    caller: Caller,
    Path(app): Path<AppName>,
    Json(request): Json<RepositoryDispatch>,
) -> Answer<(StatusCode, Json<Dispatched>)> {
    let RepositoryDispatch { event_type, client_payload } = request;
    let started =
        control.dispatch_from_outside(&app, &event_type, client_payload, &caller.actor).await?;
    let runs = started.into_iter().map(runs::wire).collect();
    Ok((StatusCode::ACCEPTED, Json(Dispatched { runs })))
}

fn wire(file: WorkflowFile) -> Workflow {
    let name = file.name().to_owned();
    match file.reading {
        Ok(read) => Workflow {
            file: name,
            name: read.definition.name,
            events: read.triggers.events.iter().map(|trigger| trigger.event.clone()).collect(),
            inputs: read.definition.inputs.into_iter().map(input).collect(),
            mistakes: Vec::new(),
        },
        Err(refused) => Workflow {
            file: name,
            name: file.path,
            events: Vec::new(),
            inputs: Vec::new(),
            mistakes: refused.mistakes.iter().map(ToString::to_string).collect(),
        },
    }
}

fn input(input: control::WorkflowInput) -> WorkflowInput {
    let (kind, options) = match input.kind {
        WorkflowInputType::String => ("string", Vec::new()),
        WorkflowInputType::Boolean => ("boolean", Vec::new()),
        WorkflowInputType::Number => ("number", Vec::new()),
        WorkflowInputType::Environment => ("environment", Vec::new()),
        WorkflowInputType::Choice { options } => ("choice", options),
    };
    WorkflowInput {
        name: input.name,
        description: input.description,
        required: input.required,
        kind: kind.to_owned(),
        default: input.default.map(|default| default.text),
        options,
    }
}
