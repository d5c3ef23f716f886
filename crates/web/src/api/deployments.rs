use api::deployments::{Deploy, RollBack};
use api::releases::ReleaseVersion;
use api::runs::Run;
use api::{ErrorCode, paths};
use axum::extract::State;
use axum::response::Response;
use control::{Control, DeployRequest, RollbackRequest};

use super::{InEnvironment, accepted, runs};
use crate::authentication::Caller;
use crate::extract::{Json, Path};
use crate::refusal::{Answer, Refusal};

/// Deploy a release or an artifact
///
/// Nothing is built or tested. An artifact becomes a release.
#[utoipa::path(post, path = paths::DEPLOYMENTS, operation_id = "deploy", tag = "deployments", request_body = Deploy,
    responses((status = 202, description = "A run deploys it.", body = Run,
        headers(("location" = String, description = "Where to look for the run.")))))]
pub(crate) async fn deploy(
    State(control): State<Control>,
    caller: Caller,
    Path((app, environment)): Path<InEnvironment>,
    Json(request): Json<Deploy>,
) -> Answer<Response> {
    let request = match (request.release, request.artifact) {
        (Some(release), None) => DeployRequest::Release(release.number()),
        (None, Some(digest)) => DeployRequest::Artifact(digest),
        _ => {
            let detail = "one thing can be deployed: name a `release` or an `artifact`";
            return Err(Refusal::new(ErrorCode::InvalidRequest, detail));
        }
    };
    let run = control.deploy(&app, &environment, request, &caller.actor).await?;
    Ok(accepted(paths::run(run.id), runs::wire(run)))
}

/// Go back to what served before
///
/// To the pair of release and config revision that served before the present one, and before what was rolled back. A
/// release that is named comes with the config that it was last deployed with, unless that is named too; a config
/// revision that is named alone comes with the present release.
#[utoipa::path(post, path = paths::ROLLBACK, operation_id = "roll_back", tag = "deployments", request_body = RollBack,
    responses((status = 202, description = "A run brings it back.", body = Run,
        headers(("location" = String, description = "Where to look for the run.")))))]
pub(crate) async fn roll_back(
    State(control): State<Control>,
    caller: Caller,
    Path((app, environment)): Path<InEnvironment>,
    Json(request): Json<RollBack>,
) -> Answer<Response> {
    let to = RollbackRequest {
        release: request.to.map(ReleaseVersion::number),
        config: request.config_revision,
    };
    let run = control.roll_back(&app, &environment, to, &caller.actor).await?;
    Ok(accepted(paths::run(run.id), runs::wire(run)))
}
