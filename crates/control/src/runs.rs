use std::collections::BTreeMap;

use jiff::Timestamp;
use store::{Change, JournalEntry, Run};
use types::{Actor, AppName, EnvironmentName, RunId, RunStatus};
use workflow::{Failure, Input, JobPhase, Record, Refused, State, StepPhase};

use crate::transcripts::Follower;
use crate::{Control, Error};

/// A run with everything that happened in it.
#[derive(Debug, Clone)]
pub struct RunView {
    pub run: Run,
    /// The change that it is to land, for a push.
    pub change: Option<Change>,
    /// Why it never started, if it was refused.
    pub refusal: Option<Failure>,
    pub cancel_requested_by: Option<Actor>,
    pub jobs: Vec<JobView>,
}

#[derive(Debug, Clone)]
pub struct JobView {
    pub key: String,
    pub environment: Option<EnvironmentName>,
    /// `pending`, `running`, or how it ended in GitHub's words.
    pub status: &'static str,
    /// Why it was skipped.
    pub why: Option<String>,
    pub steps: Vec<StepView>,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
}

#[derive(Debug, Clone)]
pub struct StepView {
    pub key: String,
    pub uses: String,
    /// `pending`, `running`, `waiting`, or how it ended in GitHub's words.
    pub status: &'static str,
    pub attempt: u32,
    pub failure: Option<Failure>,
    pub outputs: BTreeMap<String, String>,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
}

impl Control {
    /// Newest first, those older than `before` only.
    pub async fn runs(
        &self,
        app: Option<&AppName>,
        before: Option<RunId>,
        limit: u32,
    ) -> Result<Vec<Run>, Error> {
        let app = match app {
            Some(app) => Some(self.app(app).await?.id),
            None => None,
        };
        Ok(self.inner.store.runs(app, before, limit).await?)
    }

    pub async fn run(&self, id: RunId) -> Result<Run, Error> {
        Ok(self.inner.store.run(id).await?)
    }

    pub async fn run_view(&self, id: RunId) -> Result<RunView, Error> {
        let store = &self.inner.store;
        let run = store.run(id).await?;
        let state = store.run_state(id).await?;
        let journal = store.journal(id, 1).await?;
        let change = store.change_of_run(id).await?;
        Ok(RunView {
            run,
            change,
            refusal: state.refusal.clone(),
            cancel_requested_by: state.cancel_requested_by.clone(),
            jobs: jobs(&state, &journal),
        })
    }

    /// Asks a run to stop. What is under way in it is taken back as far as that is possible.
    pub async fn cancel_run(&self, id: RunId, actor: &Actor) -> Result<Run, Error> {
        let input = Input::Cancel { by: actor.clone() };
        match self.inner.store.transition(id, input).await {
            Ok(transition) => {
                self.inner.cancellations.of(id).cancel();
                // A deployment that waits in its queue has nobody who listens.
                self.inner.deployments_nudge.notify_one();
                if types::Transition::is_terminal(transition.status) {
                    crate::reconcile::tidy_up_run(self, id).await;
                }
            }
            Err(store::TransitionError::Refused(Refused::Ended { status })) => {
                return Err(Error::RunEnded(status));
            }
            Err(store::TransitionError::Refused(_)) => return Err(Error::CancelRequested),
            Err(store::TransitionError::Store(error)) => return Err(error.into()),
        }
        self.run(id).await
    }

    /// What the run says, from a byte of its transcript on.
    #[must_use]
    pub fn follow_run(&self, id: RunId, offset: u64) -> Follower {
        self.inner.transcripts.follow(id, offset)
    }

    /// Woken when a run may have changed.
    #[must_use]
    pub fn run_changes(&self) -> store::Wake {
        self.inner.store.subscribe(store::Topic::Runs)
    }

    pub async fn run_status(&self, id: RunId) -> Result<RunStatus, Error> {
        Ok(self.inner.store.run(id).await?.status)
    }
}

fn jobs(state: &State, journal: &[JournalEntry]) -> Vec<JobView> {
    state
        .jobs()
        .map(|(definition, job)| {
            let (status, why) = match &job.phase {
                JobPhase::Pending => ("pending", None),
                JobPhase::Running => ("running", None),
                JobPhase::Skipped { why } => ("skipped", Some(why.clone())),
                JobPhase::Done { conclusion } => (conclusion.as_str(), None),
            };
            let at = |fits: &dyn Fn(&Record) -> bool| first(journal, fits);
            let key = &definition.key;
            JobView {
                key: key.clone(),
                environment: definition.environment.clone(),
                status,
                why,
                steps: steps(definition, job, journal),
                started_at: at(
                    &|record| matches!(record, Record::JobStarted { job } if job == key),
                ),
                finished_at: at(
                    &|record| matches!(record, Record::JobFinished { job, .. } if job == key),
                ),
            }
        })
        .collect()
}

fn steps(
    definition: &workflow::Job,
    job: &workflow::JobState,
    journal: &[JournalEntry],
) -> Vec<StepView> {
    let pairs = definition.steps.iter().zip(&job.steps);
    pairs
        .map(|(step, state)| {
            let (status, failure, outputs) = match &state.phase {
                StepPhase::Pending => ("pending", None, BTreeMap::new()),
                StepPhase::Running => ("running", None, BTreeMap::new()),
                StepPhase::BackingOff { .. } => ("waiting", None, BTreeMap::new()),
                StepPhase::Succeeded { outputs } => ("success", None, outputs.clone()),
                StepPhase::Failed { failure } => ("failure", Some(failure.clone()), BTreeMap::new()),
                StepPhase::Cancelled => ("cancelled", None, BTreeMap::new()),
            };
            let mine = |job: &str, key: &str| job == definition.key && key == step.key;
            let started_at = first(journal, &|record| {
                matches!(record, Record::StepScheduled { job, step, .. } if mine(job, step))
            });
            let finished_at = journal.iter().rev().find_map(|entry| match &entry.record {
                Record::StepSucceeded { job, step, .. }
                | Record::StepFailed { job, step, .. }
                | Record::StepCancelled { job, step, .. }
                    if mine(job, step) =>
                {
                    Some(entry.at)
                }
                _ => None,
            });
            StepView {
                key: step.key.clone(),
                uses: step.uses.clone(),
                status,
                attempt: state.attempt,
                failure,
                outputs,
                started_at,
                finished_at: finished_at.filter(|_| !matches!(status, "running" | "waiting")),
            }
        })
        .collect()
}

fn first(journal: &[JournalEntry], fits: &dyn Fn(&Record) -> bool) -> Option<Timestamp> {
    journal.iter().find(|entry| fits(&entry.record)).map(|entry| entry.at)
}
