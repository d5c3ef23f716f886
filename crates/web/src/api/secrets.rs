use api::secrets::{Secret, SetSecret};
use api::{ErrorCode, Page, paths};
use axum::extract::State;
use axum::http::StatusCode;
use control::{Control, SecretView};
use types::SettingName;

use super::setting_scopes::{PartOfScope, Scope};
use crate::authentication::Caller;
use crate::extract::{Json, Path, Query};
use crate::refusal::{Answer, Refusal};

/// List the secrets of the project, an app or an environment, by name
///
/// Values are in no answer.
#[utoipa::path(get, path = paths::SECRETS, operation_id = "list_secrets", tag = "secrets", params(PartOfScope),
    responses((status = 200, description = "A part of the list.", body = Page<Secret>)))]
pub(crate) async fn list(
    State(control): State<Control>,
    Query(query): Query<PartOfScope>,
) -> Answer<Json<Page<Secret>>> {
    let (scope, paging) = query.split();
    let secrets = control.secrets(&scope).await?.into_iter().map(wire).collect();
    Ok(Json(paging.part_of_all(secrets, |secret: &Secret| secret.name.clone())?))
}

/// Set a secret
///
/// Runs that begin from now on get it.
#[utoipa::path(put, path = paths::SECRET, operation_id = "set_secret", tag = "secrets", params(Scope),
    request_body = SetSecret,
    responses((status = 200, description = "It is set.", body = Secret)))]
pub(crate) async fn set(
    State(control): State<Control>,
    caller: Caller,
    Path(name): Path<SettingName>,
    Query(scope): Query<Scope>,
    Json(request): Json<SetSecret>,
) -> Answer<Json<Secret>> {
    let set = control.set_secret(&scope.into(), name, request.value, &caller.actor).await?;
    Ok(Json(wire(set)))
}

/// Unset a secret
#[utoipa::path(delete, path = paths::SECRET, operation_id = "unset_secret", tag = "secrets", params(Scope),
    responses((status = 204, description = "It is gone.")))]
pub(crate) async fn unset(
    State(control): State<Control>,
    caller: Caller,
    Path(name): Path<SettingName>,
    Query(scope): Query<Scope>,
) -> Answer<StatusCode> {
    let unset = control.unset_secret(&scope.into(), name, &caller.actor).await;
    unset.map_err(Refusal::looking_for(ErrorCode::SecretNotFound))?;
    Ok(StatusCode::NO_CONTENT)
}

fn wire(secret: SecretView) -> Secret {
    Secret {
        name: secret.name,
        updated_at: secret.updated_at,
        updated_by: secret.updated_by.to_string(),
    }
}
