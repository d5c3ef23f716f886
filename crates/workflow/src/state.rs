//! Where a run stands: what its journal adds up to.
//!
//! A run is a tree of *scopes*: its own workflow, and each workflow that is called in it. A scope has the jobs of its
//! definition, one for one; a job that has come up has *legs*, one for each combination of its matrix (one, if it has none);
//! a leg has steps, or calls a workflow, which is a scope again. All are in flat lists that only grow, so an index
//! stays what it is. What is inside them is shared between copies of a state until it is changed.

mod apply;
mod leg;
mod locate;
mod step;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use types::{Actor, RunStatus};

use crate::input::{Failure, Signal};
use crate::language::Definition;
use crate::plan::Plan;
use crate::record::{Conclusion, Reused};
use crate::run_context::RunContext;

pub use leg::{LegPhase, LegState};
pub use step::{Stage, StepPhase, StepState};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    pub status: RunStatus,
    /// Nothing goes on until somebody outside says so; `status` is `waiting` then.
    pub(crate) paused: bool,
    pub cancel_requested_by: Option<Actor>,
    /// It was asked twice: nothing is waited for.
    pub(crate) forced: bool,
    /// Why a run was refused before it started, or was ended by something else than its jobs.
    pub failure: Option<Failure>,
    /// What succeeded is being taken back.
    pub(crate) undoing: bool,
    /// Its jobs may be looked at.
    pub(crate) admitted: bool,
    /// The concurrency group that it is in, or waits for.
    pub(crate) group: Option<String>,
    scopes: Vec<Arc<ScopeState>>,
    legs: Vec<Arc<LegState>>,
    inbox: Arc<Inbox>,
    reused: Arc<BTreeMap<String, Reused>>,
    spent: Spent,
    /// Grows with each step and leg that ends: the order of completion.
    ended: u32,
    #[serde(skip)]
    plan: Option<Arc<Plan>>,
}

/// A workflow under way: the run's own, or one that a leg calls.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ScopeState {
    /// The leg that calls it.
    pub(crate) caller: Option<usize>,
    /// From the run's definition down: the job that calls, in each workflow.
    pub(crate) route: Vec<usize>,
    /// Before the paths of its jobs: `call/`, or nothing.
    pub(crate) prefix: String,
    /// As in the definition, one for one.
    pub(crate) jobs: Vec<JobState>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobState {
    pub phase: JobPhase,
    /// Into the state's legs.
    pub(crate) legs: Vec<usize>,
    pub(crate) fail_fast: bool,
    pub(crate) max_parallel: Option<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobPhase {
    /// What it needs has not ended.
    Pending,
    Running,
    Skipped {
        why: String,
    },
    Done {
        conclusion: Conclusion,
        failure: Option<Failure>,
    },
}

/// What came for steps that did not wait yet, and what came altogether.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Inbox {
    pub(crate) parked: Vec<Signal>,
    pub(crate) seen: BTreeSet<String>,
}

/// What a run has cost the journal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Spent {
    pub(crate) records: u32,
    /// About as many as its records have as text.
    pub(crate) bytes: u64,
}

impl State {
    /// A run that has not started.
    #[must_use]
    pub fn new(definition: Arc<Definition>, context: Arc<RunContext>) -> Self {
        Self::planned(Arc::new(Plan::new(definition, context)))
    }

    fn planned(plan: Arc<Plan>) -> Self {
        let root = ScopeState::new(None, Vec::new(), String::new(), plan.definition());
        Self {
            status: RunStatus::Queued,
            paused: false,
            cancel_requested_by: None,
            forced: false,
            failure: None,
            undoing: false,
            admitted: false,
            group: None,
            scopes: vec![Arc::new(root)],
            legs: Vec::new(),
            inbox: Arc::default(),
            reused: Arc::default(),
            spent: Spent::default(),
            ended: 0,
            plan: Some(plan),
        }
    }

    /// Gives a state that was read from a snapshot what it belongs to.
    #[must_use]
    pub fn with_plan(mut self, definition: Arc<Definition>, context: Arc<RunContext>) -> Self {
        self.plan = Some(Arc::new(Plan::new(definition, context)));
        self
    }

    pub(crate) fn plan(&self) -> &Plan {
        self.plan.as_deref().expect("a state is made with its plan or given it when read")
    }

    #[must_use]
    pub fn definition(&self) -> &Definition {
        self.plan().definition()
    }

    #[must_use]
    pub fn context(&self) -> &RunContext {
        self.plan().context()
    }

    /// All of them, in the order in which they came up.
    pub fn legs(&self) -> impl Iterator<Item = &LegState> {
        self.legs.iter().map(Arc::as_ref)
    }

    pub(crate) fn scopes(&self) -> impl Iterator<Item = &ScopeState> {
        self.scopes.iter().map(Arc::as_ref)
    }

    pub(crate) fn inbox(&self) -> &Inbox {
        &self.inbox
    }

    pub(crate) fn reused(&self, leg: &str) -> Option<&Reused> {
        self.reused.get(leg)
    }

    pub(crate) fn spent(&self) -> Spent {
        self.spent
    }

    /// Records taken in so far.
    #[must_use]
    pub fn records(&self) -> u32 {
        self.spent.records
    }
}

impl ScopeState {
    pub(crate) fn new(
        caller: Option<usize>,
        route: Vec<usize>,
        prefix: String,
        definition: &Definition,
    ) -> Self {
        let job = JobState {
            phase: JobPhase::Pending,
            legs: Vec::new(),
            fail_fast: true,
            max_parallel: None,
        };
        Self { caller, route, prefix, jobs: vec![job; definition.jobs.len()] }
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.jobs.iter().all(|job| job.conclusion().is_some())
    }
}

impl JobState {
    #[must_use]
    pub fn conclusion(&self) -> Option<Conclusion> {
        match &self.phase {
            JobPhase::Pending | JobPhase::Running => None,
            JobPhase::Skipped { .. } => Some(Conclusion::Skipped),
            JobPhase::Done { conclusion, .. } => Some(*conclusion),
        }
    }
}
