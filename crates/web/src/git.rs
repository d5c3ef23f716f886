//! Git's smart HTTP under `/APP.git/…`, and what is at no path at all.

use api::ErrorCode;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use control::Control;
use types::AppName;

use crate::authentication;
use crate::refusal::Refusal;

pub(crate) async fn serve(State(control): State<Control>, request: Request) -> Response {
    let path = request.uri().path().to_owned();
    let Some((app, path)) = split(&path) else {
        return Refusal::new(ErrorCode::RouteNotFound, format!("there is nothing at {path}"))
            .hint("/api/v1/openapi.json says what there is")
            .into_response();
    };
    match authentication::of_git(&control, request.headers()).await {
        Ok(actor) => control.git(request, &app, path, &actor).await.map(Body::new),
        Err(response) => response,
    }
}

/// The app, and what follows its repository's name.
fn split(path: &str) -> Option<(AppName, &str)> {
    let (name, rest) = path.strip_prefix('/')?.split_once(".git/")?;
    Some((name.parse().ok()?, &path[path.len() - rest.len() - 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_told_apart_from_other_paths() {
        let (app, path) = split("/shop.git/info/refs").unwrap();
        assert_eq!((app.as_str(), path), ("shop", "/info/refs"));
        for other in ["/", "/shop", "/shop.git", "/a/b.git/info/refs", "/Shop.git/x", "/.git/x"] {
            assert!(split(other).is_none(), "{other}");
        }
    }
}
