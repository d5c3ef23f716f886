//! Where a run stands: what its journal adds up to.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use types::{Actor, RunStatus};

use crate::definition::{Definition, Job, Step};
use crate::input::Failure;
use crate::record::{Conclusion, Record};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    pub status: RunStatus,
    pub cancel_requested_by: Option<Actor>,
    /// Set for a run that was refused before it started.
    pub refusal: Option<Failure>,
    /// As in the definition, one for one.
    pub jobs: Vec<JobState>,
    #[serde(skip)]
    definition: Option<Arc<Definition>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobState {
    pub phase: JobPhase,
    /// As in the definition, one for one.
    pub steps: Vec<StepState>,
    pub outputs: BTreeMap<String, String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobPhase {
    Pending,
    Running,
    Skipped { why: String },
    Done { conclusion: Conclusion },
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct StepState {
    /// 0 before the first.
    pub attempt: u32,
    pub phase: StepPhase,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepPhase {
    #[default]
    Pending,
    Running,
    BackingOff {
        until: Timestamp,
    },
    Succeeded {
        outputs: BTreeMap<String, String>,
    },
    Failed {
        failure: Failure,
    },
    Cancelled,
}

impl State {
    /// A run that has not started.
    #[must_use]
    pub fn new(definition: Arc<Definition>) -> Self {
        let jobs = definition
            .jobs
            .iter()
            .map(|job| JobState {
                phase: JobPhase::Pending,
                steps: vec![StepState::default(); job.steps.len()],
                outputs: BTreeMap::new(),
            })
            .collect();
        Self {
            status: RunStatus::Queued,
            cancel_requested_by: None,
            refusal: None,
            jobs,
            definition: Some(definition),
        }
    }

    /// Gives a state that was read from a snapshot the definition that it belongs to.
    #[must_use]
    pub fn with_definition(mut self, definition: Arc<Definition>) -> Self {
        self.definition = Some(definition);
        self
    }

    #[must_use]
    pub fn definition(&self) -> &Definition {
        self.definition
            .as_deref()
            .expect("a state is made with its definition or given it when read")
    }

    #[must_use]
    pub fn job_definition(&self, job: &str) -> Option<&Job> {
        self.definition().jobs.iter().find(|candidate| candidate.key == job)
    }

    #[must_use]
    pub fn step_definition(&self, job: &str, step: &str) -> Option<&Step> {
        self.job_definition(job)?.steps.iter().find(|candidate| candidate.key == step)
    }

    /// The job's definition beside its state.
    #[must_use]
    pub fn job(&self, job: &str) -> Option<(&Job, &JobState)> {
        let index = self.definition().jobs.iter().position(|candidate| candidate.key == job)?;
        Some((&self.definition().jobs[index], &self.jobs[index]))
    }

    /// Every job's definition beside its state.
    pub fn jobs(&self) -> impl Iterator<Item = (&Job, &JobState)> {
        self.definition().jobs.iter().zip(&self.jobs)
    }

    /// Takes one record in. A record that does not fit (a job or step that the definition lacks)
    /// changes nothing: `decide` never makes one.
    pub fn apply(&mut self, record: &Record) {
        match record {
            Record::Started => self.status = RunStatus::Running,
            Record::CancelRequested { by } => self.cancel_requested_by = Some(by.clone()),
            Record::Refused { failure } => self.refusal = Some(failure.clone()),
            Record::Finished { status } => self.status = *status,
            Record::JobStarted { job } => self.with_job(job, |job| job.phase = JobPhase::Running),
            Record::JobSkipped { job, why } => {
                self.with_job(job, |job| job.phase = JobPhase::Skipped { why: why.clone() });
            }
            Record::JobFinished { job, conclusion, outputs } => self.with_job(job, |job| {
                job.phase = JobPhase::Done { conclusion: *conclusion };
                job.outputs.clone_from(outputs);
            }),
            Record::StepScheduled { job, step, attempt, .. } => {
                self.set_step(job, step, *attempt, StepPhase::Running);
            }
            Record::StepDelayed { job, step, attempt, until } => {
                self.set_step(job, step, *attempt, StepPhase::BackingOff { until: *until });
            }
            Record::StepSucceeded { job, step, attempt, outputs } => {
                let outputs = outputs.clone();
                self.set_step(job, step, *attempt, StepPhase::Succeeded { outputs });
            }
            Record::StepFailed { job, step, attempt, failure } => {
                let failure = failure.clone();
                self.set_step(job, step, *attempt, StepPhase::Failed { failure });
            }
            Record::StepCancelled { job, step, attempt } => {
                self.set_step(job, step, *attempt, StepPhase::Cancelled);
            }
        }
    }

    fn with_job(&mut self, job: &str, change: impl FnOnce(&mut JobState)) {
        let index = self.definition().jobs.iter().position(|candidate| candidate.key == job);
        if let Some(index) = index {
            change(&mut self.jobs[index]);
        }
    }

    fn set_step(&mut self, job: &str, step: &str, attempt: u32, phase: StepPhase) {
        let index = self
            .job_definition(job)
            .and_then(|job| job.steps.iter().position(|candidate| candidate.key == step));
        if let Some(index) = index {
            self.with_job(job, |job| job.steps[index] = StepState { attempt, phase });
        }
    }
}

impl JobState {
    #[must_use]
    pub fn conclusion(&self) -> Option<Conclusion> {
        match &self.phase {
            JobPhase::Pending | JobPhase::Running => None,
            JobPhase::Skipped { .. } => Some(Conclusion::Skipped),
            JobPhase::Done { conclusion } => Some(*conclusion),
        }
    }
}
