use api::instances::{Instance, InstanceStatus};
use api::{Page, ReleaseVersion, paths};
use axum::extract::State;
use control::{Control, InstanceView, Observation};
use serde::Deserialize;
use types::{AppName, EnvironmentName, InstanceState};
use utoipa::IntoParams;

use crate::cursor::Paging;
use crate::extract::{Json, Path, Query};
use crate::refusal::Answer;

#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    /// Of this environment only.
    #[param(value_type = Option<String>)]
    environment: Option<EnvironmentName>,
    /// How many items; 50 if not said.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// The `next_cursor` of the part before.
    cursor: Option<String>,
}

/// List an app's instances
#[utoipa::path(get, path = paths::INSTANCES, operation_id = "list_instances", tag = "instances", params(Which),
    responses((status = 200, description = "A part of the list.", body = Page<Instance>)))]
pub(crate) async fn list(
    State(control): State<Control>,
    Path(app): Path<AppName>,
    Query(which): Query<Which>,
) -> Answer<Json<Page<Instance>>> {
    let mut views = control.instances(&app, which.environment.as_ref()).await?;
    views.sort_by_key(|view| view.instance.id);
    let instances = views.into_iter().map(|view| wire(&app, view)).collect();
    let paging = Paging { limit: which.limit, cursor: which.cursor };
    Ok(Json(paging.part_of_all(instances, |instance: &Instance| instance.id)?))
}

fn wire(app: &AppName, view: InstanceView) -> Instance {
    let InstanceView { environment, instance, release, seen, setback } = view;
    let (status, detail) = match &setback {
        Some(setback) => (InstanceStatus::Restarting, Some(control::explain_setback(setback))),
        None => status(instance.state, instance.down.as_deref(), &seen),
    };
    let (pid, restarts, started_at) = match seen {
        Observation::Running { pid, since, restarts, .. } => (Some(pid), restarts, Some(since)),
        Observation::BackingOff { restarts, .. } => (None, restarts, None),
        _ => (None, 0, None),
    };
    Instance {
        id: instance.id,
        name: format!("{}.{}", instance.process, instance.ordinal),
        app: app.clone(),
        environment,
        process: instance.process,
        release: ReleaseVersion::new(release.number),
        status,
        detail,
        restarts,
        pid,
        address: instance.address.map(|address| address.to_string()),
        started_at,
    }
}

/// What it is meant to be doing, unless it is seen to be doing something else.
fn status(
    meant: InstanceState,
    down: Option<&str>,
    seen: &Observation,
) -> (InstanceStatus, Option<String>) {
    match (meant, seen) {
        (InstanceState::Stopped, _) => (InstanceStatus::Stopped, None),
        (InstanceState::Stopping, _) => (InstanceStatus::Stopping, None),
        (_, Observation::BackingOff { until, last, .. }) => {
            (InstanceStatus::Restarting, Some(format!("it {last}; starts again at {until:.0}")))
        }
        (_, Observation::Exited { exit, at }) => {
            (InstanceStatus::Exited, Some(format!("it {exit} at {at:.0}")))
        }
        (InstanceState::Starting, _) => (InstanceStatus::Starting, None),
        (_, Observation::Absent) => {
            (InstanceStatus::Lost, Some("nothing of it is left on the machine".to_owned()))
        }
        (InstanceState::Draining, _) => (InstanceStatus::Draining, None),
        (InstanceState::Serving, Observation::Starting) => (InstanceStatus::Starting, None),
        (InstanceState::Serving, Observation::Running { .. }) => match down {
            Some(why) => (InstanceStatus::Starting, Some(format!("it gets no requests: {why}"))),
            None => (InstanceStatus::Running, None),
        },
    }
}

#[cfg(test)]
mod tests {
    use control::Exit;

    use super::*;

    #[test]
    fn what_is_seen_counts_more_than_what_is_meant() {
        let at = types::Timestamp::UNIX_EPOCH;
        let running = Observation::Running { pid: 1, since: at, restarts: 0, address: None };
        let backing_off = Observation::BackingOff { restarts: 2, until: at, last: Exit::Code(3) };
        let unfit = status(InstanceState::Serving, Some("no answer"), &running);
        assert_eq!(
            unfit,
            (InstanceStatus::Starting, Some("it gets no requests: no answer".into()))
        );
        let status = |meant, seen| status(meant, None, seen);
        assert_eq!(status(InstanceState::Serving, &running).0, InstanceStatus::Running);
        assert_eq!(status(InstanceState::Draining, &running).0, InstanceStatus::Draining);
        assert_eq!(status(InstanceState::Serving, &Observation::Absent).0, InstanceStatus::Lost);
        let (restarting, detail) = status(InstanceState::Serving, &backing_off);
        assert_eq!(restarting, InstanceStatus::Restarting);
        let expected = "it exited with status 3; starts again at 1970-01-01T00:00:00Z";
        assert_eq!(detail.unwrap(), expected);
    }
}
