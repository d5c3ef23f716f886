use std::io;

use crate::Problem;

/// Why there is no answer, or not the one that was asked for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server says what is wrong.
    #[error("{}", .0.detail)]
    Problem(Box<Problem>),
    /// Nothing answers at the address.
    #[error("cannot reach the server at {server}")]
    Unreachable {
        server: String,
        #[source]
        source: io::Error,
    },
    /// Something else than a Solum server answered, or something in front of one.
    #[error("{server} answered with status {status}, and not as a Solum server does{}", shown(.body))]
    NotSolum {
        server: String,
        status: u16,
        /// The beginning of what it said.
        body: String,
    },
    /// The answer is not what this version expects.
    #[error("the answer of {server} cannot be read")]
    Unreadable {
        server: String,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The connection broke, or the server fell silent, in the middle of an answer.
    #[error("the connection to {server} was lost")]
    Lost {
        server: String,
        #[source]
        source: io::Error,
    },
    /// What was to be sent could not be read.
    #[error("the file to be uploaded cannot be read")]
    Input(#[source] io::Error),
}

fn shown(body: &str) -> String {
    if body.is_empty() { String::new() } else { format!(": {body}") }
}

impl Error {
    /// Whether asking again later may bring the answer.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Unreachable { source, .. } => source.kind() != io::ErrorKind::NotFound,
            Self::Lost { .. } => true,
            Self::Problem(problem) => matches!(problem.status, 429 | 503),
            Self::NotSolum { status, .. } => matches!(status, 502..=504),
            Self::Unreadable { .. } | Self::Input(_) => false,
        }
    }
}
