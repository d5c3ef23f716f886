//! Taking back what a failed run did: the `undo` of each step that succeeded, one after the other, the last that ended
//! first. One that fails is recorded, and the rest is still undone.

use super::Decision;
use super::steps::{Next, StepTerms};
use crate::input::Produced;
use crate::language::Action;
use crate::record::Record;
use crate::state::{Stage, StepPhase};

impl Decision {
    /// Whether a step that succeeded has something to undo.
    pub(super) fn has_undo(&self) -> bool {
        !self.to_undo().is_empty()
    }

    /// Legs and steps, in the order in which they are undone.
    fn to_undo(&self) -> Vec<(usize, usize)> {
        let legs = self.state.legs().enumerate();
        let steps = legs.flat_map(|(leg, state)| {
            let steps = state.steps.iter().enumerate();
            steps.map(move |(step, step_state)| (leg, step, state, step_state))
        });
        let mut found: Vec<(u32, usize, usize)> = steps
            .filter(|(_, _, leg, step)| {
                step.stage == Stage::Main
                    && step.phase == StepPhase::Succeeded
                    && self.state.definition_of(leg, step).undo.is_some()
            })
            .map(|(leg, step, _, state)| (state.ended, leg, step))
            .collect();
        found.sort_unstable_by_key(|&(ended, _, _)| std::cmp::Reverse(ended));
        found.into_iter().map(|(_, leg, step)| (leg, step)).collect()
    }

    /// Goes on with it; `false` once everything has been undone, as far as it can.
    pub(super) fn undo(&mut self) -> bool {
        for (leg, step) in self.to_undo() {
            let path = format!("{}:undo", self.state.leg_at(leg).steps[step].path);
            loop {
                if self.is_spent() {
                    return true;
                }
                let Some(index) = self.state.leg_at(leg).step_index(&path) else {
                    self.begin_undo(leg, step, path.clone());
                    continue;
                };
                if self.state.leg_at(leg).steps[index].outcome().is_some() {
                    break;
                }
                if !self.go_on_undoing(leg, index) {
                    return true;
                }
            }
        }
        false
    }

    fn begin_undo(&mut self, leg: usize, of: usize, step: String) {
        let state = self.state.leg_at(leg);
        let job = state.path.clone();
        let definition = self.state.definition_of(state, &state.steps[of]);
        let composite = matches!(definition.undo.as_deref(), Some(Action::Composite { .. }));
        let (attempt, check_condition, tolerated) = (1, false, false);
        let record = match self.step_terms(leg, of) {
            Ok(StepTerms { deadline, .. }) if composite => {
                Record::StepEntered { job, step, deadline, tolerated }
            }
            Ok(StepTerms { deadline, .. }) => {
                Record::StepScheduled { job, step, attempt, deadline, check_condition, tolerated }
            }
            Err(failure) => {
                let produced = Produced::default();
                Record::StepFailed { job, step, attempt, failure, produced }
            }
        };
        self.push(record);
    }

    fn go_on_undoing(&mut self, leg: usize, step: usize) -> bool {
        let state = self.state.leg_at(leg);
        match self.next_of(state, step, &state.steps[step]) {
            Next::Begin(step) => self.begin(leg, step),
            Next::Close(composite) => self.close(leg, composite),
            Next::Busy | Next::Post(_) | Next::End => return false,
        }
        true
    }
}
