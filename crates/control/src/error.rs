use crate::secret_keys::SecretKeyError;
use types::{AppName, EnvironmentName, HostName, RunStatus};

/// Why a use-case was not carried out. Each variant is something else for the caller to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("there is no app `{0}`")]
    NoApp(AppName),
    #[error("app `{app}` has no environment `{environment}`")]
    NoEnvironment { app: AppName, environment: EnvironmentName },
    #[error("app `{app}` has no release {release}")]
    NoRelease { app: AppName, release: String },
    #[error("there is no {0}")]
    NotFound(String),
    #[error("there is an app `{0}` already")]
    AppExists(AppName),
    #[error("the host name {host} belongs to environment `{environment}` of app `{app}` already")]
    HostTaken { host: HostName, app: AppName, environment: EnvironmentName },
    #[error("app `{app}` is {state}")]
    AppNotReady { app: AppName, state: &'static str },
    #[error("nothing is deployed to {environment} of {app} yet")]
    NothingDeployed { app: AppName, environment: EnvironmentName },
    #[error("there is nothing before {current} in {environment} to go back to")]
    NoWayBack { app: AppName, environment: EnvironmentName, current: String },
    #[error(
        "the artifact of {release} is gone: it was outside the rollback window and has been collected"
    )]
    ArtifactGone { release: String },
    #[error("{message}")]
    Invalid {
        /// One stable word.
        code: &'static str,
        message: String,
        hint: Option<String>,
    },
    #[error("the run has {0} already")]
    RunEnded(RunStatus),
    #[error("the run is being cancelled already")]
    CancelRequested,
    #[error("a token with the name `{0}` is in use")]
    TokenExists(String),
    #[error(transparent)]
    SecretKey(#[from] SecretKeyError),
    #[error("the mirror of actions cannot be asked: {0}")]
    MirrorAway(String),
    #[error("the server's disk is nearly full")]
    DiskFull,
    #[error("the upload is larger than the {limit_bytes} bytes that are allowed")]
    UploadTooLarge { limit_bytes: u64 },
    #[error("the upload was cut off")]
    UploadCutOff(#[source] std::io::Error),
    #[error("the command cannot be run in a box like the app's")]
    Exec(#[source] deploy::Error),
    #[error("the logs cannot be read")]
    Logs(#[source] deploy::Error),
    #[error("the database did not do what it was asked")]
    Store(#[source] store::Error),
    #[error("the repository did not do what it was asked")]
    Source(#[from] source::Error),
    #[error("cannot {doing}")]
    Io {
        doing: &'static str,
        #[source]
        source: std::io::Error,
    },
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::NotFound { what } => Self::NotFound(what),
            store::Error::Full(_) => Self::DiskFull,
            other => Self::Store(other),
        }
    }
}

impl Error {
    pub(crate) fn io(doing: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { doing, source }
    }

    /// Whether it failed because something found no room on the disk.
    #[must_use]
    pub fn is_storage_full(&self) -> bool {
        matches!(self, Self::DiskFull) || found_no_room(self)
    }

    /// What to do about it, where that is not plain from the message.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoApp(name) => {
                format!("make it with `solum app create {name}`, or look at `solum app list`")
            }
            Self::NoEnvironment { app, .. } => {
                format!("`solum env list {app}` shows those that there are")
            }
            Self::NoRelease { app, .. } => {
                format!("`solum release list {app}` shows those that there are")
            }
            Self::AppExists(_) => {
                "choose another name, or push to the one that is there".to_owned()
            }
            Self::HostTaken { .. } => "choose another name for the app".to_owned(),
            Self::NothingDeployed { .. } => "push the app first: `git push solum main`".to_owned(),
            Self::NoWayBack { app, environment, .. } => format!(
                "`--to vN` goes to any release that served; `solum env show {app} {environment}` shows them"
            ),
            Self::SecretKey(error) => error.hint().to_owned(),
            Self::MirrorAway(_) => {
                "try again when it is there; the mirror is one of the server's administrator"
                    .to_owned()
            }
            Self::DiskFull => {
                "free some space on the server and try again; an app's own files go with \
                               `solum exec APP -- rm /data/FILE`"
                    .to_owned()
            }
            Self::TokenExists(_) => {
                "choose another name, or revoke the one that is there".to_owned()
            }
            Self::Invalid { hint, .. } => return hint.clone(),
            _ => return None,
        })
    }
}

/// Whether any of the causes is the system's word for a full disk, or a full quota.
pub(crate) fn found_no_room(error: &(dyn std::error::Error + 'static)) -> bool {
    use std::io::ErrorKind::{QuotaExceeded, StorageFull};
    std::iter::successors(Some(error), |error| error.source()).any(|cause| {
        let cause = cause.downcast_ref::<std::io::Error>();
        cause.is_some_and(|cause| matches!(cause.kind(), StorageFull | QuotaExceeded))
    })
}

/// An error with everything that caused it, for a log line or a failure's message.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_known_below_whatever_it_ended() {
        let full = || std::io::Error::from(std::io::ErrorKind::StorageFull);
        assert!(Error::io("store the upload")(full()).is_storage_full());
        let below = deploy::Error::Start(deploy::StartError::Io {
            action: "write",
            path: "/x".into(),
            source: full(),
        });
        assert!(Error::Exec(below).is_storage_full());
        let other = std::io::Error::from(std::io::ErrorKind::NotFound);
        assert!(!Error::io("store the upload")(other).is_storage_full());
    }
}
