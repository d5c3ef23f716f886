use std::collections::BTreeMap;

use api::deployments::{Deployment, DeploymentPhase};
use api::environments::{
    ConfigRevision, Current, Environment, EnvironmentDetail, LEDGER_LENGTH, ProcessCount, Scale,
    Scaled,
};
use api::{Page, ReleaseVersion, paths};
use axum::extract::State;
use axum::http::StatusCode;
use control::{Control, EnvironmentView};
use types::{AppName, ConfigRevisionId, ProcessType};

use super::InEnvironment;
use crate::authentication::Caller;
use crate::cursor::Paging;
use crate::extract::{Json, Path, Query};
use crate::refusal::Answer;

/// How many config revisions are looked through for the numbers of those that deployments took.
const CONFIG_LENGTH: u32 = 1_000;

/// Config revisions by what deployments know them by.
type Numbers = BTreeMap<ConfigRevisionId, u64>;

/// List an app's environments
#[utoipa::path(get, path = paths::ENVIRONMENTS, operation_id = "list_environments", tag = "environments",
    params(Paging), responses((status = 200, description = "A part of the list.", body = Page<Environment>)))]
pub(crate) async fn list(
    State(control): State<Control>,
    Path(app): Path<AppName>,
    Query(paging): Query<Paging>,
) -> Answer<Json<Page<Environment>>> {
    let views = control.environments(&app).await?;
    let page = paging.part_of_all(views, place)?;
    let mut items = Vec::new();
    for view in page.items {
        let numbers = numbers(&control, &view).await?;
        items.push(wire(view, &numbers));
    }
    Ok(Json(Page { items, next_cursor: page.next_cursor }))
}

/// Show an environment
///
/// What it serves, and the ledger of its deployments and of its config.
#[utoipa::path(get, path = paths::ENVIRONMENT, operation_id = "show_environment", tag = "environments",
    responses((status = 200, description = "The environment.", body = EnvironmentDetail)))]
pub(crate) async fn show(
    State(control): State<Control>,
    Path((app, environment)): Path<InEnvironment>,
) -> Answer<Json<EnvironmentDetail>> {
    let view = control.environment(&app, &environment).await?;
    let numbers = numbers(&control, &view).await?;
    let length = u32::try_from(LEDGER_LENGTH).unwrap_or(u32::MAX);
    let mut deployments = Vec::new();
    for (deployment, release) in control.deployments(&app, &environment, None, length).await? {
        let phases = control.deployment_phases(deployment.id).await?;
        let phases = phases
            .into_iter()
            .map(|phase| DeploymentPhase { state: phase.state, entered_at: phase.entered_at });
        deployments.push(Deployment {
            id: deployment.id,
            app: app.clone(),
            environment: environment.clone(),
            release: ReleaseVersion::new(release.number),
            config_revision: deployment.config_revision.and_then(|id| numbers.get(&id).copied()),
            reason: deployment.reason,
            state: deployment.state,
            failed_phase: deployment.failed_phase,
            error: deployment.error,
            phases: phases.collect(),
            created_at: deployment.created_at,
            finished_at: deployment.finished_at,
            created_by: deployment.created_by.to_string(),
            run_id: deployment.run,
        });
    }
    let revisions = control.config_revisions(&app, &environment, length).await?;
    let config_revisions = revisions
        .into_iter()
        .map(|revision| ConfigRevision {
            number: revision.number,
            created_at: revision.created_at,
            created_by: revision.created_by.to_string(),
            changed: revision.changed,
        })
        .collect();
    let environment = wire(view, &numbers);
    Ok(Json(EnvironmentDetail { environment, deployments, config_revisions }))
}

/// Say how many instances of each process there shall be
///
/// Process types that are not named stay as they are. Instances are started and stopped in the background.
#[utoipa::path(put, path = paths::SCALE, operation_id = "scale", tag = "environments", request_body = Scale,
    responses((status = 202, description = "It is wanted from now on.", body = Scaled)))]
pub(crate) async fn scale(
    State(control): State<Control>,
    caller: Caller,
    Path((app, environment)): Path<InEnvironment>,
    Json(scale): Json<Scale>,
) -> Answer<(StatusCode, Json<Scaled>)> {
    let view = control.scale(&app, &environment, scale.0, &caller.actor).await?;
    Ok((StatusCode::ACCEPTED, Json(Scaled { processes: counts(view.processes) })))
}

/// Where it stands in the list.
fn place(view: &EnvironmentView) -> String {
    let position = view.environment.declared.as_ref().map_or(u32::MAX, |it| it.position);
    format!("{position:010}-{}", view.environment.id)
}

async fn numbers(control: &Control, view: &EnvironmentView) -> Answer<Numbers> {
    let environment = &view.environment;
    let revisions =
        control.config_revisions(&environment.app, &environment.name, CONFIG_LENGTH).await?;
    Ok(revisions.into_iter().map(|revision| (revision.id, revision.number)).collect())
}

fn wire(view: EnvironmentView, numbers: &Numbers) -> Environment {
    let declared = view.environment.declared;
    Environment {
        app: view.environment.app,
        promote: declared.as_ref().filter(|it| it.after.is_some()).map(|it| it.promote),
        after: declared.and_then(|declared| declared.after),
        name: view.environment.name,
        urls: view.urls,
        current: view.current.map(|(deployment, release)| Current {
            release: ReleaseVersion::new(release.number),
            config_revision: deployment.config_revision.and_then(|id| numbers.get(&id).copied()),
            deployment: deployment.id,
        }),
        config_revision: view.config_revision,
        processes: counts(view.processes),
    }
}

fn counts(
    processes: BTreeMap<ProcessType, control::ProcessView>,
) -> BTreeMap<ProcessType, ProcessCount> {
    let count = |view: control::ProcessView| ProcessCount {
        desired: view.desired,
        running: view.serving,
        troubles: view.troubles,
    };
    processes.into_iter().map(|(process, view)| (process, count(view))).collect()
}
