use workflow::{Failure, StepResult};

use crate::Error;
use crate::error::chain;

/// Why a step did not succeed.
#[derive(Debug)]
pub(crate) enum Problem {
    /// The run is to stop, and the step has taken back what it did.
    Cancelled,
    Failed(Failure),
}

impl Problem {
    /// It failed, and would fail again.
    pub(crate) fn failed(code: &str, message: impl Into<String>) -> Self {
        Self::Failed(Failure {
            code: code.to_owned(),
            message: message.into(),
            hint: None,
            retryable: false,
        })
    }

    /// It failed because of something around it.
    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::Failed(Failure {
            code: "internal".to_owned(),
            message: message.into(),
            hint: None,
            retryable: true,
        })
    }

    pub(crate) fn hint(mut self, text: impl Into<String>) -> Self {
        if let Self::Failed(failure) = &mut self {
            failure.hint = Some(text.into());
        }
        self
    }

    /// What the engine is told.
    pub(crate) fn into_result(self) -> StepResult {
        match self {
            Self::Cancelled => StepResult::cancelled(),
            Self::Failed(failure) => StepResult::failed(failure),
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        let hint = error.hint();
        let problem = Self::internal(chain(&error));
        match hint {
            Some(hint) => problem.hint(hint),
            None => problem,
        }
    }
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Self {
        Error::from(error).into()
    }
}
