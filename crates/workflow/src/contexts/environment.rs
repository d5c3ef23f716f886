//! `env`: the workflow's, over it the job's, over that what earlier steps wrote to `GITHUB_ENV`, then that of the composite
//! actions around the step from the outermost in, and the step's own.

use super::{Contexts, Frame};
use crate::expression::{EvaluationError, Object, render};
use crate::language::Variables;

/// A variable that could not be evaluated, and the place that it belongs to.
pub(crate) type Unset<'s> = (Contexts<'s>, EvaluationError);

impl<'s> Contexts<'s> {
    /// What cannot be evaluated here is not there.
    pub(super) fn environment_here(&self) -> Option<Object> {
        self.frame?;
        Some(self.environment().0)
    }

    /// All variables, and what kept the first that is missing from being evaluated.
    pub(crate) fn environment(&self) -> (Object, Option<Unset<'s>>) {
        let mut env = Object::new();
        let mut unset = None;
        let Some(frame) = self.frame else { return (env, unset) };
        let workflow = self.state.workflow(self.scope);
        let at_job = Self { frame: None, ..self.clone() };
        for variables in [&workflow.env, &self.state.job_of(frame.leg).env] {
            at_job.add(variables, &mut env, &mut unset);
        }
        add_written(frame, &mut env);
        for step in self.outermost_first(frame) {
            let as_of = match frame.leg.steps[step].begun {
                0 => u32::MAX,
                begun => begun,
            };
            let here = Self::of_step_as_of(self.state, frame.leg, step, as_of).with_late(self.late);
            let here = here.with_env(env.clone().into());
            let variables = &self.state.definition_of(frame.leg, &frame.leg.steps[step]).env;
            here.add(variables, &mut env, &mut unset);
        }
        (env, unset)
    }

    fn add(&self, variables: &Variables, env: &mut Object, unset: &mut Option<Unset<'s>>) {
        for (name, template) in variables {
            match render(template, self) {
                Ok(text) => env.insert(name.as_str(), text),
                Err(error) => {
                    unset.get_or_insert_with(|| (self.clone(), error));
                }
            }
        }
    }

    /// The composite actions around the step, and the step.
    fn outermost_first(&self, frame: Frame<'s>) -> Vec<usize> {
        let inner = frame.step.or(frame.parent);
        let mut steps: Vec<usize> =
            std::iter::successors(inner, |&step| frame.leg.steps[step].parent).collect();
        steps.reverse();
        steps
    }
}

fn add_written(frame: Frame<'_>, env: &mut Object) {
    let mut ended: Vec<_> = frame.leg.steps.iter().filter(|step| frame.sees(step)).collect();
    ended.sort_by_key(|step| step.ended);
    for (name, value) in ended.iter().flat_map(|step| &step.produced.env) {
        env.insert(name.as_str(), value.as_str());
    }
}
