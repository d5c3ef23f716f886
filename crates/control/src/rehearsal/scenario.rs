//! What a scenario says, line by line.

use jiff::SignedDuration;
use types::RunStatus;
use workflow::Conclusion;

use super::event::Start;
use super::outcome::Outcome;
use super::person::{Refusal, Saying};

/// A scenario that could be read.
#[derive(Debug)]
pub struct Scenario {
    pub(super) workflow: Option<String>,
    pub(super) statements: Vec<Statement>,
}

impl Scenario {
    /// The workflow that it names: a file, relative to the scenario's own folder, or one that Solum brings.
    #[must_use]
    pub fn workflow(&self) -> Option<&str> {
        self.workflow.as_deref()
    }
}

#[derive(Debug)]
pub(super) struct Statement {
    pub(super) line: usize,
    /// As it is written.
    pub(super) text: String,
    pub(super) when: When,
    pub(super) what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum When {
    /// No time passes.
    Now,
    /// So much later, when all has happened that is due by then.
    After(SignedDuration),
    /// So much later, before anything else that is due at the same instant.
    By(SignedDuration),
}

#[derive(Debug)]
pub(super) enum What {
    /// Time passes, and nothing else.
    Pass,
    Variable {
        name: String,
        value: String,
        environment: Option<String>,
    },
    Secret {
        name: String,
        value: String,
    },
    On(Start),
    /// How the attempts of steps end.
    Outcome {
        of: Of,
        outcome: Outcome,
    },
    /// What a step leaves when it succeeds.
    Outputs {
        step: String,
        outputs: Vec<(String, String)>,
    },
    Say(Saying),
    /// What was said last comes a second time, as from somebody who heard no answer.
    Again {
        refusal: Option<Refusal>,
    },
    Cancel {
        by: String,
        refusal: Option<Refusal>,
    },
    Retry {
        failed_only: bool,
        refusal: Option<Refusal>,
    },
    /// A result that comes from an attempt that may not be the one under way.
    Report {
        step: String,
        attempt: u32,
        outcome: Outcome,
        refusal: Option<Refusal>,
    },
    Group {
        name: String,
        event: GroupEvent,
    },
    /// The machine's clock is set; no time passes.
    Clock(SignedDuration),
    Expect(Expectation),
}

/// Whose outcome it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Of {
    /// A job, or one leg of it.
    Job(String),
    /// `job/step`.
    Step(String),
    /// Every step with this verb in jobs of this environment.
    Verb { verb: &'static str, environment: String },
}

/// What other runs do to a concurrency group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GroupEvent {
    Taken,
    Free,
    /// A newer run asks for a place; `at_once` with `cancel-in-progress`.
    Wanted {
        at_once: bool,
    },
}

#[derive(Debug)]
pub(super) enum Expectation {
    NoRun {
        because: Option<String>,
    },
    Run {
        status: RunStatus,
        because: Option<String>,
    },
    Job {
        job: String,
        stage: Stage,
        because: Option<String>,
    },
    Step {
        step: String,
        stage: Stage,
        attempt: Option<u32>,
        because: Option<String>,
    },
    Outputs {
        of: Of,
        outputs: Vec<(String, String)>,
    },
    Approval {
        of: String,
    },
    Environment {
        name: String,
        release: Serving,
    },
    Elapsed(SignedDuration),
    /// These steps began in this order; others may have begun between them.
    Order(Vec<String>),
}

/// How far a job or a step has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Pending,
    Running,
    Waiting,
    Ended(Conclusion),
}

impl Stage {
    pub(super) const WORDS: [(&'static str, Self); 7] = [
        ("success", Self::Ended(Conclusion::Success)),
        ("failure", Self::Ended(Conclusion::Failure)),
        ("cancelled", Self::Ended(Conclusion::Cancelled)),
        ("skipped", Self::Ended(Conclusion::Skipped)),
        ("pending", Self::Pending),
        ("running", Self::Running),
        ("waiting", Self::Waiting),
    ];

    pub(super) fn as_str(self) -> &'static str {
        let word = Self::WORDS.iter().find(|(_, stage)| *stage == self);
        word.map_or("", |(word, _)| word)
    }
}

/// Which release an environment has, seen from the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Serving {
    /// What served before the run.
    Previous,
    /// What the run deployed.
    New,
}
