//! From a path to what it names, and from what it names to what was written about it.

use super::{JobState, LegState, ScopeState, State, StepState};
use crate::language::{Action, Definition, Job, Step, Work};
use crate::state::Stage;

impl State {
    pub(crate) fn leg_at(&self, index: usize) -> &LegState {
        &self.legs[index]
    }

    #[must_use]
    pub fn leg(&self, path: &str) -> Option<&LegState> {
        self.leg_index(path).map(|index| self.leg_at(index))
    }

    pub(crate) fn leg_index(&self, path: &str) -> Option<usize> {
        self.legs.iter().position(|leg| leg.path == path)
    }

    pub(crate) fn scope_at(&self, index: usize) -> &ScopeState {
        &self.scopes[index]
    }

    /// The workflow of a scope.
    pub(crate) fn workflow(&self, scope: usize) -> &Definition {
        let mut definition = self.definition();
        for &job in &self.scope_at(scope).route {
            let Work::Call(call) = &definition.jobs[job].work else {
                unreachable!("a scope's route leads from call to call");
            };
            definition = &call.workflow;
        }
        definition
    }

    pub(crate) fn job_at(&self, scope: usize, job: usize) -> (&Job, &JobState) {
        (&self.workflow(scope).jobs[job], &self.scope_at(scope).jobs[job])
    }

    /// `call/build`: a job by its path, with where it is.
    pub(crate) fn job_index(&self, path: &str) -> Option<(usize, usize)> {
        self.scopes.iter().enumerate().find_map(|(index, scope)| {
            let key = path.strip_prefix(scope.prefix.as_str())?;
            let job = self.workflow(index).jobs.iter().position(|job| job.key == key)?;
            Some((index, job))
        })
    }

    pub(crate) fn job_path(&self, scope: usize, job: usize) -> String {
        format!("{}{}", self.scope_at(scope).prefix, self.workflow(scope).jobs[job].key)
    }

    /// The job that a leg is one of.
    #[must_use]
    pub fn job_of(&self, leg: &LegState) -> &Job {
        &self.workflow(leg.scope).jobs[leg.job]
    }

    pub(crate) fn job_state_of(&self, leg: &LegState) -> &JobState {
        &self.scope_at(leg.scope).jobs[leg.job]
    }

    /// What was written about a step, or about the step whose part it is.
    #[must_use]
    pub fn definition_of(&self, leg: &LegState, step: &StepState) -> &Step {
        step_at(self.job_of(leg), &step.route)
    }

    /// What a step does: what it was written to do, or to undo.
    #[must_use]
    pub fn action_of(&self, leg: &LegState, step: &StepState) -> &Action {
        let definition = self.definition_of(leg, step);
        match (step.stage, &definition.undo) {
            (Stage::Undo, Some(undo)) => undo,
            _ => &definition.action,
        }
    }

    #[must_use]
    pub fn action(&self, leg: &str, step: &str) -> Option<&Action> {
        let leg = self.leg(leg)?;
        Some(self.action_of(leg, leg.step(step)?))
    }

    /// Every job by its path: the run's own first, then those of each workflow that is called, as it comes up.
    pub fn all_jobs(&self) -> impl Iterator<Item = (String, &Job, &JobState)> {
        self.scopes.iter().enumerate().flat_map(|(scope, state)| {
            let jobs = self.workflow(scope).jobs.iter().zip(&state.jobs);
            jobs.map(|(job, jobs)| (format!("{}{}", state.prefix, job.key), job, jobs))
        })
    }

    /// Every job of the run's own workflow, in order.
    pub fn jobs(&self) -> impl Iterator<Item = (&Job, &JobState)> {
        self.definition().jobs.iter().zip(&self.scope_at(0).jobs)
    }

    /// A job of the run's own workflow.
    #[must_use]
    pub fn job(&self, key: &str) -> Option<(&Job, &JobState)> {
        self.jobs().find(|(job, _)| job.key == key)
    }

    /// A job's legs; none before it has come up.
    pub fn legs_of<'s>(&'s self, job: &'s JobState) -> impl Iterator<Item = &'s LegState> {
        job.legs.iter().map(|&leg| self.leg_at(leg))
    }
}

/// The steps of a job; none if it calls a workflow.
pub(crate) fn steps_of(job: &Job) -> &[Step] {
    match &job.work {
        Work::Steps { steps, .. } => steps,
        Work::Call(_) => &[],
    }
}

/// In a route: what comes is inside the `undo` action of the step before.
pub(crate) const INTO_UNDO: usize = usize::MAX;

pub(crate) fn step_at<'d>(job: &'d Job, route: &[usize]) -> &'d Step {
    let mut steps = steps_of(job);
    let mut route = route.iter().copied().peekable();
    loop {
        let index = route.next().expect("a route ends at a step");
        let step = &steps[index];
        let undo = route.next_if_eq(&INTO_UNDO).is_some();
        if route.peek().is_none() {
            return step;
        }
        let action = step.undo.as_deref().filter(|_| undo).unwrap_or(&step.action);
        steps = composite_steps(action);
    }
}

/// None for what is no composite action.
pub(crate) fn composite_steps(action: &Action) -> &[Step] {
    match action {
        Action::Composite { action, .. } => &action.steps,
        _ => &[],
    }
}
