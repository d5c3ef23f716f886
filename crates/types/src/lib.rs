//! The words that every part of Solum shares: identifiers, names, the states of things with their
//! legal transitions, and the clock.
//!
//! What this crate is not: it performs no I/O, knows no async, and holds no wire or row format. Its
//! types serialise because they are journalled and sent inside our own process boundaries.
//!
//! The invariant: a value of a type in here is valid. Names, digests and identifiers can only be made
//! by parsing, and a state moves only along [`Transition`]s that its enum allows.

mod actor;
mod artifact;
mod change;
mod clock;
mod commit;
mod deployment;
mod digest;
mod id;
mod instance;
mod manifest;
mod name;
mod run;
mod secret;
mod setting_name;
mod stack;
mod transcript;
mod transition;

pub use actor::Actor;
pub use artifact::{Bundle, Layer, MediaType};
pub use change::ChangeState;
pub use clock::{Clock, ManualClock, SystemClock};
pub use commit::{CommitId, InvalidCommitId};
pub use deployment::{DeploymentState, FailedPhase};
pub use digest::{Digest, InvalidDigest};
pub use id::{
    AppId, ChangeId, ConfigRevisionId, DeploymentId, EnvironmentId, EventId, InstanceId, InvalidId,
    ReleaseId, RequestId, RunId, TokenId, UploadId,
};
pub use instance::InstanceState;
pub use manifest::{
    Approvals, Build, Environment, HealthCheck, Limits, Manifest, Process, Promote, Push, Strategy,
    Test,
};
pub use name::{AppName, EnvironmentName, HostName, InvalidName, ProcessType, VariableName};
pub use run::RunStatus;
pub use secret::Secret;
pub use setting_name::SettingName;
pub use stack::{Stack, StackMismatch};
pub use transcript::{NoTranscript, Transcript};
pub use transition::{IllegalTransition, Transition};

pub use jiff::Timestamp;
