//! What Solum does: use-cases, the steps of delivery, and the reconcilers that keep what runs equal
//! to what was asked for. The only crate that knows git, builds, targets and the router together.
//!
//! What it is not: it holds no SQL (`store`), speaks no HTTP (`web`), and makes no box, layer or route itself.
//!
//! The invariant: whatever was promised to a user is in the store before anybody is told, and everything
//! in here can be killed at any moment. Runs go on from their journal (`engine`); deployments,
//! instances and routes go on from their rows (`reconcile`).

pub mod actions;
pub mod rehearsal;

mod approvals;
mod apps;
mod config;
mod control;
mod deployments;
mod dispatches;
mod engine;
mod environments;
mod error;
mod events;
mod executions;
mod gates;
mod idempotency;
mod instances;
mod jobs;
mod landing;
mod logs;
mod metrics;
mod mirrored_actions;
mod promotions;
mod pushes;
mod reconcile;
mod releases;
mod retries;
mod rollbacks;
mod run_artifacts;
mod run_contexts;
mod run_logs;
mod runs;
mod sandbox;
mod secret_keys;
mod secrets;
mod sent_workflows;
mod setting_scopes;
mod settings;
mod steps;
#[cfg(test)]
mod testbed;
mod text;
mod tokens;
mod transcripts;
mod triggers;
mod under_way;
mod uploads;
mod variables;
mod workflow_files;
mod workflow_plans;
mod workflows;

pub use actions::artifacts::Artifact as RunArtifact;
pub use approvals::{Decided, Standing, WaitView, Word};
pub use config::ConfigView;
pub use control::{Control, StartError, stop_everything};
pub use deployments::DeployRequest;
pub use dispatches::DispatchRequest;
pub use environments::{EnvironmentView, ProcessView, explain as explain_setback};
pub use error::Error;
pub use instances::InstanceView;
pub use logs::{AppLogs, LogEntry, LogQuery};
pub use metrics::Metrics;
pub use promotions::PromotionRequest;
pub use rollbacks::RollbackRequest;
pub use run_logs::{LogPlace, StepLog, StepLogQuery};
pub use runs::{JobView, RunView, StepView};
pub use secret_keys::SecretKeyError;
pub use secrets::SecretView;
pub use sent_workflows::{CheckedWorkflow, Looked, SentFiles};
pub use setting_scopes::{MAX_SETTING_BYTES, ScopeName};
pub use settings::{Isolation, Limits, Settings};
pub use tokens::{Identity, NewToken};
pub use transcripts::Follower;
pub use workflow_files::{CommitWorkflows, WORKFLOW_FOLDER, WorkflowFile};
pub use workflow_plans::{PlannedEvent, PlannedJob, Verdict, WorkflowPlan};
pub use workflows::BuiltInWorkflow;

// What use-cases hand out as others have it.
pub use deploy::steps::StepKey;
pub use deploy::{Exit, LogPosition, Observation, Output, OutputStream};
pub use router::{Histogram, ReleaseMetrics};
pub use source::{Body as GitBody, MirrorBase};
pub use store::{
    App, AppState, Change, ConfigRevision, Deployment, Environment, Event, Phase, Release,
    Remembered, Run, Service, StoredAnswer, Token, Upload, UploadState, Variable,
};
pub use workflow::Decision;
pub use workflow::language::{Input as WorkflowInput, InputType as WorkflowInputType, Mistake};
