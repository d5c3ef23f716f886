//! What is known only where a step is carried out.

use super::Contexts;
use crate::expression::{Form, Function, HashFilesError, Object, Value, references};
use crate::language::{Template, Variables};
use crate::state::StepState;

/// Gives expressions what only whoever carries a step out has.
pub trait Late {
    /// The secrets that the step's workflow may see.
    fn secrets(&self) -> Value;

    fn hash_files(&self, patterns: &[String]) -> Result<String, HashFilesError>;

    /// What belongs to the machine, in `github`, `runner` or `job`.
    fn more(&self, _context: &str) -> Option<Object> {
        None
    }
}

/// For steps that are carried out without secrets and without files.
#[derive(Debug, Clone, Copy)]
pub struct NothingLate;

impl Late for NothingLate {
    fn secrets(&self) -> Value {
        Object::new().into()
    }

    fn hash_files(&self, _patterns: &[String]) -> Result<String, HashFilesError> {
        Err(HashFilesError::NotHere)
    }
}

/// In `github` and `runner`, what only the machine knows.
const LATE_NAMES: [(&str, &[&str]); 2] = [
    (
        "github",
        &["workspace", "action_path", "token", "env", "path", "output", "state", "step_summary"],
    ),
    ("runner", &["temp", "tool_cache", "workspace"]),
];

impl Contexts<'_> {
    /// Whether the template leans on something that is known only where the step is carried out. One that cannot be
    /// read does not: it fails wherever it is evaluated.
    pub(crate) fn is_late(&self, template: &Template, form: Form) -> bool {
        let Ok(found) = references(template, form) else { return false };
        if found.uses("secrets") || found.calls(Function::HashFiles) {
            return true;
        }
        found.paths.iter().any(|path| {
            let name = path.get(1).map(String::as_str);
            match path[0].as_str() {
                "env" => self.is_env_late(name),
                "inputs" => self.is_input_late(name),
                "github" | "solum" => is_machine_s("github", name),
                "runner" => is_machine_s("runner", name),
                _ => false,
            }
        })
    }

    fn is_env_late(&self, name: Option<&str>) -> bool {
        let Some(frame) = self.frame else { return false };
        let steps = std::iter::successors(frame.step.or(frame.parent), |&step| {
            frame.leg.steps[step].parent
        });
        let own = steps
            .map(|step| (step, &self.state.definition_of(frame.leg, &frame.leg.steps[step]).env));
        let own = own.into_iter().any(|(step, variables)| {
            let here = Self::of_step(self.state, frame.leg, step);
            // A step's variables see those around it, not each other: an end to this is certain.
            here.around().any_late(variables, name)
        });
        let written = |step: &StepState| match name {
            Some(name) => step.produced.env.contains_key(name),
            None => false,
        };
        if own || frame.leg.steps.iter().any(written) {
            return own;
        }
        let at_job = Self { frame: None, ..self.clone() };
        let workflow = self.state.workflow(self.scope);
        at_job.any_late(&self.state.job_of(frame.leg).env, name)
            || at_job.any_late(&workflow.env, name)
    }

    /// One level further out, for what a step's own variables see.
    fn around(&self) -> Self {
        let frame = self.frame.map(|frame| super::Frame { step: frame.parent, ..frame });
        Self { frame, ..self.clone() }
    }

    fn any_late(&self, variables: &Variables, name: Option<&str>) -> bool {
        let meant = |given: &str| name.is_none_or(|name| given.eq_ignore_ascii_case(name));
        let mut meant = variables.iter().filter(|(given, _)| meant(given));
        meant.any(|(_, template)| self.is_late(template, Form::Text))
    }

    fn is_input_late(&self, name: Option<&str>) -> bool {
        let Some((index, action)) = self.composite() else { return false };
        let Some(frame) = self.frame else { return false };
        let outside = Self::of_step(self.state, frame.leg, index);
        let with = self.given_to(index);
        let defaults = action
            .inputs
            .iter()
            .filter_map(|input| Some((input.name.clone(), input.default.clone()?)));
        outside.any_late(with, name) || outside.any_late(&defaults.collect(), name)
    }
}

fn is_machine_s(context: &str, name: Option<&str>) -> bool {
    let names = LATE_NAMES.iter().find(|(known, _)| *known == context);
    let names = names.map_or(&[] as &[&str], |(_, names)| names);
    name.is_some_and(|name| names.iter().any(|known| known.eq_ignore_ascii_case(name)))
}
