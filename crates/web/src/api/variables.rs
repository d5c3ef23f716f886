use api::variables::{SetVariable, Variable};
use api::{ErrorCode, Page, paths};
use axum::extract::State;
use axum::http::StatusCode;
use control::Control;
use types::SettingName;

use super::setting_scopes::{PartOfScope, Scope};
use crate::authentication::Caller;
use crate::extract::{Json, Path, Query};
use crate::refusal::{Answer, Refusal};

/// List the variables of the project, an app or an environment, by name
///
/// They are what workflows read under `vars`. What an app itself reads is its config.
#[utoipa::path(get, path = paths::VARIABLES, operation_id = "list_variables", tag = "variables", params(PartOfScope),
    responses((status = 200, description = "A part of the list.", body = Page<Variable>)))]
pub(crate) async fn list(
    State(control): State<Control>,
    Query(query): Query<PartOfScope>,
) -> Answer<Json<Page<Variable>>> {
    let (scope, paging) = query.split();
    let variables = control.variables(&scope).await?.into_iter().map(wire).collect();
    Ok(Json(paging.part_of_all(variables, |variable: &Variable| variable.name.clone())?))
}

/// Set a variable
///
/// Runs that begin from now on get it.
#[utoipa::path(put, path = paths::VARIABLE, operation_id = "set_variable", tag = "variables", params(Scope),
    request_body = SetVariable,
    responses((status = 200, description = "It is set.", body = Variable)))]
pub(crate) async fn set(
    State(control): State<Control>,
    caller: Caller,
    Path(name): Path<SettingName>,
    Query(scope): Query<Scope>,
    Json(request): Json<SetVariable>,
) -> Answer<Json<Variable>> {
    let set = control.set_variable(&scope.into(), name, request.value, &caller.actor).await?;
    Ok(Json(wire(set)))
}

/// Unset a variable
#[utoipa::path(delete, path = paths::VARIABLE, operation_id = "unset_variable", tag = "variables", params(Scope),
    responses((status = 204, description = "It is gone.")))]
pub(crate) async fn unset(
    State(control): State<Control>,
    caller: Caller,
    Path(name): Path<SettingName>,
    Query(scope): Query<Scope>,
) -> Answer<StatusCode> {
    let unset = control.unset_variable(&scope.into(), name, &caller.actor).await;
    unset.map_err(Refusal::looking_for(ErrorCode::VariableNotFound))?;
    Ok(StatusCode::NO_CONTENT)
}

fn wire(variable: control::Variable) -> Variable {
    Variable {
        name: variable.name,
        value: variable.value,
        updated_at: variable.updated_at,
        updated_by: variable.updated_by.to_string(),
    }
}
