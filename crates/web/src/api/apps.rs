use std::collections::BTreeMap;

use api::apps::{App, AppStatus, CreateApp};
use api::{Page, paths};
use axum::extract::State;
use axum::response::Response;
use control::{AppState, Control};
use types::AppName;

use super::accepted;
use crate::authentication::Caller;
use crate::cursor::Paging;
use crate::extract::{Json, Path, Query};
use crate::refusal::Answer;

/// Make an app
///
/// It is `ready`, with the address of its repository, once its repository has been made.
#[utoipa::path(post, path = paths::APPS, operation_id = "create_app", tag = "apps", request_body = CreateApp,
    responses((status = 202, description = "It is being made.", body = App,
        headers(("location" = String, description = "Where to look for it.")))))]
pub(crate) async fn create(
    State(control): State<Control>,
    caller: Caller,
    Json(request): Json<CreateApp>,
) -> Answer<Response> {
    let app = control.create_app(request.name, request.default_branch, &caller.actor).await?;
    let app = wire(&control, app).await?;
    Ok(accepted(paths::app(&app.name), app))
}

/// List all apps, by name
#[utoipa::path(get, path = paths::APPS, operation_id = "list_apps", tag = "apps", params(Paging),
    responses((status = 200, description = "A part of the list.", body = Page<App>)))]
pub(crate) async fn list(
    State(control): State<Control>,
    Query(paging): Query<Paging>,
) -> Answer<Json<Page<App>>> {
    let page = paging.part_of_all(control.apps().await?, |app| app.name.clone())?;
    let mut items = Vec::new();
    for app in page.items {
        items.push(wire(&control, app).await?);
    }
    Ok(Json(Page { items, next_cursor: page.next_cursor }))
}

/// Show an app
#[utoipa::path(get, path = paths::APP, operation_id = "show_app", tag = "apps",
    responses((status = 200, description = "The app.", body = App)))]
pub(crate) async fn show(
    State(control): State<Control>,
    Path(app): Path<AppName>,
) -> Answer<Json<App>> {
    let app = control.app(&app).await?;
    Ok(Json(wire(&control, app).await?))
}

/// Delete an app
///
/// What it runs is stopped, and all that it has is removed. It is gone once it is not found any more.
#[utoipa::path(delete, path = paths::APP, operation_id = "delete_app", tag = "apps",
    responses((status = 202, description = "It is going.", body = App,
        headers(("location" = String, description = "Where to look for it.")))))]
pub(crate) async fn delete(
    State(control): State<Control>,
    caller: Caller,
    Path(app): Path<AppName>,
) -> Answer<Response> {
    let app = control.delete_app(&app, &caller.actor).await?;
    let app = wire(&control, app).await?;
    Ok(accepted(paths::app(&app.name), app))
}

async fn wire(control: &Control, app: control::App) -> Answer<App> {
    let is_ready = app.state == AppState::Ready;
    let mut urls = BTreeMap::new();
    if is_ready {
        for view in control.environments(&app.name).await? {
            urls.extend(view.urls.into_iter().next().map(|url| (view.environment.name, url)));
        }
    }
    Ok(App {
        id: app.id.to_string(),
        git_url: is_ready.then(|| control.git_url(&app.name)),
        name: app.name,
        status: match app.state {
            AppState::Creating => AppStatus::Creating,
            AppState::Ready => AppStatus::Ready,
            AppState::Deleting => AppStatus::Deleting,
        },
        default_branch: app.default_branch,
        urls,
        created_at: app.created_at,
        created_by: app.created_by.to_string(),
    })
}
