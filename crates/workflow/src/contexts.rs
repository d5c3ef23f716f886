//! What expressions see: GitHub's contexts, made of a run's state when one is asked for.
//!
//! Secrets and files are not the engine's. Whoever carries a step out has them and gives them as [`Late`]; without one,
//! what needs them is missing here, and [`late`] tells beforehand whether an expression would.

mod environment;
mod jobs;
pub(crate) mod late;
mod status;
mod steps;

use std::borrow::Cow;

use crate::effect::directory;
use crate::expression::{EvaluationError, HashFilesError, Object, Scope, Status, Value};
use crate::input::Failure;
use crate::language::{Action, CompositeAction, Origin, Template};
use crate::state::{LegState, Stage, State, StepState};

pub use late::{Late, NothingLate};
pub(crate) use status::ancestors;

/// The place that an expression stands at.
#[derive(Clone)]
pub(crate) struct Contexts<'s> {
    state: &'s State,
    scope: usize,
    job: Option<usize>,
    combination: Option<Combination<'s>>,
    frame: Option<Frame<'s>>,
    late: Option<&'s dyn Late>,
    /// As if this were so, instead of how it is.
    cancelled: Option<bool>,
    env: Option<Value>,
}

/// Which leg of its job it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Combination<'s> {
    pub(crate) matrix: Option<&'s Value>,
    pub(crate) index: usize,
    pub(crate) total: usize,
    pub(crate) fail_fast: bool,
    pub(crate) max_parallel: Option<usize>,
}

/// A place among a leg's steps.
#[derive(Debug, Clone, Copy)]
struct Frame<'s> {
    leg: &'s LegState,
    /// The composite action.
    parent: Option<usize>,
    step: Option<usize>,
    stage: Stage,
    /// What ended after this is not seen.
    as_of: u32,
}

impl<'s> Contexts<'s> {
    /// At the top of a workflow.
    pub(crate) fn of_workflow(state: &'s State, scope: usize) -> Self {
        Self {
            state,
            scope,
            job: None,
            combination: None,
            frame: None,
            late: None,
            cancelled: None,
            env: None,
        }
    }

    /// At a job's keys, before it has legs.
    pub(crate) fn of_job(state: &'s State, scope: usize, job: usize) -> Self {
        Self { job: Some(job), ..Self::of_workflow(state, scope) }
    }

    /// At a job's keys, for one of its legs.
    pub(crate) fn of_leg(state: &'s State, leg: &'s LegState) -> Self {
        let job = state.job_state_of(leg);
        let combination = Combination {
            matrix: leg.plan.matrix.as_ref(),
            index: leg.index,
            total: job.legs.len(),
            fail_fast: job.fail_fast,
            max_parallel: job.max_parallel,
        };
        Self::of_job(state, leg.scope, leg.job).with_combination(combination)
    }

    /// At the end of a leg: its outputs, its environment's address.
    pub(crate) fn at_end_of_leg(state: &'s State, leg: &'s LegState) -> Self {
        let frame = Frame { leg, parent: None, step: None, stage: Stage::Main, as_of: u32::MAX };
        Self { frame: Some(frame), ..Self::of_leg(state, leg) }
    }

    /// At a step's keys.
    pub(crate) fn of_step(state: &'s State, leg: &'s LegState, step: usize) -> Self {
        let begun = leg.steps[step].begun;
        let as_of = if begun == 0 { u32::MAX } else { begun };
        Self::of_step_as_of(state, leg, step, as_of)
    }

    fn of_step_as_of(state: &'s State, leg: &'s LegState, step: usize, as_of: u32) -> Self {
        let StepState { parent, stage, .. } = leg.steps[step];
        let frame = Frame { leg, parent, step: Some(step), stage, as_of };
        Self { frame: Some(frame), ..Self::of_leg(state, leg) }
    }

    /// At the `post-if` of a step.
    pub(crate) fn of_post(state: &'s State, leg: &'s LegState, step: usize) -> Self {
        let parent = leg.steps[step].parent;
        let stage = Stage::Post;
        let frame = Frame { leg, parent, step: Some(step), stage, as_of: u32::MAX };
        Self { frame: Some(frame), ..Self::of_leg(state, leg) }
    }

    /// At the end of a composite action, among its steps: its outputs.
    pub(crate) fn inside(state: &'s State, leg: &'s LegState, composite: usize) -> Self {
        let stage = Stage::Main;
        let frame = Frame { leg, parent: Some(composite), step: None, stage, as_of: u32::MAX };
        Self { frame: Some(frame), ..Self::of_leg(state, leg) }
    }

    pub(crate) fn with_combination(self, combination: Combination<'s>) -> Self {
        Self { combination: Some(combination), ..self }
    }

    pub(crate) fn with_late(self, late: Option<&'s dyn Late>) -> Self {
        Self { late, ..self }
    }

    pub(crate) fn supposing_cancelled(self, cancelled: bool) -> Self {
        Self { cancelled: Some(cancelled), ..self }
    }

    fn with_env(self, env: Value) -> Self {
        Self { env: Some(env), ..self }
    }

    /// The file that what stands here was read from.
    pub(crate) fn file(&self) -> Cow<'s, str> {
        match self.composite() {
            Some((_, action)) => action.origin.shown(&action.file),
            None => self.state.workflow(self.scope).file.as_str().into(),
        }
    }

    fn composite(&self) -> Option<(usize, &'s CompositeAction)> {
        let frame = self.frame?;
        let index = frame.parent?;
        match self.state.action_of(frame.leg, &frame.leg.steps[index]) {
            Action::Composite { action, .. } => Some((index, action)),
            _ => None,
        }
    }

    /// Whose the action is that the step is or stands in, and its folder there.
    pub(crate) fn action_place(&self) -> Option<(&'s Origin, &'s str)> {
        let frame = self.frame?;
        let own = frame.step.map(|step| self.state.action_of(frame.leg, &frame.leg.steps[step]));
        let composite = self.composite();
        match (own, composite) {
            (Some(Action::JavaScript { action, .. }), _) => {
                Some((&action.origin, action.directory.as_str()))
            }
            (_, Some((_, action))) => Some((&action.origin, directory(&action.file))),
            _ => None,
        }
    }

    /// Words for a person, with the place in their file.
    pub(crate) fn failure(&self, error: &EvaluationError) -> Failure {
        Failure::lasting("expression", error.in_file(&self.file()).to_string())
    }

    /// A failure that is about a template, and not of an expression in it.
    pub(crate) fn mistake(&self, template: &Template, code: &str, message: &str) -> Failure {
        let mistake = document::Mistake::new(&self.file(), template.at, message);
        Failure::lasting(code, mistake.to_string())
    }

    fn github(&self) -> Value {
        let mut own = Object::new();
        if let Some(job) = self.job {
            own.insert("job", self.state.workflow(self.scope).jobs[job].key.as_str());
        }
        if let Some(frame) = self.frame {
            let step = frame.step.map(|step| &frame.leg.steps[step]);
            let id = step.and_then(|step| self.state.definition_of(frame.leg, step).id.as_deref());
            own.insert("action", id.unwrap_or("__run"));
            if let Some((Origin::Mirror { repository, reference, .. }, _)) = self.action_place() {
                own.insert("action_repository", repository.as_str());
                own.insert("action_ref", reference.as_str());
            }
        }
        self.overlaid(&self.state.context().github, "github", own)
    }

    /// `base`, over it what belongs to this place, and over that what whoever carries the step out has.
    fn overlaid(&self, base: &Value, name: &str, own: Object) -> Value {
        let late = self.late.and_then(|late| late.more(name));
        if own.is_empty() && late.is_none() {
            return base.clone();
        }
        let mut all = base.as_object().cloned().unwrap_or_default();
        for (name, value) in own.iter().chain(late.iter().flat_map(Object::iter)) {
            all.insert(name, value.clone());
        }
        all.into()
    }

    fn vars(&self) -> Value {
        let environment = self.frame.and_then(|frame| frame.leg.terms.environment.as_deref());
        self.state.plan().vars(environment)
    }

    fn inputs(&self) -> Value {
        if let Some((index, action)) = self.composite() {
            return self.composite_inputs(index, action);
        }
        match self.state.scope_at(self.scope).caller {
            None => self.state.context().inputs.clone(),
            Some(caller) => {
                let inputs = self.state.leg_at(caller).terms.inputs.as_ref();
                inputs.cloned().unwrap_or_default()
            }
        }
    }

    fn strategy(&self) -> Value {
        let Some(leg) = self.combination else { return Value::Null };
        let number = |count: usize| Value::Number(count as f64);
        [
            ("fail-fast", Value::Bool(leg.fail_fast)),
            ("job-index", number(leg.index)),
            ("job-total", number(leg.total)),
            ("max-parallel", number(leg.max_parallel.unwrap_or(leg.total))),
        ]
        .into_iter()
        .collect()
    }
}

impl Scope for Contexts<'_> {
    fn context(&self, name: &str) -> Option<Value> {
        Some(match name {
            "github" | "solum" => self.github(),
            "vars" => self.vars(),
            "inputs" => self.inputs(),
            "needs" => self.needs()?,
            "jobs" if self.job.is_none() => self.jobs(),
            "strategy" if self.job.is_some() => self.strategy(),
            "matrix" if self.job.is_some() => {
                self.combination.and_then(|leg| leg.matrix).cloned().unwrap_or_default()
            }
            "runner" if self.frame.is_some() => {
                self.overlaid(&self.state.context().runner, "runner", Object::new())
            }
            "job" if self.frame.is_some() => self.job_context(),
            "steps" => self.steps()?,
            "env" => match &self.env {
                Some(env) => env.clone(),
                None => self.environment_here()?.into(),
            },
            "secrets" => self.late?.secrets(),
            _ => return None,
        })
    }

    fn status(&self) -> Option<Status> {
        Some(self.status_here())
    }

    fn hash_files(&self, patterns: &[String]) -> Result<String, HashFilesError> {
        match self.late {
            Some(late) if self.frame.is_some() => late.hash_files(patterns),
            _ => Err(HashFilesError::NotHere),
        }
    }
}
