use api::paths;
use api::promotions::Promote;
use api::runs::Run;
use axum::extract::State;
use axum::response::Response;
use control::{Control, PromotionRequest};
use types::AppName;

use super::{accepted, runs};
use crate::authentication::Caller;
use crate::extract::{Json, Path};
use crate::refusal::Answer;

/// Promote what one environment serves to others
///
/// The release is deployed there as it is, with the config of each environment. From there it goes on to environments that
/// are promoted automatically.
#[utoipa::path(post, path = paths::PROMOTIONS, operation_id = "promote", tag = "deployments", request_body = Promote,
    responses((status = 202, description = "A run promotes it.", body = Run,
        headers(("location" = String, description = "Where to look for the run.")))))]
pub(crate) async fn promote(
    State(control): State<Control>,
    caller: Caller,
    Path(app): Path<AppName>,
    Json(Promote { from, to }): Json<Promote>,
) -> Answer<Response> {
    let run = control.promote(&app, PromotionRequest { from, to }, &caller.actor).await?;
    Ok(accepted(paths::run(run.id), runs::wire(run)))
}
