use api::tokens::{CreateToken, Token, TokenCreated, WhoAmI};
use api::{ErrorCode, Page, paths};
use axum::extract::State;
use axum::http::StatusCode;
use control::Control;
use types::TokenId;

use crate::authentication::Caller;
use crate::cursor::Paging;
use crate::extract::{Json, Path, Query};
use crate::refusal::{Answer, Refusal};

/// Tell whose token this is
#[utoipa::path(get, path = paths::WHOAMI, operation_id = "whoami", tag = "tokens",
    responses((status = 200, description = "The token's id and name.", body = WhoAmI)))]
pub(crate) async fn whoami(caller: Caller) -> Json<WhoAmI> {
    Json(WhoAmI {
        token_id: caller.token,
        name: caller.actor.to_string(),
        server_version: env!("CARGO_PKG_VERSION").to_owned(),
    })
}

/// Make a token
///
/// Its text is in this answer and nowhere else: only its hash is kept.
#[utoipa::path(post, path = paths::TOKENS, operation_id = "create_token", tag = "tokens", request_body = CreateToken,
    responses((status = 201, description = "The token.", body = TokenCreated)))]
pub(crate) async fn create(
    State(control): State<Control>,
    caller: Caller,
    Json(request): Json<CreateToken>,
) -> Answer<(StatusCode, Json<TokenCreated>)> {
    let created = control.create_token(request.name, &caller.actor).await?;
    let token =
        TokenCreated { id: created.token.id, name: created.token.name, token: created.text };
    Ok((StatusCode::CREATED, Json(token)))
}

/// List the tokens that are not revoked, oldest first
#[utoipa::path(get, path = paths::TOKENS, operation_id = "list_tokens", tag = "tokens", params(Paging),
    responses((status = 200, description = "A part of the list.", body = Page<Token>)))]
pub(crate) async fn list(
    State(control): State<Control>,
    Query(paging): Query<Paging>,
) -> Answer<Json<Page<Token>>> {
    let tokens = control.tokens().await?.into_iter().map(wire).collect();
    Ok(Json(paging.part_of_all(tokens, |token: &Token| token.id)?))
}

/// Revoke a token
///
/// From now on nothing is allowed to who holds it.
#[utoipa::path(delete, path = paths::TOKEN, operation_id = "revoke_token", tag = "tokens",
    responses((status = 204, description = "It is revoked.")))]
pub(crate) async fn revoke(
    State(control): State<Control>,
    caller: Caller,
    Path(id): Path<TokenId>,
) -> Answer<StatusCode> {
    let revoked = control.revoke_token(id, &caller.actor).await;
    revoked.map_err(Refusal::looking_for(ErrorCode::TokenNotFound))?;
    Ok(StatusCode::NO_CONTENT)
}

fn wire(token: control::Token) -> Token {
    Token {
        id: token.id,
        name: token.name,
        created_at: token.created_at,
        created_by: token.created_by.to_string(),
    }
}
