use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use types::Actor;

use crate::input::{Failure, Produced};
use crate::record::{Conclusion, Stop, Wait};

/// A step of a leg, or its `pre`, `post` or `undo` part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepState {
    /// `deploy`; `setup/install` in a composite action; `cache:post`.
    pub path: String,
    pub stage: Stage,
    /// From the job down: its place among the steps, in each composite action.
    pub(crate) route: Vec<usize>,
    /// The composite action that it is a part of.
    pub(crate) parent: Option<usize>,
    /// 0 before the first.
    pub attempt: u32,
    pub phase: StepPhase,
    /// Its failure is allowed.
    pub tolerated: bool,
    pub stopping: Option<Stop>,
    pub deadline: Option<Timestamp>,
    pub produced: Produced,
    /// In the order of completion, when it was begun and when it ended; 0 before.
    pub(crate) begun: u32,
    pub(crate) ended: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    Pre,
    Main,
    Post,
    Undo,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StepPhase {
    #[default]
    Pending,
    Running,
    BackingOff {
        until: Timestamp,
    },
    /// For people.
    Waiting {
        wait: Wait,
        approved: Vec<Actor>,
    },
    /// A composite action whose steps are under way.
    Entered,
    Succeeded,
    Failed {
        failure: Failure,
    },
    Cancelled,
    Skipped {
        why: String,
    },
}

impl StepState {
    pub(crate) fn new(
        path: String,
        stage: Stage,
        route: Vec<usize>,
        parent: Option<usize>,
    ) -> Self {
        Self {
            path,
            stage,
            route,
            parent,
            attempt: 0,
            phase: StepPhase::Pending,
            tolerated: false,
            stopping: None,
            deadline: None,
            produced: Produced::default(),
            begun: 0,
            ended: 0,
        }
    }

    /// It stands in the sequence of its siblings.
    pub(crate) fn is_main(&self) -> bool {
        matches!(self.stage, Stage::Pre | Stage::Main)
    }

    /// The composite action among whose steps it counts: a `post` part is the job's, wherever its step is.
    pub(crate) fn sequence(&self) -> Option<usize> {
        self.parent.filter(|_| self.stage != Stage::Post)
    }

    /// How it went.
    #[must_use]
    pub fn outcome(&self) -> Option<Conclusion> {
        match &self.phase {
            StepPhase::Succeeded => Some(Conclusion::Success),
            StepPhase::Failed { .. } => Some(Conclusion::Failure),
            StepPhase::Cancelled => Some(Conclusion::Cancelled),
            StepPhase::Skipped { .. } => Some(Conclusion::Skipped),
            _ => None,
        }
    }

    /// What counts: an allowed failure is a success.
    #[must_use]
    pub fn conclusion(&self) -> Option<Conclusion> {
        match self.outcome() {
            Some(Conclusion::Failure) if self.tolerated => Some(Conclusion::Success),
            outcome => outcome,
        }
    }

    /// Whoever carries it out has it.
    pub(crate) fn is_under_way(&self) -> bool {
        self.phase == StepPhase::Running
    }
}
