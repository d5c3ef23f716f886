use api::configs::{ChangeConfig, Config, ConfigChanged, Variables};
use api::{ErrorCode, paths};
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use control::Control;

use super::{InEnvironment, accepted};
use crate::authentication::Caller;
use crate::extract::{Json, Path};
use crate::refusal::{Answer, Refusal};

/// Show an environment's variables
#[utoipa::path(get, path = paths::CONFIG, operation_id = "show_config", tag = "config",
    responses((status = 200, description = "The config that the next deployment takes.", body = Config)))]
pub(crate) async fn show(
    State(control): State<Control>,
    Path((app, environment)): Path<InEnvironment>,
) -> Answer<Json<Config>> {
    let view = control.config(&app, &environment).await?;
    let variables = Variables(view.variables);
    let revision = view.revision.unwrap_or(0);
    Ok(Json(Config { revision, live_revision: view.live, variables }))
}

/// Set and unset variables
///
/// Makes a config revision, and a run that deploys what serves with it.
#[utoipa::path(patch, path = paths::CONFIG, operation_id = "change_config", tag = "config", request_body = ChangeConfig,
    responses(
        (status = 200, description = "There was nothing to deploy.", body = ConfigChanged),
        (status = 202, description = "A run deploys it.", body = ConfigChanged,
            headers(("location" = String, description = "Where to look for the run.")))))]
pub(crate) async fn change(
    State(control): State<Control>,
    caller: Caller,
    Path((app, environment)): Path<InEnvironment>,
    Json(ChangeConfig { set: Variables(set), unset }): Json<ChangeConfig>,
) -> Answer<Response> {
    if let Some(name) = unset.iter().find(|name| set.contains_key(*name)) {
        let refusal =
            Refusal::new(ErrorCode::InvalidRequest, "a variable is to be both set and unset");
        return Err(refusal.field(format!("/set/{name}"), "it is in `unset` too"));
    }
    let unset = unset.into_iter().collect();
    let (view, run) = control.change_config(&app, &environment, set, unset, &caller.actor).await?;
    let run_id = run.map(|run| run.id);
    let changed = ConfigChanged { revision: view.revision.unwrap_or(0), run_id };
    Ok(match run_id {
        Some(run) => accepted(paths::run(run), changed),
        None => (StatusCode::OK, Json(changed)).into_response(),
    })
}
