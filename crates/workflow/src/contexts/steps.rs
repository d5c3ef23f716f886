//! `steps`, `job`, and the `inputs` of a composite action.

use super::{Contexts, Frame};
use crate::expression::{EvaluationError, Object, Value, render};
use crate::language::{Action, CompositeAction, Input, Variables};
use crate::state::{Stage, StepState};

impl<'s> Contexts<'s> {
    /// The steps around this place that have ended, and have an `id`.
    pub(super) fn steps(&self) -> Option<Value> {
        let frame = self.frame?;
        let ended = frame.leg.steps.iter().filter(|step| frame.sees(step));
        let steps = ended.filter(|step| step.stage == Stage::Main && step.parent == frame.parent);
        let results = steps.filter_map(|step| {
            let id = self.state.definition_of(frame.leg, step).id.as_deref()?;
            let outputs: Object = step
                .produced
                .outputs
                .iter()
                .map(|(name, text)| (name.as_str(), text.as_str()))
                .collect();
            let result = [
                ("outputs", Value::from(outputs)),
                ("outcome", step.outcome()?.as_str().into()),
                ("conclusion", step.conclusion()?.as_str().into()),
            ];
            Some((id, result.into_iter().collect::<Object>()))
        });
        Some(results.collect())
    }

    pub(super) fn job_context(&self) -> Value {
        let status = self.job_status();
        let word = match (status.cancelled, status.failure) {
            (true, _) => "cancelled",
            (_, true) => "failure",
            _ => "success",
        };
        let own = [("status", Value::from(word))].into_iter().collect();
        self.overlaid(&Value::Null, "job", own)
    }

    /// Among the steps that the composite action stands between, when it began.
    fn outside(&self, composite: usize) -> Self {
        let Some(frame) = self.frame else { return self.clone() };
        let outer = Self::of_step(self.state, frame.leg, composite);
        Self { late: self.late, ..outer }
    }

    pub(super) fn composite_inputs(&self, index: usize, action: &'s CompositeAction) -> Value {
        let outside = self.outside(index);
        let inputs = action.inputs.iter().map(|input| {
            // What cannot be evaluated fails the step that is given it; here it is not there.
            let text = outside.input(input, self.given_to(index)).unwrap_or_default();
            (input.name.as_str(), text)
        });
        inputs.collect()
    }

    pub(super) fn given_to(&self, composite: usize) -> &'s Variables {
        const NOTHING: &Variables = &Vec::new();
        let Some(frame) = self.frame else { return NOTHING };
        match self.state.action_of(frame.leg, &frame.leg.steps[composite]) {
            Action::Composite { with, .. } => with,
            _ => NOTHING,
        }
    }

    /// What an action's input is: what is given, or its default, or nothing.
    pub(crate) fn input(&self, input: &Input, with: &Variables) -> Result<String, EvaluationError> {
        let given = with.iter().find(|(name, _)| name.eq_ignore_ascii_case(&input.name));
        let template = given.map(|(_, template)| template).or(input.default.as_ref());
        template.map_or(Ok(String::new()), |template| render(template, self))
    }
}

impl Frame<'_> {
    pub(super) fn sees(&self, step: &StepState) -> bool {
        step.ended > 0 && step.ended <= self.as_of
    }
}
