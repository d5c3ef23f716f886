//! An attempt of a step that is under way: when it ends, and how.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use workflow::{LegState, State, StepResult, StepTask};

use super::outcome::{Ends, Outcome};
use super::performance;
use super::rules::{Asked, Rules};

pub(super) struct Open {
    pub(super) task: StepTask,
    began: SignedDuration,
    /// Found when time passes: until then a scenario may still say it.
    ending: Option<Ending>,
    stopped: Option<SignedDuration>,
}

struct Ending {
    /// `None`: never, by itself.
    at: Option<SignedDuration>,
    result: StepResult,
}

impl Open {
    pub(super) fn new(task: StepTask, began: SignedDuration) -> Self {
        Self { task, began, ending: None, stopped: None }
    }

    pub(super) fn stop(&mut self, now: SignedDuration) {
        self.stopped.get_or_insert(now);
    }

    pub(super) fn is_undecided(&self) -> bool {
        self.ending.is_none()
    }

    /// Finds out how it ends. Without secrets, what the step is given is not evaluated.
    pub(super) fn decide(
        &mut self,
        state: &State,
        rules: &mut Rules,
        secrets: Option<&BTreeMap<String, String>>,
    ) {
        let Some(leg) = state.leg(&self.task.job) else { return };
        let rehearsed =
            secrets.map_or(Ok(true), |secrets| performance::rehearse(state, &self.task, secrets));
        let at = Some(self.began);
        self.ending = Some(match rehearsed {
            Err(failure) => Ending { at, result: StepResult::failed(failure) },
            Ok(false) => Ending { at, result: StepResult::Skipped },
            Ok(true) => {
                let asked = asked(leg, &self.task);
                let outcome = rules.outcome(asked);
                let at = Some(self.began.saturating_add(outcome.takes));
                let at = at.filter(|_| outcome.ends != Ends::Never);
                Ending { at, result: result(rules, asked, &outcome) }
            }
        });
    }

    /// When it ends by itself, or because it was told to stop.
    pub(super) fn due(&self) -> Option<SignedDuration> {
        let ends = self.ending.as_ref().and_then(|ending| ending.at);
        match (ends, self.stopped) {
            (Some(ends), Some(stopped)) => Some(ends.min(stopped)),
            (ends, stopped) => ends.or(stopped),
        }
    }

    pub(super) fn result(&self) -> StepResult {
        let ends = self.ending.as_ref().and_then(|ending| ending.at);
        let stopped = self.stopped.filter(|stopped| ends.is_none_or(|ends| ends > *stopped));
        match &self.ending {
            Some(ending) if stopped.is_none() => ending.result.clone(),
            _ => StepResult::cancelled(),
        }
    }
}

fn asked<'a>(leg: &'a LegState, task: &'a StepTask) -> Asked<'a> {
    let is_part = task.step.ends_with(":pre") || task.step.ends_with(":post");
    let matrix = leg.plan.matrix.is_some();
    let job =
        leg.path.rsplit_once('.').filter(|_| matrix).map_or(leg.path.as_str(), |(job, _)| job);
    Asked {
        leg: &leg.path,
        job,
        name: &leg.plan.name,
        step: &task.step,
        uses: &task.uses,
        environment: leg.terms.environment.as_deref(),
        is_main: !is_part && !task.step.contains(":undo"),
    }
}

fn result(rules: &mut Rules, asked: Asked<'_>, outcome: &Outcome) -> StepResult {
    match &outcome.ends {
        Ends::Fails(failure) => StepResult::failed(failure.clone()),
        Ends::Succeeds | Ends::Never => {
            let mut outputs = performance::usual_outputs(asked.uses, asked.environment);
            outputs.extend(rules.outputs(asked));
            StepResult::succeeded(outputs)
        }
    }
}
