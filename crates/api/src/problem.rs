//! How the API says that something went wrong: `application/problem+json` (RFC 9457).

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::ErrorCode;

/// An error answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Names the code as a URI; it is not an address.
    #[serde(rename = "type")]
    #[schema(example = "urn:solum:problem:app_not_found")]
    pub type_uri: String,
    /// The same for every problem of this code.
    #[schema(example = "There is no such app")]
    pub title: String,
    /// The HTTP status, repeated.
    #[schema(example = 404)]
    pub status: u16,
    /// What went wrong this time.
    #[schema(example = "there is no app `shpo`")]
    pub detail: String,
    /// For programs to decide by. It never changes its meaning.
    #[schema(example = "app_not_found")]
    pub code: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "`solum app list` shows the apps there are")]
    pub hint: Option<String>,
    /// The id of the request, as the server's log has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "req_01h2xcejqtf2nbrexx3vqjhp41")]
    pub request_id: Option<String>,
    /// Each value that is not valid.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}

/// One value in a request that is not valid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// Where it stands: a JSON pointer (RFC 6901) into the body, or `?name` for a query parameter.
    #[schema(example = "/set/LOG_LEVEL")]
    pub pointer: String,
    pub detail: String,
}

impl Problem {
    pub const MEDIA_TYPE: &'static str = "application/problem+json";

    #[must_use]
    pub fn new(code: ErrorCode, status: u16, detail: impl Into<String>) -> Self {
        Self {
            type_uri: code.type_uri(),
            title: code.title().to_owned(),
            status,
            detail: detail.into(),
            code: code.as_str().to_owned(),
            hint: None,
            request_id: None,
            errors: Vec::new(),
        }
    }

    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The code, if this version knows it.
    #[must_use]
    pub fn error_code(&self) -> Option<ErrorCode> {
        self.code.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_has_the_members_of_the_rfc_and_ours() {
        let problem = Problem::new(ErrorCode::AppNotFound, 404, "there is no app `shpo`")
            .with_hint("`solum app list` shows the apps there are");
        assert_eq!(
            serde_json::to_value(&problem).unwrap(),
            serde_json::json!({
                "type": "urn:solum:problem:app_not_found",
                "title": "There is no such app",
                "status": 404,
                "detail": "there is no app `shpo`",
                "code": "app_not_found",
                "hint": "`solum app list` shows the apps there are",
            })
        );
    }

    #[test]
    fn a_code_from_a_newer_server_is_kept_as_a_word() {
        let mut problem = Problem::new(ErrorCode::Internal, 500, "x");
        problem.code = "made_up_later".to_owned();
        assert_eq!(problem.error_code(), None);
        assert_eq!(problem.code, "made_up_later");
    }
}
