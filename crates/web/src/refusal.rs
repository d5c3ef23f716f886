//! Which outcome is which answer.

use api::{ErrorCode, FieldError, Problem};
use axum::body::Body;
use axum::http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use axum::http::{Response, StatusCode};
use axum::response::IntoResponse;
use control::Error;

/// An error answer in the making: the request's id is added where it is known.
#[derive(Debug, Clone)]
pub(crate) struct Refusal(Box<Problem>);

/// What a handler ends with.
pub(crate) type Answer<T> = Result<T, Refusal>;

impl Refusal {
    pub(crate) fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        Self(Box::new(Problem::new(code, status(code).as_u16(), detail)))
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.0.hint = Some(hint.into());
        self
    }

    pub(crate) fn field(mut self, pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        self.0.errors.push(FieldError { pointer: pointer.into(), detail: detail.into() });
        self
    }

    /// Something that the user can do nothing about. What it was is in the log, under the request's id.
    pub(crate) fn internal() -> Self {
        Self::new(ErrorCode::Internal, "the server failed at this; its log says why")
    }

    /// For what could not be found, says what it was that was looked for.
    pub(crate) fn looking_for(code: ErrorCode) -> impl FnOnce(Error) -> Self {
        move |error| match error {
            Error::NotFound(what) => {
                let refusal = Self::new(code, format!("there is no {what}"));
                match code {
                    ErrorCode::RunNotFound => refusal.hint("`solum run list` shows the latest"),
                    ErrorCode::TokenNotFound => {
                        refusal.hint("`solum token list` shows those that there are")
                    }
                    _ => refusal,
                }
            }
            other => other.into(),
        }
    }

    pub(crate) fn into_problem(self) -> Problem {
        *self.0
    }

    /// The answer with its body, once the request's id is known.
    pub(crate) fn complete(mut problem: Problem, request_id: String) -> Response<Body> {
        problem.request_id = Some(request_id);
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() =
            StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(Problem::MEDIA_TYPE));
        if matches!(problem.status, 429 | 503) {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response<Body> {
        let status = StatusCode::from_u16(self.0.status);
        let mut response = Response::new(Body::empty());
        *response.status_mut() = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        response.extensions_mut().insert(*self.0);
        response
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        if let Error::Invalid { code, message, hint } = error {
            return invalid(code, message, hint);
        }
        let error = match error {
            error if error.is_storage_full() => {
                tracing::warn!(error = &error as &dyn std::error::Error, "the disk is full");
                Error::DiskFull
            }
            error => error,
        };
        let Some(code) = code(&error) else {
            let error: &dyn std::error::Error = &error;
            tracing::error!(error, "a use-case failed");
            return Self::internal();
        };
        let refusal = Self::new(code, error.to_string());
        match error.hint() {
            Some(hint) => refusal.hint(hint),
            None => refusal,
        }
    }
}

/// The code of what a user can do something about; `None` for what is ours.
fn code(error: &Error) -> Option<ErrorCode> {
    Some(match error {
        Error::NoApp(_) => ErrorCode::AppNotFound,
        Error::NoEnvironment { .. } => ErrorCode::EnvironmentNotFound,
        Error::NoRelease { .. } => ErrorCode::ReleaseNotFound,
        Error::NotFound(_) => ErrorCode::NotFound,
        Error::AppExists(_) => ErrorCode::AppExists,
        Error::HostTaken { .. } => ErrorCode::HostNameTaken,
        Error::AppNotReady { .. } => ErrorCode::AppNotReady,
        Error::NothingDeployed { .. } => ErrorCode::NothingDeployed,
        Error::NoWayBack { .. } => ErrorCode::NothingToRollBackTo,
        Error::ArtifactGone { .. } => ErrorCode::ArtifactGone,
        Error::Invalid { .. } => ErrorCode::InvalidRequest,
        Error::RunEnded(_) => ErrorCode::RunEnded,
        Error::CancelRequested => ErrorCode::CancelRequested,
        Error::TokenExists(_) => ErrorCode::TokenExists,
        Error::SecretKey(_) => ErrorCode::SecretKeyUnavailable,
        Error::DiskFull => ErrorCode::StorageFull,
        Error::MirrorAway(_) => ErrorCode::Unavailable,
        Error::UploadTooLarge { .. } => ErrorCode::PayloadTooLarge,
        Error::UploadCutOff(_) => ErrorCode::UploadCutOff,
        Error::Exec(_) | Error::Logs(_) | Error::Store(_) | Error::Source(_) | Error::Io { .. } => {
            return None;
        }
    })
}

/// What `control` found wrong with a value, under its own word.
fn invalid(word: &'static str, message: String, hint: Option<String>) -> Refusal {
    let known = word.parse::<ErrorCode>().unwrap_or(ErrorCode::InvalidRequest);
    let mut refusal = Refusal::new(known, message);
    if known.as_str() != word {
        word.clone_into(&mut refusal.0.code);
        refusal.0.type_uri = format!("urn:solum:problem:{word}");
    }
    refusal.0.hint = hint;
    refusal
}

const fn status(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::BadRequest
        | ErrorCode::InvalidCursor
        | ErrorCode::InvalidJson
        | ErrorCode::UploadCutOff => StatusCode::BAD_REQUEST,
        ErrorCode::Unauthenticated => StatusCode::UNAUTHORIZED,
        ErrorCode::ApprovalNotAllowed => StatusCode::FORBIDDEN,
        ErrorCode::AppNotFound
        | ErrorCode::EnvironmentNotFound
        | ErrorCode::JobNotFound
        | ErrorCode::NotFound
        | ErrorCode::ReleaseNotFound
        | ErrorCode::RouteNotFound
        | ErrorCode::RunNotFound
        | ErrorCode::SecretNotFound
        | ErrorCode::StepNotFound
        | ErrorCode::TokenNotFound
        | ErrorCode::UploadNotFound
        | ErrorCode::VariableNotFound
        | ErrorCode::WorkflowNotFound => StatusCode::NOT_FOUND,
        ErrorCode::LogsGone => StatusCode::GONE,
        ErrorCode::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        ErrorCode::AppExists
        | ErrorCode::AppNotReady
        | ErrorCode::ApprovalStale
        | ErrorCode::ApprovedAlready
        | ErrorCode::ArtifactGone
        | ErrorCode::CancelRequested
        | ErrorCode::CommitGone
        | ErrorCode::HostNameTaken
        | ErrorCode::IdempotencyInProgress
        | ErrorCode::IdempotencyNotKept
        | ErrorCode::NeverServed
        | ErrorCode::NothingDeployed
        | ErrorCode::NothingToApprove
        | ErrorCode::NothingToRetry
        | ErrorCode::NothingToRollBackTo
        | ErrorCode::AlreadyPromoted
        | ErrorCode::PromotionUnclear
        | ErrorCode::RunEnded
        | ErrorCode::RunNotEnded
        | ErrorCode::RunRetried
        | ErrorCode::TokenExists
        | ErrorCode::TooManyApprovals
        | ErrorCode::TooManyApps
        | ErrorCode::TooManySettings => StatusCode::CONFLICT,
        ErrorCode::PayloadTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ErrorCode::UnsupportedMediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ErrorCode::StorageFull => StatusCode::INSUFFICIENT_STORAGE,
        ErrorCode::SecretKeyUnavailable | ErrorCode::Timeout | ErrorCode::Unavailable => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        ErrorCode::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        // The rest is about a value that was given.
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_internal_is_not_told() {
        let error = Error::Io {
            doing: "write the administrator's token",
            source: std::io::Error::other("/srv/solum/admin.token"),
        };
        let problem = Refusal::from(error).into_problem();
        assert_eq!((problem.status, problem.code.as_str()), (500, "internal"));
        assert!(!problem.detail.contains("admin"), "{problem:?}");
    }

    #[test]
    fn a_full_disk_is_told_wherever_it_was_met() {
        let error =
            Error::Io { doing: "store the upload", source: std::io::ErrorKind::StorageFull.into() };
        let problem = Refusal::from(error).into_problem();
        assert_eq!((problem.status, problem.code.as_str()), (507, "storage_full"));
        assert!(problem.hint.is_some_and(|hint| hint.contains("solum exec")));
    }

    #[test]
    fn a_word_of_controls_is_the_code() {
        let error = Error::Invalid { code: "never_served", message: "m".into(), hint: None };
        let problem = Refusal::from(error).into_problem();
        assert_eq!((problem.status, problem.code.as_str()), (409, "never_served"));
        let error =
            Error::Invalid { code: "made_up_later", message: "m".into(), hint: Some("h".into()) };
        let problem = Refusal::from(error).into_problem();
        assert_eq!((problem.status, problem.code.as_str()), (422, "made_up_later"));
        assert_eq!(problem.type_uri, "urn:solum:problem:made_up_later");
        assert_eq!(problem.hint.as_deref(), Some("h"));
    }

    #[test]
    fn what_was_looked_for_gives_the_code() {
        let refusal =
            Refusal::looking_for(ErrorCode::RunNotFound)(Error::NotFound("run run_1".into()));
        let problem = refusal.into_problem();
        assert_eq!((problem.status, problem.code.as_str()), (404, "run_not_found"));
        assert_eq!(problem.detail, "there is no run run_1");
    }
}
