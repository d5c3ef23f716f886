use std::collections::BTreeMap;

use jiff::Timestamp;
use store::{Change, JournalEntry, Run};
use types::{Actor, AppName, EnvironmentName, RunId, RunStatus, Transition as _};
use workflow::language::{self, Action, Job, Template, Work};
use workflow::{
    Failure, Input, JobPhase, JobState, LegPhase, LegState, NothingLate, Record, Refused, State,
    StepPhase, StepState, uses,
};

use crate::approvals::WaitView;
use crate::jobs::vault::shown;
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
    /// As people read it: `build (linux, 18)`.
    pub title: String,
    /// The paths of the jobs that it waits for.
    pub needs: Vec<String>,
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
    /// As people read it: its name, or what it does.
    pub title: String,
    pub uses: String,
    /// `pending`, `running`, `waiting`, or how it ended in GitHub's words.
    pub status: &'static str,
    pub attempt: u32,
    pub failure: Option<Failure>,
    pub outputs: BTreeMap<String, String>,
    /// While it waits for people.
    pub wait: Option<WaitView>,
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
            refusal: state.failure.clone(),
            cancel_requested_by: state.cancel_requested_by.clone(),
            jobs: jobs(&state, &journal),
        })
    }

    /// Asks a run to stop. What is under way in it is taken back as far as that is possible.
    pub async fn cancel_run(&self, id: RunId, actor: &Actor) -> Result<Run, Error> {
        let input = Input::Cancel { by: actor.clone() };
        match self.inner.store.transition(id, input).await {
            Ok(transition) => {
                if transition.status.is_terminal() {
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

/// One view for each leg of a job that has come up, one for the job before that.
fn jobs(state: &State, journal: &[JournalEntry]) -> Vec<JobView> {
    let views = state.all_jobs().flat_map(|(path, definition, job)| {
        let legs: Vec<JobView> =
            state.legs_of(job).map(|leg| leg_view(state, leg, journal)).collect();
        if legs.is_empty() { vec![job_view(path, definition, job, journal)] } else { legs }
    });
    views.collect()
}

fn job_view(key: String, definition: &Job, job: &JobState, journal: &[JournalEntry]) -> JobView {
    let (status, why) = match &job.phase {
        JobPhase::Pending => ("pending", None),
        JobPhase::Running => ("running", None),
        JobPhase::Skipped { why } => ("skipped", Some(why.clone())),
        JobPhase::Done { conclusion, failure } => {
            (conclusion.as_str(), failure.as_ref().map(|failure| failure.message.clone()))
        }
    };
    let steps = match &definition.work {
        Work::Steps { steps, .. } => steps.as_slice(),
        Work::Call(_) => &[],
    };
    let pending = |step: &language::Step| StepView {
        key: step.key.clone(),
        title: written_title(step),
        uses: uses(&step.action),
        status: if status == "pending" { "pending" } else { "skipped" },
        attempt: 0,
        failure: None,
        outputs: BTreeMap::new(),
        wait: None,
        started_at: None,
        finished_at: None,
    };
    let environment = definition.environment.as_ref();
    JobView {
        title: definition.name.as_ref().and_then(literal).unwrap_or(&key).to_owned(),
        needs: needs(&key, definition),
        environment: environment.and_then(|used| used.name.text.parse().ok()),
        status,
        why,
        steps: steps.iter().map(pending).collect(),
        started_at: None,
        finished_at: first(
            journal,
            &|record| matches!(record, Record::JobFinished { job, .. } if *job == key),
        ),
        key,
    }
}

/// Jobs of the same workflow: their paths begin as this one's does.
fn needs(path: &str, job: &Job) -> Vec<String> {
    let prefix = path.rfind('/').map_or("", |slash| &path[..=slash]);
    job.needs.iter().map(|needed| format!("{prefix}{needed}")).collect()
}

fn leg_view(state: &State, leg: &LegState, journal: &[JournalEntry]) -> JobView {
    let at = |fits: &dyn Fn(&Record) -> bool| first(journal, fits);
    let is = |path: &String| *path == leg.path;
    let status = match leg.phase {
        LegPhase::Pending => "pending",
        LegPhase::Running if state.status.is_terminal() => "cancelled",
        LegPhase::Running => "running",
        LegPhase::Done { conclusion, .. } => conclusion.as_str(),
    };
    JobView {
        key: leg.path.clone(),
        title: leg.plan.name.clone(),
        needs: needs(&leg.path, state.job_of(leg)),
        environment: leg.terms.environment.as_ref().and_then(|name| name.parse().ok()),
        status,
        why: leg.failure.as_ref().map(|failure| failure.message.clone()),
        steps: leg.steps.iter().map(|step| step_view(state, leg, step, journal)).collect(),
        started_at: at(&|record| matches!(record, Record::LegStarted { leg, .. } if is(leg))),
        finished_at: at(&|record| matches!(record, Record::LegFinished { leg, .. } if is(leg))),
    }
}

fn step_view(
    state: &State,
    leg: &LegState,
    step: &StepState,
    journal: &[JournalEntry],
) -> StepView {
    let status = match &step.phase {
        StepPhase::Pending if leg.has_ended() => "skipped",
        StepPhase::Pending => "pending",
        StepPhase::Running | StepPhase::Entered if state.status.is_terminal() => "cancelled",
        StepPhase::Running | StepPhase::Entered => "running",
        StepPhase::BackingOff { .. } | StepPhase::Waiting { .. } => "waiting",
        StepPhase::Succeeded => "success",
        StepPhase::Failed { .. } => "failure",
        StepPhase::Cancelled => "cancelled",
        StepPhase::Skipped { .. } => "skipped",
    };
    let failure = match &step.phase {
        StepPhase::Failed { failure } => Some(failure.clone()),
        _ => None,
    };
    let wait = match &step.phase {
        StepPhase::Waiting { wait, approved } => {
            Some(WaitView { wait: wait.clone(), approved: approved.clone() })
        }
        _ => None,
    };
    let mine = |job: &str, key: &str| job == leg.path && key == step.path;
    let started_at = first(journal, &|record| match record {
        Record::StepScheduled { job, step, .. }
        | Record::StepEntered { job, step, .. }
        | Record::StepWaiting { job, step, .. } => mine(job, step),
        _ => false,
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
        key: step.path.clone(),
        title: title(state, leg, step),
        uses: uses(state.action_of(leg, step)),
        status,
        attempt: step.attempt,
        failure,
        outputs: outputs(&step.produced.outputs),
        wait,
        started_at,
        finished_at: finished_at.filter(|_| !matches!(status, "running" | "waiting")),
    }
}

/// With what only the machine knows in it, it is shown as it was written.
fn title(state: &State, leg: &LegState, step: &StepState) -> String {
    let view = workflow::StepView::of_leg(state, leg, step);
    let name = view.and_then(|view| view.name(&NothingLate).ok());
    let name = name.unwrap_or_else(|| written_title(state.definition_of(leg, step)));
    shown(&name).into_owned()
}

fn written_title(step: &language::Step) -> String {
    match (&step.name, &step.action) {
        (Some(name), _) => name.text.clone(),
        (None, Action::Run { script, .. }) => {
            format!("Run {}", script.text.trim().lines().next().unwrap_or_default())
        }
        (None, action) => format!("Run {}", uses(action)),
    }
}

/// Text without an expression in it.
fn literal(template: &Template) -> Option<&str> {
    Some(template.text.as_str()).filter(|text| !text.contains("${{"))
}

/// As people may see them.
fn outputs(produced: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let shown = |(name, value): (&String, &String)| (name.clone(), shown(value).into_owned());
    produced.iter().map(shown).collect()
}

fn first(journal: &[JournalEntry], fits: &dyn Fn(&Record) -> bool) -> Option<Timestamp> {
    journal.iter().find(|entry| fits(&entry.record)).map(|entry| entry.at)
}
