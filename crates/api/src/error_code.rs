//! The words that say what went wrong, for programs to decide by.

use std::fmt;
use std::str::FromStr;

macro_rules! codes {
    ($($code:ident = $word:literal, $title:literal;)+) => {
        /// Why a request was refused or failed. A code never changes its meaning; new ones are added.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorCode {
            $(#[doc = $title] $code,)+
        }

        impl ErrorCode {
            pub const ALL: &'static [Self] = &[$(Self::$code),+];

            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$code => $word),+ }
            }

            /// The same sentence for every problem of this code.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$code => $title),+ }
            }
        }
    };
}

codes! {
    AlreadyPromoted = "already_promoted", "The release serves there already";
    AppExists = "app_exists", "The app exists already";
    AppNotFound = "app_not_found", "There is no such app";
    AppNotReady = "app_not_ready", "The app takes no work now";
    ApprovalNotAllowed = "approval_not_allowed", "Somebody else has to decide this";
    ApprovalStale = "approval_stale", "It has been decided already";
    ApprovedAlready = "approved_already", "You have approved this already";
    ArtifactGone = "artifact_gone", "The artifact is not kept any more";
    BadRequest = "bad_request", "The request is malformed";
    CancelRequested = "cancel_requested", "The run is being cancelled already";
    CommitGone = "commit_gone", "The commit is not kept any more";
    ConfigTooLarge = "config_too_large", "All variables together are too large";
    EnvironmentNotFound = "environment_not_found", "There is no such environment";
    HostNameInvalid = "host_name_invalid", "The host name would not be valid";
    HostNameTaken = "host_name_taken", "Another app has the host name";
    IdempotencyConflict = "idempotency_conflict", "The idempotency key belongs to another request";
    IdempotencyInProgress = "idempotency_in_progress", "The first request with this key is still under way";
    IdempotencyNotKept = "idempotency_not_kept", "The answer to the first request with this key is not kept";
    Internal = "internal", "The server failed";
    InvalidBranch = "invalid_branch", "The name of the branch is not valid";
    InvalidCursor = "invalid_cursor", "The cursor is not one of this list";
    InvalidInputs = "invalid_inputs", "The inputs are not those of the workflow";
    InvalidJson = "invalid_json", "The body is not valid JSON";
    InvalidRequest = "invalid_request", "A value in the request is not valid";
    InvalidTokenName = "invalid_token_name", "The name of the token is not valid";
    InvalidValue = "invalid_value", "The value of a variable is not valid";
    JobNotFound = "job_not_found", "The run has no such job";
    LogsGone = "logs_gone", "The logs are not kept any more";
    MethodNotAllowed = "method_not_allowed", "The path has no such method";
    NeverServed = "never_served", "The release never served there";
    NoCommand = "no_command", "There is no command to run";
    NoSuchReference = "no_such_reference", "There is no such branch or tag";
    NotFound = "not_found", "It is not there";
    NothingDeployed = "nothing_deployed", "Nothing is deployed yet";
    NothingToApprove = "nothing_to_approve", "The run waits for nobody";
    NothingToRetry = "nothing_to_retry", "There is nothing to try again";
    NothingToRollBackTo = "nothing_to_roll_back_to", "There is nothing to roll back to";
    PayloadTooLarge = "payload_too_large", "The body is too large";
    PromotionUnclear = "promotion_unclear", "It is not clear what is to be promoted where";
    ReleaseNotFound = "release_not_found", "There is no such release";
    ReservedVariable = "reserved_variable", "The variable is set by Solum";
    RouteNotFound = "route_not_found", "There is nothing at this path";
    RunEnded = "run_ended", "The run has ended";
    RunNotEnded = "run_not_ended", "The run has not ended";
    RunNotFound = "run_not_found", "There is no such run";
    RunRetried = "run_retried", "The run was tried again already";
    ScaleTooLarge = "scale_too_large", "Too many instances";
    SecretKeyUnavailable = "secret_key_unavailable", "The key of the secrets cannot be used";
    SecretNotFound = "secret_not_found", "There is no such secret";
    StepNotFound = "step_not_found", "The run has no such step";
    StorageFull = "storage_full", "The server's disk is nearly full";
    Timeout = "timeout", "The request took too long";
    TokenExists = "token_exists", "A token has the name already";
    TokenNotFound = "token_not_found", "There is no such token";
    TooManyApprovals = "too_many_approvals", "Too many decisions came too early";
    TooManyApps = "too_many_apps", "The server takes no more apps";
    TooManySettings = "too_many_settings", "There are too many secrets or variables";
    Unauthenticated = "unauthenticated", "No valid token was given";
    Unavailable = "unavailable", "The server cannot do this now";
    UnknownProcess = "unknown_process", "The app has no such process";
    UnsupportedMediaType = "unsupported_media_type", "The body is of another media type";
    UploadCutOff = "upload_cut_off", "The upload was cut off";
    UploadNotFound = "upload_not_found", "There is no such upload";
    ValueTooLarge = "value_too_large", "The value is too large";
    VariableNotFound = "variable_not_found", "There is no such variable";
    WorkflowInvalid = "workflow_invalid", "The workflow has mistakes";
    WorkflowNotDispatchable = "workflow_not_dispatchable", "The workflow is not started by hand";
    WorkflowNotFound = "workflow_not_found", "There is no such workflow";
}

/// A word that this version does not know as an error code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownErrorCode;

impl ErrorCode {
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
