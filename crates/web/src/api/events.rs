use api::events::Event;
use api::{Page, paths};
use axum::extract::State;
use control::Control;
use serde::Deserialize;
use types::{AppName, EventId};
use utoipa::IntoParams;

use crate::cursor::Paging;
use crate::extract::{Json, Query};
use crate::refusal::Answer;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    /// Of this app only; an app's events outlive it.
    #[param(value_type = Option<String>)]
    app: Option<AppName>,
    /// How many items; 50 if not said.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// The `next_cursor` of the part before.
    cursor: Option<String>,
}

/// List what happened, newest first
#[utoipa::path(get, path = paths::EVENTS, operation_id = "list_events", tag = "events", params(Which),
    responses((status = 200, description = "A part of the list.", body = Page<Event>)))]
pub(crate) async fn list(
    State(control): State<Control>,
    Query(which): Query<Which>,
) -> Answer<Json<Page<Event>>> {
    let paging = Paging { limit: which.limit, cursor: which.cursor };
    let before = paging.after::<EventId>()?;
    let events = control.events(which.app, before, paging.limit()? + 1).await?;
    let events = events.into_iter().map(wire).collect();
    Ok(Json(paging.part(events, |event: &Event| event.id)?))
}

fn wire(event: control::Event) -> Event {
    Event {
        id: event.id,
        at: event.at,
        kind: event.kind,
        actor: event.actor.to_string(),
        app: event.app,
        environment: event.environment,
        subject: event.subject,
        detail: event.detail,
    }
}
