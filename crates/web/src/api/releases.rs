use api::releases::{Release, ReleaseVersion};
use api::{Page, paths};
use axum::extract::State;
use control::{Control, Service};
use types::AppName;

use crate::cursor::Paging;
use crate::extract::{Json, Path, Query};
use crate::refusal::Answer;

/// List an app's releases, newest first
#[utoipa::path(get, path = paths::RELEASES, operation_id = "list_releases", tag = "releases", params(Paging),
    responses((status = 200, description = "A part of the list.", body = Page<Release>)))]
pub(crate) async fn list(
    State(control): State<Control>,
    Path(app): Path<AppName>,
    Query(paging): Query<Paging>,
) -> Answer<Json<Page<Release>>> {
    let before = paging.after::<ReleaseVersion>()?.map(ReleaseVersion::number);
    let releases = control.releases(&app, before, paging.limit()? + 1).await?;
    let services = control.services(&app, &releases).await?;
    let releases = releases.into_iter().map(|release| wire(release, &services)).collect();
    Ok(Json(paging.part(releases, |release: &Release| release.version)?))
}

/// Show a release
#[utoipa::path(get, path = paths::RELEASE, operation_id = "show_release", tag = "releases",
    responses((status = 200, description = "The release.", body = Release)))]
pub(crate) async fn show(
    State(control): State<Control>,
    Path((app, version)): Path<(AppName, ReleaseVersion)>,
) -> Answer<Json<Release>> {
    let release = control.release(&app, version.number()).await?;
    let services = control.services(&app, std::slice::from_ref(&release)).await?;
    Ok(Json(wire(release, &services)))
}

fn wire(release: control::Release, services: &[Service]) -> Release {
    let own = || services.iter().filter(|service| service.release == release.number);
    let live_in = own().filter(|service| service.is_live);
    Release {
        live_in: live_in.map(|service| service.environment.clone()).collect(),
        has_served: own().next().is_some(),
        version: ReleaseVersion::new(release.number),
        artifact: release.artifact,
        commit: release.commit,
        run_id: release.run,
        created_at: release.created_at,
        created_by: release.created_by.to_string(),
        description: release.description,
    }
}
