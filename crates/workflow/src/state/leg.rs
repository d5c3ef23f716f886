use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::step::{Stage, StepState};
use crate::input::Failure;
use crate::record::{Conclusion, LegPlan, Stop, Terms};

/// One execution of a job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LegState {
    /// `build`; `build.2` for the third leg of a matrix; `call/build` in a workflow that `call` calls. Never changes.
    pub path: String,
    pub(crate) scope: usize,
    /// In the scope's jobs.
    pub(crate) job: usize,
    /// Among the job's legs: `strategy.job-index`.
    pub index: usize,
    pub plan: LegPlan,
    pub phase: LegPhase,
    /// Set once it is to stop.
    pub stopping: Option<Stop>,
    pub terms: Terms,
    pub deadline: Option<Timestamp>,
    /// The concurrency group that it is in, or waits for.
    pub(crate) group: Option<String>,
    pub(crate) granted: bool,
    /// The workflow that it calls.
    pub(crate) callee: Option<usize>,
    /// The job's, `pre` parts first; those of a composite action join when it begins, `post` and `undo` parts when they
    /// are known to be wanted. Only grows.
    pub steps: Vec<StepState>,
    pub outputs: BTreeMap<String, String>,
    /// Where its environment is to be seen.
    pub url: Option<String>,
    /// Why it failed, where that was none of its steps.
    pub failure: Option<Failure>,
    /// In the order of completion; 0 before.
    pub(crate) ended: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LegPhase {
    /// It waits for its turn, or for its concurrency group.
    Pending,
    Running,
    Done {
        outcome: Conclusion,
        conclusion: Conclusion,
    },
}

impl LegState {
    #[must_use]
    pub fn conclusion(&self) -> Option<Conclusion> {
        match self.phase {
            LegPhase::Done { conclusion, .. } => Some(conclusion),
            LegPhase::Pending | LegPhase::Running => None,
        }
    }

    #[must_use]
    pub fn outcome(&self) -> Option<Conclusion> {
        match self.phase {
            LegPhase::Done { outcome, .. } => Some(outcome),
            LegPhase::Pending | LegPhase::Running => None,
        }
    }

    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.conclusion().is_some()
    }

    #[must_use]
    pub fn step(&self, path: &str) -> Option<&StepState> {
        self.steps.iter().find(|step| step.path == path)
    }

    pub(crate) fn step_index(&self, path: &str) -> Option<usize> {
        self.steps.iter().position(|step| step.path == path)
    }

    /// The steps of a composite action, or the job's own, in order. `post` and `undo` parts are not among them.
    pub(crate) fn children(
        &self,
        parent: Option<usize>,
    ) -> impl Iterator<Item = (usize, &StepState)> {
        self.steps
            .iter()
            .enumerate()
            .filter(move |(_, step)| step.parent == parent && step.is_main())
    }

    /// Whether the leg is to stop, or the composite action, or one around it. What takes something back is not stopped
    /// with the leg.
    pub(crate) fn is_stopping_inside(&self, composite: Option<usize>) -> bool {
        let around = || std::iter::successors(composite, |&step| self.steps[step].parent);
        let undoes = around().any(|step| self.steps[step].stage == Stage::Undo);
        let stopping = around().any(|step| self.steps[step].stopping.is_some());
        stopping || (self.stopping.is_some() && !undoes)
    }

    /// Whether a step is in something that is to stop.
    pub(crate) fn is_stopping_at(&self, step: usize) -> bool {
        let step = &self.steps[step];
        step.stage != Stage::Undo && self.is_stopping_inside(step.parent)
    }
}
