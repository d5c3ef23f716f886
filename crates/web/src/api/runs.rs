use api::approvals::Wait;
use api::runs::{Change, Conclusion, Failure, Job, Retry, Run, RunDetail, Step, WorkStatus};
use api::{ErrorCode, Page, paths};
use axum::extract::State;
use axum::response::Response;
use control::{Control, JobView, RunView, StepView, WaitView};
use serde::Deserialize;
use types::{AppName, RunId};
use utoipa::IntoParams;

use super::{accepted, plain};
use crate::authentication::Caller;
use crate::cursor::Paging;
use crate::extract::{Json, Path, Query};
use crate::refusal::{Answer, Refusal};

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    /// Of this app only.
    #[param(value_type = Option<String>)]
    app: Option<AppName>,
    /// How many items; 50 if not said.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// The `next_cursor` of the part before.
    cursor: Option<String>,
}

/// List runs, newest first
#[utoipa::path(get, path = paths::RUNS, operation_id = "list_runs", tag = "runs", params(Which),
    responses((status = 200, description = "A part of the list.", body = Page<Run>)))]
pub(crate) async fn list(
    State(control): State<Control>,
    Query(which): Query<Which>,
) -> Answer<Json<Page<Run>>> {
    let paging = Paging { limit: which.limit, cursor: which.cursor };
    let before = paging.after::<RunId>()?;
    let runs = control.runs(which.app.as_ref(), before, paging.limit()? + 1).await?;
    let runs = runs.into_iter().map(wire).collect();
    Ok(Json(paging.part(runs, |run: &Run| run.id)?))
}

/// Show a run with its jobs and steps
#[utoipa::path(get, path = paths::RUN, operation_id = "show_run", tag = "runs",
    responses((status = 200, description = "The run.", body = RunDetail)))]
pub(crate) async fn show(
    State(control): State<Control>,
    Path(id): Path<RunId>,
) -> Answer<Json<RunDetail>> {
    let view = control.run_view(id).await.map_err(missing())?;
    Ok(Json(detail(view)))
}

/// Read a run's transcript so far
#[utoipa::path(get, path = paths::RUN_LOG, operation_id = "read_run_log", tag = "runs",
    responses((status = 200, description = "The transcript.", body = String, content_type = "text/plain")))]
pub(crate) async fn log(State(control): State<Control>, Path(id): Path<RunId>) -> Answer<Response> {
    control.run_status(id).await.map_err(missing())?;
    control.logs_are_kept(id).await?;
    let mut follower = control.follow_run(id, 0);
    let mut text = String::new();
    loop {
        let lines = follower.read().map_err(|error| unreadable(&error))?;
        if lines.is_empty() {
            return Ok(plain("text/plain; charset=utf-8", text));
        }
        for line in lines {
            text.push_str(&line);
            text.push('\n');
        }
    }
}

/// Stop a run
///
/// What is under way in it is taken back as far as that is possible; what served before still does.
#[utoipa::path(post, path = paths::RUN_CANCEL, operation_id = "cancel_run", tag = "runs",
    responses((status = 202, description = "It is being stopped.", body = Run,
        headers(("location" = String, description = "Where to look for it.")))))]
pub(crate) async fn cancel(
    State(control): State<Control>,
    caller: Caller,
    Path(id): Path<RunId>,
) -> Answer<Response> {
    let run = control.cancel_run(id, &caller.actor).await.map_err(missing())?;
    Ok(accepted(paths::run(id), wire(run)))
}

/// Try a run again that has ended
///
/// Another run of the same definition. The change of a push that did not land asks once more to become the branch's next state.
#[utoipa::path(post, path = paths::RUN_RETRIES, operation_id = "retry_run", tag = "runs", request_body = Retry,
    responses((status = 202, description = "The run that tries it again.", body = Run,
        headers(("location" = String, description = "Where to look for it.")))))]
pub(crate) async fn retry(
    State(control): State<Control>,
    caller: Caller,
    Path(id): Path<RunId>,
    Json(retry): Json<Retry>,
) -> Answer<Response> {
    let run = control.retry_run(id, retry.failed_only, &caller.actor).await.map_err(missing())?;
    Ok(accepted(paths::run(run.id), wire(run)))
}

pub(super) fn missing() -> impl FnOnce(control::Error) -> Refusal {
    Refusal::looking_for(ErrorCode::RunNotFound)
}

pub(super) fn unreadable(error: &std::io::Error) -> Refusal {
    tracing::error!(%error, "a transcript cannot be read");
    Refusal::internal()
}

pub(super) fn wire(run: control::Run) -> Run {
    Run {
        id: run.id,
        app: run.app,
        workflow: run.workflow,
        title: run.title,
        status: run.status,
        commit: run.commit,
        created_at: run.created_at,
        started_at: run.started_at,
        finished_at: run.finished_at,
        created_by: run.created_by.to_string(),
        attempt: run.attempt,
        retry_of: run.retry_of,
    }
}

pub(super) fn detail(view: RunView) -> RunDetail {
    let failed = view.jobs.iter().flat_map(|job| &job.steps).find_map(|step| step.failure.as_ref());
    let failure = view.refusal.as_ref().or(failed).map(|failure| Failure {
        code: failure.code.clone(),
        message: failure.message.clone(),
        hint: failure.hint.clone(),
    });
    RunDetail {
        failure,
        change: view.change.map(|change| Change {
            number: change.number,
            branch: change.branch,
            state: change.state,
        }),
        cancelled_by: view.cancel_requested_by.map(|actor| actor.to_string()),
        jobs: view.jobs.into_iter().map(job).collect(),
        run: wire(view.run),
    }
}

fn job(job: JobView) -> Job {
    let (status, conclusion) = status(job.status);
    Job {
        name: job.key,
        title: job.title,
        needs: job.needs,
        environment: job.environment,
        status,
        conclusion,
        reason: job.why,
        started_at: job.started_at,
        finished_at: job.finished_at,
        steps: job.steps.into_iter().map(step).collect(),
    }
}

fn step(step: StepView) -> Step {
    let (status, conclusion) = status(step.status);
    Step {
        name: step.key,
        title: step.title,
        uses: step.uses,
        status,
        conclusion,
        attempt: step.attempt,
        failure: step.failure.map(|failure| Failure {
            code: failure.code,
            message: failure.message,
            hint: failure.hint,
        }),
        outputs: step.outputs,
        wait: step.wait.map(wait),
        started_at: step.started_at,
        finished_at: step.finished_at,
    }
}

fn wait(wait: WaitView) -> Wait {
    Wait {
        from: wait.wait.from,
        count: wait.wait.count,
        allow_author: wait.wait.allow_author,
        deadline: wait.wait.deadline,
        note: wait.wait.note,
        approved_by: wait.approved.iter().map(ToString::to_string).collect(),
    }
}

/// `control`'s words, which are the engine's.
fn status(word: &str) -> (WorkStatus, Option<Conclusion>) {
    match word {
        "pending" => (WorkStatus::Queued, None),
        "running" => (WorkStatus::Running, None),
        "waiting" => (WorkStatus::Waiting, None),
        "success" => (WorkStatus::Completed, Some(Conclusion::Success)),
        "cancelled" => (WorkStatus::Completed, Some(Conclusion::Cancelled)),
        "skipped" => (WorkStatus::Completed, Some(Conclusion::Skipped)),
        _ => (WorkStatus::Completed, Some(Conclusion::Failure)),
    }
}
