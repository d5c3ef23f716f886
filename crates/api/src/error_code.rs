//! The words that say what went wrong, for programs to decide by.

use std::fmt;
use std::str::FromStr;

/// Why a request was refused or failed. A code never changes its meaning; new ones are added.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorCode {
    AppExists,
    AppNotFound,
    AppNotReady,
    ArtifactNotFound,
    BadRequest,
    ConfigRequired,
    Conflict,
    EnvironmentNotFound,
    Forbidden,
    HostNameTaken,
    IdempotencyConflict,
    IdempotencyInProgress,
    Internal,
    InvalidArtifact,
    InvalidCursor,
    InvalidJson,
    InvalidRequest,
    MethodNotAllowed,
    NothingDeployed,
    NothingToRollBackTo,
    PayloadTooLarge,
    ProcessNotFound,
    QuotaExceeded,
    ReleaseNotFound,
    ReleaseNotKept,
    RouteNotFound,
    RunFinished,
    RunNotFound,
    StorageFull,
    Timeout,
    TokenInUse,
    TokenNotFound,
    TooManyRequests,
    Unauthenticated,
    Unavailable,
    UnsupportedMediaType,
    UploadNotFound,
}

/// A word that this version does not know as an error code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownErrorCode;

impl ErrorCode {
    pub const ALL: &'static [Self] = &[
        Self::AppExists,
        Self::AppNotFound,
        Self::AppNotReady,
        Self::ArtifactNotFound,
        Self::BadRequest,
        Self::ConfigRequired,
        Self::Conflict,
        Self::EnvironmentNotFound,
        Self::Forbidden,
        Self::HostNameTaken,
        Self::IdempotencyConflict,
        Self::IdempotencyInProgress,
        Self::Internal,
        Self::InvalidArtifact,
        Self::InvalidCursor,
        Self::InvalidJson,
        Self::InvalidRequest,
        Self::MethodNotAllowed,
        Self::NothingDeployed,
        Self::NothingToRollBackTo,
        Self::PayloadTooLarge,
        Self::ProcessNotFound,
        Self::QuotaExceeded,
        Self::ReleaseNotFound,
        Self::ReleaseNotKept,
        Self::RouteNotFound,
        Self::RunFinished,
        Self::RunNotFound,
        Self::StorageFull,
        Self::Timeout,
        Self::TokenInUse,
        Self::TokenNotFound,
        Self::TooManyRequests,
        Self::Unauthenticated,
        Self::Unavailable,
        Self::UnsupportedMediaType,
        Self::UploadNotFound,
    ];

    /// The word on the wire, and the title that goes with it.
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::AppExists => ("app_exists", "The app exists already"),
            Self::AppNotFound => ("app_not_found", "There is no such app"),
            Self::AppNotReady => ("app_not_ready", "The app is not ready"),
            Self::ArtifactNotFound => ("artifact_not_found", "There is no such artifact"),
            Self::BadRequest => ("bad_request", "The request is malformed"),
            Self::ConfigRequired => ("config_required", "Config that the app requires is missing"),
            Self::Conflict => ("conflict", "The request does not fit the present state"),
            Self::EnvironmentNotFound => ("environment_not_found", "There is no such environment"),
            Self::Forbidden => ("forbidden", "The token does not allow this"),
            Self::HostNameTaken => ("host_name_taken", "Another app has the host name"),
            Self::IdempotencyConflict => {
                ("idempotency_conflict", "The idempotency key belongs to another request")
            }
            Self::IdempotencyInProgress => {
                ("idempotency_in_progress", "The first request with this key is still under way")
            }
            Self::Internal => ("internal", "The server failed"),
            Self::InvalidArtifact => ("invalid_artifact", "The artifact cannot be used"),
            Self::InvalidCursor => ("invalid_cursor", "The cursor is not one of this list"),
            Self::InvalidJson => ("invalid_json", "The body is not valid JSON"),
            Self::InvalidRequest => ("invalid_request", "A value in the request is not valid"),
            Self::MethodNotAllowed => ("method_not_allowed", "The path has no such method"),
            Self::NothingDeployed => ("nothing_deployed", "Nothing is deployed yet"),
            Self::NothingToRollBackTo => {
                ("nothing_to_roll_back_to", "There is nothing to roll back to")
            }
            Self::PayloadTooLarge => ("payload_too_large", "The body is too large"),
            Self::ProcessNotFound => ("process_not_found", "There is no such process type"),
            Self::QuotaExceeded => ("quota_exceeded", "A quota is used up"),
            Self::ReleaseNotFound => ("release_not_found", "There is no such release"),
            Self::ReleaseNotKept => ("release_not_kept", "The release is no longer kept"),
            Self::RouteNotFound => ("route_not_found", "There is nothing at this path"),
            Self::RunFinished => ("run_finished", "The run has ended"),
            Self::RunNotFound => ("run_not_found", "There is no such run"),
            Self::StorageFull => ("storage_full", "The server's disk is nearly full"),
            Self::Timeout => ("timeout", "The request took too long"),
            Self::TokenInUse => ("token_in_use", "The token cannot be taken away"),
            Self::TokenNotFound => ("token_not_found", "There is no such token"),
            Self::TooManyRequests => ("too_many_requests", "Too many requests at once"),
            Self::Unauthenticated => ("unauthenticated", "No valid token was given"),
            Self::Unavailable => ("unavailable", "The server cannot do this now"),
            Self::UnsupportedMediaType => {
                ("unsupported_media_type", "The body is of an unknown media type")
            }
            Self::UploadNotFound => ("upload_not_found", "There is no such upload"),
        }
    }

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.words().0
    }

    /// The same sentence for every problem of this code.
    #[must_use]
    pub const fn title(self) -> &'static str {
        self.words().1
    }

    /// The URI that stands for the code as a problem's `type` (RFC 9457, section 3.1.1). It is a name, not an address.
    #[must_use]
    pub fn type_uri(self) -> String {
        format!("urn:solum:problem:{}", self.as_str())
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for ErrorCode {
    type Err = UnknownErrorCode;

    fn from_str(word: &str) -> Result<Self, UnknownErrorCode> {
        Self::ALL.iter().copied().find(|code| code.as_str() == word).ok_or(UnknownErrorCode)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_reads_back_from_its_word() {
        for code in ErrorCode::ALL {
            assert_eq!(code.as_str().parse(), Ok(*code));
        }
    }

    #[test]
    fn no_two_codes_share_a_word_or_a_title() {
        for (index, code) in ErrorCode::ALL.iter().enumerate() {
            for other in &ErrorCode::ALL[index + 1..] {
                assert_ne!(code.as_str(), other.as_str());
                assert_ne!(code.title(), other.title());
            }
        }
    }
}
