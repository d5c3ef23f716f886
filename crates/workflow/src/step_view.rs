//! A step as whoever carries it out sees it: its keys, evaluated there and then, with what only they have.

use std::collections::BTreeMap;

use crate::contexts::{Contexts, Late};
use crate::effect::StepTask;
use crate::expression::{HashFilesError, Value, condition};
use crate::input::Failure;
use crate::language::{Action, CallSecrets, Defaults, Input, Origin, Template, Variables, Work};
use crate::state::{LegState, Stage, State, StepState};

#[derive(Debug, Clone, Copy)]
pub struct StepView<'s> {
    state: &'s State,
    leg: &'s LegState,
    step: usize,
}

/// What a `run` step runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    pub text: String,
    /// As it is written; none for the default.
    pub shell: Option<String>,
    pub working_directory: Option<String>,
}

impl<'s> StepView<'s> {
    /// `None` if the run has no such step.
    #[must_use]
    pub fn of(state: &'s State, task: &StepTask) -> Option<Self> {
        let leg = state.leg(&task.job)?;
        let step = leg.step_index(&task.step)?;
        Some(Self { state, leg, step })
    }

    #[must_use]
    pub fn leg(&self) -> &'s LegState {
        self.leg
    }

    #[must_use]
    pub fn step(&self) -> &'s StepState {
        &self.leg.steps[self.step]
    }

    /// Of a `post` or `pre` part it is the step's.
    #[must_use]
    pub fn action(&self) -> &'s Action {
        self.state.action_of(self.leg, self.step())
    }

    /// Whose the action is that it is or stands in, and its folder in the repository that has it.
    #[must_use]
    pub fn action_place(&self) -> Option<(&'s Origin, &'s str)> {
        Contexts::of_step(self.state, self.leg, self.step).action_place()
    }

    /// Whose policy and secrets apply.
    #[must_use]
    pub fn environment(&self) -> Option<&'s str> {
        self.leg.terms.environment.as_deref()
    }

    /// A step of a leg, whether it has begun or not.
    #[must_use]
    pub fn of_leg(state: &'s State, leg: &'s LegState, step: &StepState) -> Option<Self> {
        Some(Self { state, leg, step: leg.step_index(&step.path)? })
    }

    /// As it is shown: its name, or what it does.
    pub fn name(&self, late: &dyn Late) -> Result<String, Failure> {
        let definition = self.state.definition_of(self.leg, self.step());
        let part = match self.step().stage {
            Stage::Main => "",
            Stage::Pre => "Pre ",
            Stage::Post => "Post ",
            Stage::Undo => "Undo ",
        };
        let name = match (&definition.name, &definition.action) {
            (Some(name), _) => self.text(name, late)?,
            (None, Action::Run { script, .. }) => {
                let first = script.text.trim().lines().next().unwrap_or_default();
                format!("Run {first}")
            }
            (None, action) => format!("Run {}", crate::effect::uses(action)),
        };
        Ok(format!("{part}{name}"))
    }

    /// Whether the step's condition holds, where that was left to whoever carries it out.
    pub fn condition(&self, late: &dyn Late) -> Result<bool, Failure> {
        let step = self.step();
        let definition = self.state.definition_of(self.leg, step);
        let written = match (step.stage, &definition.action) {
            (Stage::Pre, Action::JavaScript { action, .. }) => action.pre_if.as_ref(),
            (Stage::Post, Action::JavaScript { action, .. }) => action.post_if.as_ref(),
            (Stage::Main, _) => definition.condition.as_ref(),
            _ => None,
        };
        let here = self.here(late);
        written.map_or(Ok(true), |written| {
            condition(written, &here).map_err(|error| here.failure(&error))
        })
    }

    /// Every variable that it sees: the workflow's, the job's, what earlier steps wrote, and its own.
    pub fn env(&self, late: &dyn Late) -> Result<Vec<(String, String)>, Failure> {
        let (env, unset) = self.here(late).environment();
        match unset {
            Some((here, error)) => Err(here.failure(&error)),
            None => Ok(env
                .iter()
                .map(|(name, value)| (name.to_owned(), value.to_text().into_owned()))
                .collect()),
        }
    }

    /// What earlier steps put before `PATH`, the first first.
    #[must_use]
    pub fn path(&self) -> Vec<&'s str> {
        let mut ended: Vec<&StepState> =
            self.leg.steps.iter().filter(|step| step.ended > 0).collect();
        ended.sort_by_key(|step| std::cmp::Reverse(step.ended));
        let entries = ended.into_iter().flat_map(|step| step.produced.path.iter().rev());
        entries.map(String::as_str).collect()
    }

    /// What its `with` gives, by name; of an action that says what it takes, each of that.
    pub fn inputs(&self, late: &dyn Late) -> Result<BTreeMap<String, String>, Failure> {
        let (with, declared): (&Variables, &[Input]) = match self.action() {
            Action::Run { .. } => return Ok(BTreeMap::new()),
            Action::Verb { with, .. } | Action::BuiltIn { with, .. } => (with, &[]),
            Action::Composite { with, action } => (with, &action.inputs),
            Action::JavaScript { with, action } => (with, &action.inputs),
        };
        let here = self.here(late);
        let mut inputs = BTreeMap::new();
        for input in declared {
            let text = here.input(input, with).map_err(|error| here.failure(&error))?;
            inputs.insert(input.name.clone(), text);
        }
        for (name, template) in with {
            if !inputs.keys().any(|known| known.eq_ignore_ascii_case(name)) {
                inputs.insert(name.clone(), self.text(template, late)?);
            }
        }
        Ok(inputs)
    }

    /// What it runs, if it is a `run` step.
    pub fn script(&self, late: &dyn Late) -> Result<Option<Script>, Failure> {
        let Action::Run { script, shell, working_directory } = self.action() else {
            return Ok(None);
        };
        let defaults = self.defaults();
        let shell = shell.as_ref().or_else(|| defaults.iter().find_map(|d| d.shell.as_ref()));
        let directory = working_directory.as_ref();
        let directory =
            directory.or_else(|| defaults.iter().find_map(|d| d.working_directory.as_ref()));
        Ok(Some(Script {
            text: self.text(script, late)?,
            shell: shell.map(|shell| self.text(shell, late)).transpose()?,
            working_directory: directory.map(|directory| self.text(directory, late)).transpose()?,
        }))
    }

    /// The job's, then the workflow's; a composite action has none of them.
    fn defaults(&self) -> Vec<&'s Defaults> {
        match self.step().parent {
            Some(_) => Vec::new(),
            None => {
                let job = self.state.job_of(self.leg);
                vec![&job.defaults, &self.state.workflow(self.leg.scope).defaults]
            }
        }
    }

    /// What the step's other parts wrote to `GITHUB_STATE`.
    #[must_use]
    pub fn action_state(&self) -> BTreeMap<&'s str, &'s str> {
        let mine = self.step();
        let parts = self.leg.steps.iter().filter(|step| step.route == mine.route && step.ended > 0);
        let state = parts.flat_map(|step| &step.produced.state);
        state.map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    /// Which of the run's own secrets the step's workflow sees, and under which names: what its callers hand on.
    pub fn secrets(
        &self,
        own: &BTreeMap<String, String>,
    ) -> Result<BTreeMap<String, String>, Failure> {
        let mut callers = Vec::new();
        let mut scope = self.leg.scope;
        while let Some(caller) = self.state.scope_at(scope).caller {
            callers.push(caller);
            scope = self.state.leg_at(caller).scope;
        }
        let mut secrets = own.clone();
        for caller in callers.into_iter().rev() {
            let leg = self.state.leg_at(caller);
            let Work::Call(call) = &self.state.job_of(leg).work else { continue };
            if let CallSecrets::Named(named) = &call.secrets {
                let seen = Handed(secrets);
                let here = Contexts::of_leg(self.state, leg).with_late(Some(&seen));
                secrets = named
                    .iter()
                    .map(|(name, template)| Ok((name.clone(), evaluated(template, &here)?)))
                    .collect::<Result<_, Failure>>()?;
            }
        }
        Ok(secrets)
    }

    fn text(&self, template: &Template, late: &dyn Late) -> Result<String, Failure> {
        evaluated(template, &self.here(late))
    }

    fn here<'v>(&self, late: &'v dyn Late) -> Contexts<'v>
    where
        's: 'v,
    {
        Contexts::of_step(self.state, self.leg, self.step).with_late(Some(late))
    }
}

fn evaluated(template: &Template, here: &Contexts<'_>) -> Result<String, Failure> {
    crate::expression::render(template, here).map_err(|error| here.failure(&error))
}

/// What a caller hands on to the workflow that it calls.
struct Handed(BTreeMap<String, String>);

impl Late for Handed {
    fn secrets(&self) -> Value {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
    }

    fn hash_files(&self, _patterns: &[String]) -> Result<String, HashFilesError> {
        Err(HashFilesError::NotHere)
    }
}
