//! How a command fails, and how that is shown: what failed and why, then what to do.

use std::fmt::Write as _;
use std::io::{self, IsTerminal as _};
use std::process::ExitCode;

use api::client::Error;

use super::output;

#[derive(Debug)]
pub(crate) enum Failure {
    /// The command cannot be meant as it was given.
    Usage(Message),
    /// It was tried, and failed.
    Failed(Message),
    /// What was run for the user ended so: with this exit status, which becomes that of the command.
    Ended(Message, u8),
    /// Whoever read the output has enough (`solum logs | head`).
    OutputClosed,
}

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Message {
    what: String,
    hints: Vec<String>,
}

impl Failure {
    pub(crate) fn usage(what: impl Into<String>) -> Self {
        Self::Usage(Message { what: what.into(), hints: Vec::new() })
    }

    pub(crate) fn failed(what: impl Into<String>) -> Self {
        Self::Failed(Message { what: what.into(), hints: Vec::new() })
    }

    /// What failed, and the error that says why.
    pub(crate) fn because(what: impl Into<String>, error: &dyn std::error::Error) -> Self {
        Self::failed(format!("{}: {}", what.into(), chain(error)))
    }

    /// A command of the user's that was run, and its exit status.
    pub(crate) fn ended(what: impl Into<String>, status: u8) -> Self {
        Self::Ended(Message { what: what.into(), hints: Vec::new() }, status)
    }

    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        if let Self::Usage(message) | Self::Failed(message) | Self::Ended(message, _) = &mut self {
            message.hints.push(hint.into());
        }
        self
    }

    /// Output that cannot be written.
    pub(crate) fn output(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::OutputClosed,
            _ => Self::because("cannot write to stdout", error),
        }
    }

    /// Tells it on stderr.
    pub(crate) fn report(&self) -> ExitCode {
        let (message, status) = match self {
            Self::OutputClosed => return ExitCode::SUCCESS,
            Self::Failed(message) => (message, 1),
            Self::Usage(message) => (message, 2),
            Self::Ended(message, status) => (message, *status),
        };
        output::say(&message.render(output::colours(io::stderr().is_terminal())));
        ExitCode::from(status)
    }
}

impl Message {
    fn render(&self, colours: bool) -> String {
        let (red, cyan, reset) =
            if colours { ("\x1b[1;31m", "\x1b[36m", "\x1b[0m") } else { ("", "", "") };
        let mut text = format!("{red}error:{reset} {}", self.what);
        for hint in &self.hints {
            let _ = write!(text, "\n{cyan}hint:{reset} {hint}");
        }
        text
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match &error {
            Error::Problem(problem) => {
                let mut what = problem.detail.clone();
                for field in &problem.errors {
                    let _ = write!(what, "\n  {}: {}", field.pointer, field.detail);
                }
                if let (500.., Some(id)) = (problem.status, &problem.request_id) {
                    let _ = write!(what, " (request {id})");
                }
                let failure = Self::failed(what);
                match &problem.hint {
                    Some(hint) => failure.hint(hint),
                    None => failure,
                }
            }
            Error::Unreachable { .. } => Self::failed(chain(&error)).hint(
                "`solum server` starts a server; SOLUM_URL, or else what `solum login` stored, says which one is asked",
            ),
            Error::NotSolum { .. } => {
                Self::failed(chain(&error)).hint("is that the address of a Solum server?")
            }
            Error::Lost { .. } => Self::failed(chain(&error))
                .hint("what was asked for may have been done: look before you ask for it again"),
            Error::Unreadable { .. } => Self::failed(chain(&error))
                .hint("does the server have the same version? `solum --version` tells this program's"),
            Error::Input(_) => Self::failed(chain(&error)),
        }
    }
}

/// An error and all that caused it, in one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let _ = write!(text, ": {cause}");
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use api::{ErrorCode, FieldError, Problem};

    use super::*;

    fn shown(failure: &Failure) -> String {
        match failure {
            Failure::Usage(message) | Failure::Failed(message) | Failure::Ended(message, _) => {
                message.render(false)
            }
            Failure::OutputClosed => String::new(),
        }
    }

    #[test]
    fn a_problem_is_shown_with_its_fields_and_its_hint() {
        let mut problem = Problem::new(ErrorCode::InvalidRequest, 422, "the request is not valid")
            .with_hint("mend it");
        problem.errors.push(FieldError { pointer: "/name".into(), detail: "is empty".into() });
        problem.request_id = Some("req_1".into());
        assert_eq!(
            shown(&Error::Problem(Box::new(problem)).into()),
            "error: the request is not valid\n  /name: is empty\nhint: mend it"
        );
    }

    #[test]
    fn a_failure_of_the_server_names_the_request() {
        let mut problem = Problem::new(ErrorCode::Internal, 500, "the server failed");
        problem.request_id = Some("req_1".into());
        assert_eq!(
            shown(&Error::Problem(Box::new(problem)).into()),
            "error: the server failed (request req_1)"
        );
    }

    #[test]
    fn a_server_that_is_not_there_is_said_with_its_cause() {
        let source = io::Error::from(io::ErrorKind::ConnectionRefused);
        let error = Error::Unreachable { server: "http://127.0.0.1:1".into(), source };
        assert!(shown(&error.into()).starts_with(
            "error: cannot reach the server at http://127.0.0.1:1: connection refused\nhint: "
        ));
    }
}
