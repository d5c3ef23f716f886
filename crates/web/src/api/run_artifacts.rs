use api::paths;
use api::run_artifacts::RunArtifact;
use axum::body::Body;
use axum::extract::State;
use axum::http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use control::Control;
use tokio_util::io::ReaderStream;
use types::RunId;

use super::runs::missing;
use crate::extract::{Json, Path};
use crate::refusal::Answer;

/// List what a run's workflow keeps
#[utoipa::path(get, path = paths::RUN_ARTIFACTS, operation_id = "list_run_artifacts", tag = "runs",
    responses((status = 200, description = "By name.", body = Vec<RunArtifact>)))]
pub(crate) async fn list(
    State(control): State<Control>,
    Path(run): Path<RunId>,
) -> Answer<Json<Vec<RunArtifact>>> {
    let artifacts = control.run_artifacts(run).await.map_err(missing())?;
    let wire = |it: control::RunArtifact| RunArtifact {
        name: it.name,
        files: it.files,
        bytes: it.bytes,
        created_at: it.created_at,
        expires_at: it.expires_at,
    };
    Ok(Json(artifacts.into_iter().map(wire).collect()))
}

/// Read what a run's workflow keeps under a name
#[utoipa::path(get, path = paths::RUN_ARTIFACT, operation_id = "read_run_artifact", tag = "runs",
    responses((status = 200, description = "Its files, packed.", body = Vec<u8>, content_type = "application/gzip")))]
pub(crate) async fn read(
    State(control): State<Control>,
    Path((run, name)): Path<(RunId, String)>,
) -> Answer<Response> {
    let (file, length) = control.run_artifact(run, name).await?;
    let body = Body::from_stream(ReaderStream::new(tokio::fs::File::from_std(file)));
    let headers = [
        (CONTENT_TYPE, "application/gzip".to_owned()),
        (CONTENT_LENGTH, length.to_string()),
        (CONTENT_DISPOSITION, "attachment; filename=\"artifact.tar.gz\"".to_owned()),
    ];
    Ok((headers, body).into_response())
}
